"""A schema of a PostgreSQL database, streamed into temporary Parquet files in one consistent snapshot.

DuckDB's own extension for PostgreSQL has to be downloaded, which many closed machines do not allow; the ADBC
driver comes as a package and hands over Arrow record batches.
"""

from __future__ import annotations

import glob
import os
import re
import shutil
import weakref
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import unquote

import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq

from ripple.errors import InputError
from ripple.extras import missing_extras
from ripple.features.tables.contract import CONTRACT
from ripple.features.tables.sources.source import Source, connect, tables_of_schema
from ripple.redaction import hidden

if TYPE_CHECKING:
    from adbc_driver_manager.dbapi import Connection

T = TypeVar("T")
Types = Mapping[str, Mapping[str, str]]
"""table → column → its type, as PostgreSQL spells it."""

EXAMPLE = "postgresql://user@host:5432/database?schema=public"
MALFORMED = (
    f"The PostgreSQL URL cannot be read: expected {EXAMPLE}. A password may follow the user as user:password "
    "(in both, write @ : / ? # % as %40 %3A %2F %3F %23 %25), or stand in PGPASSWORD or ~/.pgpass."
)

_URL = re.compile(
    r"\w+://(?:(?P<user>[^:@/?#]*)(?::(?P<password>[^@/?#]*))?@)?"
    r"(?P<host>\[[^]@/?#]*\]|[^]\[:@/?#]*)(?::(?P<port>\d*))?"
    r"(?:/(?P<dbname>[^@/?#]*))?(?:\?(?P<options>[^@#]*))?"
)
_TYPES = """
SELECT c.relname::text, a.attname::text,
       pg_catalog.format_type(CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END, NULL)
FROM pg_catalog.pg_namespace n
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
WHERE n.nspname = $1 ORDER BY c.relname, a.attnum
"""
_UNCHANGED_TYPES = {"smallint", "integer", "bigint", "real", "double precision", "boolean", "text"}
_TIME_RANGES = {
    "date": ("0001-01-01", "9999-12-31"),
    "timestamp without time zone": ("0001-01-01", "9999-12-31 23:59:59.999999"),
    "timestamp with time zone": ("0001-01-01 00:00+00", "9999-12-31 23:59:59.999999+00"),
}


@dataclass(frozen=True)
class Postgres(Source):
    """The tables and views of one *schema*; libpq takes what the URL leaves out from PG* and ~/.pgpass."""

    schema: str
    options: Mapping[str, str] = field(repr=False)
    """The options of the connection, by the keywords of libpq."""

    @classmethod
    def from_url(cls, url: str) -> Postgres:
        """The source of a URL; libpq never sees it, as its messages about a malformed one quote passwords.

        Raises:
            InputError: it is malformed; the message does not repeat it.
        """
        parts = _URL.fullmatch(url)
        if parts is None:
            raise InputError(MALFORMED)
        pairs = [pair.partition("=") for pair in (parts["options"] or "").split("&") if pair]
        if not all(name and equals for name, equals, _ in pairs):
            raise InputError(MALFORMED)
        options = {
            name: unquote(parts[name] or "") for name in ("user", "password", "host", "port", "dbname")
        }
        options["host"] = options["host"].strip("[]")
        options |= {name: unquote(value) for name, _, value in pairs}
        schema = options.pop("schema", "public")
        return cls(schema, {name: value for name, value in options.items() if value})

    @property
    def name(self) -> str:
        """The name of the database."""
        return self.options.get("dbname") or os.environ.get("PGDATABASE") or "postgresql"

    @property
    def folder(self) -> None:
        """None: a database has no ripple.toml beside it."""
        return

    def __str__(self) -> str:
        host, port = self.options.get("host", ""), self.options.get("port")
        place = (f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")
        shown = f"postgresql://{place}/{self.options.get('dbname', '')}"
        return shown + (f"?schema={self.schema}" if self.schema != "public" else "")

    def read(self) -> dict[str, ir.Table]:
        """The tables, as they were at one moment; columns that the contract does not know only if attributes.

        One record batch after another goes from the server to a file, which is removed with the connection:
        at the latest when the process ends.
        """
        with closing(self._connected()) as server:
            types = self._with_safe_errors("cannot be read", _types, server, self.schema)
            columns = {name: list(columns) for name, columns in types.items()}
            names = tables_of_schema(str(self), self.schema, columns)
            folder = Path(mkdtemp(prefix="ripple-"))
            connection = connect()
            weakref.finalize(connection, shutil.rmtree, folder, ignore_errors=True)
            files = {name: folder / f"{name}.parquet" for name in names}
            for name, file in files.items():
                query = f"SELECT {_selection(name, types[name])} FROM {_quoted(self.schema)}.{_quoted(name)}"
                self._with_safe_errors(f"{name} cannot be read", _stream, server, query, file)
        return {name: connection.read_parquet(glob.escape(str(file))) for name, file in files.items()}

    def _connected(self) -> Connection:
        options = {"fallback_application_name": "ripple", **self.options, "client_encoding": "UTF8"}
        if "PGCONNECT_TIMEOUT" not in os.environ:
            options.setdefault("connect_timeout", "10")
        text = " ".join(f"{name}={_libpq(value)}" for name, value in options.items())
        return self._with_safe_errors("cannot connect", _snapshot, text)

    def _with_safe_errors(self, failed: str, action: Callable[..., T], *arguments: object) -> T:
        """The result of *action*; its errors become an `InputError` without a password or a way to one."""
        try:
            from adbc_driver_postgresql.dbapi import Error
        except ImportError as error:
            raise missing_extras("postgres") from error
        try:
            return action(*arguments)
        except (Error, pa.ArrowException, OSError) as error:
            reason = hidden(_reason(error), self._secrets())
        raise InputError(f"{self}: {failed}: {reason}")

    def _secrets(self) -> list[str]:
        passwords = [
            value for name, value in self.options.items() if re.search("password|secret|scram", name)
        ]
        return [*passwords, os.environ.get("PGPASSWORD", "")]


def _snapshot(options: str) -> Connection:
    """A connection in a read-only transaction that sees the database as it is at its first query."""
    from adbc_driver_postgresql import dbapi

    server = dbapi.connect(options)
    try:
        with server.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    except dbapi.Error:
        server.close()
        raise
    return server


def _types(server: Connection, schema: str) -> Types:
    """The columns of every table and view of a *schema*, with their types."""
    types: dict[str, dict[str, str]] = {}
    with server.cursor() as cursor:
        cursor.execute(_TYPES, (schema,))
        for table, column, type_ in cursor.fetchall():
            types.setdefault(table, {})[column] = type_
    return types


def _stream(server: Connection, query: str, file: Path) -> None:
    """Write the result of *query* to a Parquet file, one record batch after another."""
    with server.cursor() as cursor:
        cursor.execute(query)
        batches = cursor.fetch_record_batch()
        with pq.ParquetWriter(file, batches.schema, compression="zstd") as writer:
            for batch in batches:
                writer.write_batch(batch)


def _selection(name: str, types: Mapping[str, str]) -> str:
    """The columns to read of a table, each as a type that arrives unchanged."""
    contract = CONTRACT[name]
    kinds = {column.name: column.type for column in contract.columns}
    return ", ".join(
        f"{_as_read(_quoted(column), type_, kinds.get(column))} AS {_quoted(column)}"
        for column, type_ in types.items()
        if column in kinds or contract.attributes
    )


def _as_read(column: str, type_: str, kind: str | None) -> str:
    """SQL that reads a column of PostgreSQL's *type_*, which is to be of the contract's *kind*."""
    if type_ in _UNCHANGED_TYPES:
        return column
    if type_ in _TIME_RANGES:
        # an infinite time would wrap around on its way; as the last moment of all it stays after every other
        first, last = (f"'{moment}'::{type_}" for moment in _TIME_RANGES[type_])
        return (
            f"CASE WHEN {column} > {last} THEN {last} WHEN {column} < {first} THEN {first} ELSE {column} END"
        )
    if type_ == "numeric" and kind not in ("id", "text"):
        return f"{column}::double precision"
    if type_ == "money":
        return f"{column}::numeric::double precision"
    return f"{column}::text"


def _reason(error: Exception) -> str:
    """The first lines of the server's message, without the query that Ripple itself wrote."""
    text = re.sub(r"^\w+: (\[libpq\] )?(Failed to [^:]*: )?", "", str(error).partition("\n\nQuery was:")[0])
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return "; ".join(lines[:3])


def _quoted(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def _libpq(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
