"""A schema of a PostgreSQL database, streamed into temporary Parquet files in one consistent snapshot.

DuckDB's own extension for PostgreSQL has to be downloaded, which many closed machines do not allow; the ADBC
driver comes as a package and hands over Arrow record batches.
"""

from __future__ import annotations

import glob
import itertools
import os
import re
import shutil
import weakref
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import unquote

import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq
from sqlglot import exp

from ripple.errors import InputError
from ripple.extras import missing_extras
from ripple.features.tables.sources.source import Place, Source, connect
from ripple.redaction import hidden
from ripple.suggestions import nearest

if TYPE_CHECKING:
    from adbc_driver_manager.dbapi import Connection

T = TypeVar("T")
_serial = itertools.count()
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
_NAMES = """
SELECT c.relname::text FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON c.relnamespace = n.oid
WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v', 'm', 'f') ORDER BY c.relname
"""
_TYPE_NAMES = """
SELECT t.oid::int8, pg_catalog.format_type(CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END, NULL)
FROM pg_catalog.pg_type t
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
        """None: a database has no ripple.toml next to it."""
        return

    def __str__(self) -> str:
        host, port = self.options.get("host", ""), self.options.get("port")
        place = (f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")
        shown = f"postgresql://{place}/{self.options.get('dbname', '')}"
        return shown + (f"?schema={self.schema}" if self.schema != "public" else "")

    def open(self) -> OpenPostgres:
        """A connection in one read-only transaction, which sees the database as it is at one moment."""
        return OpenPostgres(self)

    def connected(self) -> Connection:
        """A connection in a read-only transaction.

        Raises:
            InputError: there is none; the message holds no password.
        """
        options = {"fallback_application_name": "ripple", **self.options, "client_encoding": "UTF8"}
        if "PGCONNECT_TIMEOUT" not in os.environ:
            options.setdefault("connect_timeout", "10")
        text = " ".join(f"{name}={_libpq(value)}" for name, value in options.items())
        return self.with_safe_errors("cannot connect", _snapshot, text)

    def with_safe_errors(self, failed: str, action: Callable[..., T], *arguments: object) -> T:
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


class OpenPostgres(Place):
    """The tables and views of a schema. What is read streams into temporary Parquet files.

    One record batch after another goes from the server to a file, which is removed with the connection that
    reads it: at the latest when the process ends.
    """

    dialect = "postgres"

    def __init__(self, source: Postgres) -> None:
        super().__init__(source)
        self._postgres = source
        self._server = source.connected()
        try:
            self._names: list[str] = self._ask("cannot be read", _first_column, _NAMES, source.schema)
        except InputError:
            self._server.close()
            raise
        self._folder = Path(mkdtemp(prefix="ripple-"))
        self._connection = connect()
        weakref.finalize(self._connection, shutil.rmtree, self._folder, ignore_errors=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the connection."""
        self._server.close()

    def names(self) -> list[str]:
        """The names of the tables and views of the schema."""
        return self._names

    def relation(self, name: str) -> exp.Table:
        """A table or view of the schema, or, as ``schema.table``, of another one."""
        schema, _, table = ("", "", name) if name in self._names else name.rpartition(".")
        if not schema and table not in self._names:
            raise InputError(f"{self.source}: {self.explain_missing(name)}")
        return exp.table_(table, schema or self._postgres.schema, quoted=True)

    def columns(self, query: exp.Query) -> list[str]:
        """The names of the columns of a query."""
        return list(self._types(query))

    def read(self, query: exp.Query, exact: Collection[str] = ()) -> ir.Table:
        """The rows of a query, each value in a type that arrives unchanged."""
        columns = ", ".join(
            f"{_as_read(_quoted(column), type_, column in exact)} AS {_quoted(column)}"
            for column, type_ in self._types(query).items()
        )
        file = self._folder / f"{next(_serial)}.parquet"
        text = f"SELECT {columns} FROM ({query.sql(self.dialect)}) AS ripple"
        self._ask(f"{_tables(query)} cannot be read", _stream, text, file)
        return self._connection.read_parquet(glob.escape(str(file)))

    def explain_missing(self, name: str) -> str:
        """That the schema has no such table, and the nearest that it has."""
        close = nearest(name, self._names) if self._names else ", which is empty or not there"
        return f"no table or view {name} in schema {self._postgres.schema}{close}"

    def _types(self, query: exp.Query) -> Mapping[str, str]:
        """The columns of a query, with their types as PostgreSQL spells them."""
        return self._ask(f"{_tables(query)} cannot be read", _types, query.sql(self.dialect))

    def _ask(self, failed: str, action: Callable[..., T], *arguments: object) -> T:
        return self._postgres.with_safe_errors(failed, action, self._server, *arguments)


def _tables(query: exp.Query) -> str:
    return ", ".join(table.name for table in query.find_all(exp.Table)) or "the query"


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


def _first_column(server: Connection, query: str, *values: str) -> list[str]:
    with server.cursor() as cursor:
        cursor.execute(query, values)
        return [row[0] for row in cursor.fetchall()]


def _types(server: Connection, query: str) -> Mapping[str, str]:
    """The columns of a query with their types, those of domains by what they are made of."""
    with server.cursor() as cursor:
        # also of a query without rows; the names come with the answer, the types as text in it
        cursor.execute(f"SELECT * FROM ({query}) AS ripple LIMIT 0")
        names = [column[0] for column in cursor.description or ()]
        types = ", ".join(f"pg_typeof(ripple.{_quoted(name)})::oid::int8" for name in names)
        cursor.execute(f"SELECT {types} FROM (SELECT) AS one LEFT JOIN ({query} LIMIT 0) AS ripple ON true")
        (oids,) = cursor.fetchall()
        cursor.execute(_TYPE_NAMES)
        type_names = dict(cursor.fetchall())
    return dict(zip(names, (type_names[oid] for oid in oids), strict=True))


def _stream(server: Connection, query: str, file: Path) -> None:
    """Write the result of *query* to a Parquet file, one record batch after another."""
    with server.cursor() as cursor:
        cursor.execute(query)
        batches = cursor.fetch_record_batch()
        with pq.ParquetWriter(file, batches.schema, compression="zstd") as writer:
            for batch in batches:
                writer.write_batch(batch)


def _as_read(column: str, type_: str, exact: bool) -> str:
    """SQL that reads a column of PostgreSQL's *type_*; where *exact*, each digit of a number counts."""
    if type_ in _UNCHANGED_TYPES:
        return column
    if type_ in _TIME_RANGES:
        # an infinite time would wrap around on its way; as the last moment of all it stays after every other
        first, last = (f"'{moment}'::{type_}" for moment in _TIME_RANGES[type_])
        return (
            f"CASE WHEN {column} > {last} THEN {last} WHEN {column} < {first} THEN {first} ELSE {column} END"
        )
    if type_ == "numeric" and not exact:
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
