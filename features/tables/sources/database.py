"""What every database has in common: rows of a query stream as Arrow batches into temporary Parquet files.

DuckDB's own extensions for databases have to be downloaded, which many closed machines do not allow; drivers
come as packages.
"""

from __future__ import annotations

import os
import re
from abc import abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self, TypeVar
from urllib.parse import unquote

import ibis.expr.types as ir
import pyarrow as pa
from sqlglot import exp

from ripple.errors import InputError
from ripple.features.tables.sources.source import OpenSchema, Source, connect
from ripple.features.tables.sources.temporary import TemporaryFiles, write_batches
from ripple.redaction import hidden

T = TypeVar("T")
CHUNK_ROWS = 20_000
"""The number of rows of a batch, where a driver hands over single rows."""
_URL = re.compile(
    r"\w+://(?:(?P<user>[^:@/?#]*)(?::(?P<password>[^@/?#]*))?@)?"
    r"(?P<host>\[[^]@/?#]*\]|[^]\[:@/?#]*)(?::(?P<port>\d*))?"
    r"(?:/(?P<dbname>[^@/?#]*))?(?:\?(?P<options>[^@#]*))?"
)


class Database(Source):
    """A database, read by a driver. Its errors are told without a password."""

    schema: str

    @property
    def folder(self) -> Path | None:
        """None: a database has no ripple.toml next to it."""
        return None

    @property
    @abstractmethod
    def errors(self) -> tuple[type[Exception], ...]:
        """The errors of the driver.

        Raises:
            InputError: the driver is not installed.
        """

    @property
    def secrets(self) -> list[str]:
        """What an error must not tell."""
        return []

    def reason(self, error: Exception) -> str:
        """The first lines of a driver's message, without the query that Ripple itself wrote."""
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        return "; ".join(lines[:3])

    def with_safe_errors(self, failed: str, action: Callable[..., T], *arguments: object) -> T:
        """The result of *action*; its errors become an `InputError` without a password or a way to one."""
        try:
            return action(*arguments)
        except (*self.errors, pa.ArrowException, OSError) as error:
            reason = hidden(self.reason(error), self.secrets)
        raise InputError(f"{self}: {failed}: {reason}")


@dataclass(frozen=True)
class DatabaseURL(Database):
    """One *schema* of a database that a URL names.

    Attributes:
        scheme: the first part of the URL.
        example: a URL, for messages.
        password_elsewhere: where a password may stand other than in the URL.
        password_variable: the environment variable among these places, if there is one.
    """

    schema: str
    options: Mapping[str, str] = field(repr=False)
    """Of the connection: user, password, host, port, dbname, and what follows the question mark."""

    scheme: ClassVar[str]
    example: ClassVar[str]
    password_elsewhere: ClassVar[str] = ""
    password_variable: ClassVar[str] = ""
    default_schema: ClassVar[str] = ""
    """The schema where the URL names none; if empty, that of the database's name."""

    @classmethod
    def from_url(cls, url: str) -> Self:
        """The source of a URL; no driver sees it, as messages about a malformed one may quote passwords.

        Raises:
            InputError: it is malformed; the message does not repeat it.
        """
        parts = _URL.fullmatch(url)
        pairs = [pair.partition("=") for pair in ((parts and parts["options"]) or "").split("&") if pair]
        if parts is None or not all(name and equals for name, equals, _ in pairs):
            raise InputError(
                f"The {cls.__name__} URL cannot be read: expected {cls.example}. A password may follow the "
                "user as user:password (in both, write @ : / ? # % as %40 %3A %2F %3F %23 %25)"
                f"{cls.password_elsewhere}."
            )
        options = {
            name: unquote(parts[name] or "") for name in ("user", "password", "host", "port", "dbname")
        }
        options["host"] = options["host"].strip("[]")
        options |= {name: unquote(value) for name, _, value in pairs}
        schema = options.pop("schema", cls.default_schema or options["dbname"])
        return cls(schema, {name: value for name, value in options.items() if value})

    @property
    def name(self) -> str:
        """The name of the database."""
        return self.options.get("dbname") or self.scheme

    def __str__(self) -> str:
        host, port = self.options.get("host", ""), self.options.get("port")
        place = (f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")
        shown = f"{self.scheme}://{place}/{self.options.get('dbname', '')}"
        default = self.default_schema or self.options.get("dbname", "")
        return shown + (f"?schema={self.schema}" if self.schema != default else "")

    @property
    def secrets(self) -> list[str]:
        """The options that hold a password, a token or a key, and what stands in `password_variable`."""
        return [
            value
            for name, value in self.options.items()
            if re.search("password|secret|scram|token|key", name)
        ] + [os.environ.get(self.password_variable, "")]


class OpenDatabase(OpenSchema):
    """The tables and views of a schema. What is read streams into temporary Parquet files.

    One record batch after another goes from the server to a file, which is removed with the connection that
    reads it: at the latest when the process ends.
    """

    def __init__(self, source: Database) -> None:
        super().__init__(source)
        self._database, self.schema = source, source.schema
        self._server: Any = source.with_safe_errors("cannot connect", self._connect)
        try:
            self._names: list[str] = source.with_safe_errors("cannot be read", self._list_names)
        except InputError:
            self._server.close()
            raise
        self._connection = connect()
        self._temporary = TemporaryFiles(self._connection)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the connection."""
        self._server.close()

    def columns(self, query: exp.Query) -> list[str]:
        """The names of the columns of a query."""
        return self._ask(query, self._columns, self._sql(query))

    def read(self, query: exp.Query, exact: Collection[str] = ()) -> ir.Table:
        """The rows of a query, each value in a type that arrives unchanged."""
        file = self._temporary.new()
        self._ask(query, self._copy, self._sql(query), exact, file)
        return self._temporary.table(file)

    def compute(self, rows: ir.Table, columns: Collection[str]) -> None:
        """Nothing: what was read has been computed."""

    def stored(self, rows: ir.Table) -> ir.Table:
        """*rows*, which are in a file."""
        return rows

    @abstractmethod
    def _connect(self) -> Any:
        """A connection that only reads and, where the database can, sees it as it is at one moment."""

    @abstractmethod
    def _list_names(self) -> list[str]:
        """The names of the tables and views of the schema."""

    @abstractmethod
    def _copy(self, query: str, exact: Collection[str], file: Path) -> None:
        """Write the rows of *query* to a Parquet file; in the columns *exact* each digit counts."""

    def _sql(self, query: exp.Query) -> str:
        return query.sql(self.dialect)

    def _columns(self, query: str) -> list[str]:
        with closing(self._server.cursor()) as cursor:
            # also of a query without rows
            cursor.execute(f"SELECT * FROM ({query}) AS ripple LIMIT 0")
            return [name for name, *_ in cursor.description or ()]

    def _ask(self, query: exp.Query, action: Callable[..., T], *arguments: object) -> T:
        tables = ", ".join(table.name for table in query.find_all(exp.Table)) or "the query"
        return self._database.with_safe_errors(f"{tables} cannot be read", action, *arguments)


class ArrowDatabase(OpenDatabase):
    """A database whose driver hands over Arrow record batches, as those of ADBC do."""

    def _copy(self, query: str, exact: Collection[str], file: Path) -> None:
        with closing(self._server.cursor()) as cursor:
            cursor.execute(self._typed(query, exact))
            batches = cursor.fetch_record_batch()
            write_batches(file, batches.schema, batches)

    def _typed(self, query: str, exact: Collection[str]) -> str:
        """*query* with each column in a type that arrives unchanged."""
        return query

    def _first_column(self, query: str, *values: str) -> list[str]:
        with closing(self._server.cursor()) as cursor:
            cursor.execute(query, values)
            return [row[0] for row in cursor.fetchall()]


class RowDatabase(OpenDatabase):
    """A database whose driver hands over rows."""

    @abstractmethod
    def _typed(self, query: str, exact: Collection[str]) -> Mapping[str, tuple[str, pa.DataType]]:
        """By column of *query*, the expression in SQL that is read, and the type of its values."""

    def _copy(self, query: str, exact: Collection[str], file: Path) -> None:
        typed = self._typed(query, exact)
        columns = ", ".join(f"{value} AS {self._quoted(name)}" for name, (value, _) in typed.items())
        schema = pa.schema([(name, kind) for name, (_, kind) in typed.items()])
        write_batches(file, schema, self._batches(f"SELECT {columns} FROM ({query}) AS ripple", schema))

    def _batches(self, query: str, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        with closing(self._server.cursor()) as cursor:
            cursor.execute(query)
            while rows := cursor.fetchmany(CHUNK_ROWS):
                columns = zip(*rows, strict=True)
                arrays = [_array(values, kind) for values, kind in zip(columns, schema.types, strict=True)]
                yield pa.record_batch(arrays, schema=schema)

    def _quoted(self, identifier: str) -> str:
        return exp.to_identifier(identifier, quoted=True).sql(self.dialect)


def _array(values: Sequence[object], kind: pa.DataType) -> pa.Array:
    """An array of values of the type, or of texts of such values."""
    is_text = isinstance(next((value for value in values if value is not None), None), str)
    return pa.array(values, pa.string()).cast(kind) if is_text else pa.array(values, kind)
