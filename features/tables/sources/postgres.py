"""A schema of a PostgreSQL database, streamed into temporary Parquet files in one consistent snapshot."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, cast

import sqlglot
from sqlglot import exp

from ripple.errors import InputError
from ripple.extras import missing_extras
from ripple.features.tables.sources.database import ArrowDatabase, DatabaseURL, OpenDatabase
from ripple.features.tables.sources.sampling import Sample
from ripple.features.tables.sources.source import quoted

if TYPE_CHECKING:
    from adbc_driver_manager.dbapi import Connection

_NAMES = """
SELECT c.relname::text FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON c.relnamespace = n.oid
WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v', 'm', 'f') ORDER BY c.relname
"""
_SIZE = """
SELECT c.reltuples::int8 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON c.relnamespace = n.oid
WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'm')
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
class PostgreSQL(DatabaseURL):
    """The tables and views of one schema; libpq takes what the URL leaves out from PG* and ~/.pgpass."""

    scheme: ClassVar[str] = "postgresql"
    example: ClassVar[str] = "postgresql://user@host:5432/database?schema=public"
    password_elsewhere: ClassVar[str] = ", or stand in PGPASSWORD or ~/.pgpass"
    password_variable: ClassVar[str] = "PGPASSWORD"
    default_schema: ClassVar[str] = "public"

    @property
    def name(self) -> str:
        """The name of the database."""
        return self.options.get("dbname") or os.environ.get("PGDATABASE") or self.scheme

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """The errors of the driver."""
        try:
            from adbc_driver_postgresql.dbapi import Error
        except ImportError as error:
            raise missing_extras("postgres") from error
        return (Error,)

    def reason(self, error: Exception) -> str:
        """The first lines of the server's message."""
        text = super().reason(Exception(str(error).partition("\n\nQuery was:")[0]))
        return re.sub(r"^\w+: (\[libpq\] )?(Failed to [^:]*: )?", "", text)

    def open(self) -> OpenDatabase:
        """A connection in one read-only transaction, which sees the database as it is at one moment."""
        return OpenPostgreSQL(self)

    def connect(self) -> Connection:
        """A connection of the driver."""
        from adbc_driver_postgresql import dbapi

        options = {"fallback_application_name": "ripple", **self.options, "client_encoding": "UTF8"}
        if "PGCONNECT_TIMEOUT" not in os.environ:
            options.setdefault("connect_timeout", "10")
        return dbapi.connect(" ".join(f"{name}={_libpq(value)}" for name, value in options.items()))


class OpenPostgreSQL(ArrowDatabase):
    """The tables and views of a schema."""

    dialect = "postgres"

    def __init__(self, source: PostgreSQL) -> None:
        self._source = source
        super().__init__(source)

    def _connect(self) -> Connection:
        """A connection in a read-only transaction that sees the database as it is at its first query."""
        server = self._source.connect()
        try:
            with closing(server.cursor()) as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        except self._source.errors:
            server.close()
            raise
        return server

    def _list_names(self) -> list[str]:
        return self._first_column(_NAMES, self._source.schema)

    def sample(self, name: str, rows: int) -> Sample:
        """A sample by blocks of a table whose size the server knows, otherwise the first rows."""
        relation = self.relation(name)
        try:
            (size,) = self._ask(exp.select("*").from_(relation), self._size, relation) or (0,)
            if size <= rows:
                return super().sample(name, rows)
            sampled = sqlglot.parse_one(
                f"SELECT * FROM {relation.sql(self.dialect)} "
                f"TABLESAMPLE SYSTEM ({100 * rows / size:.6f}) REPEATABLE (7)",
                dialect=self.dialect,
            )
            table = self.read(cast(exp.Query, sampled)).to_pyarrow()
        except InputError:
            # or the transaction would refuse the other tables, too
            self._server.rollback()
            raise
        return Sample(table.slice(0, rows), size, "a sample of its blocks", exact=False)

    def _size(self, relation: exp.Table) -> list[int]:
        """About how many rows a table has, if the server knows."""
        return list(map(int, self._first_column(_SIZE, relation.db, relation.name)))

    def _typed(self, query: str, exact: Collection[str]) -> str:
        columns = ", ".join(
            f"{_as_read(quoted(column), type_, column in exact)} AS {quoted(column)}"
            for column, type_ in self._types(query).items()
        )
        return f"SELECT {columns} FROM ({query}) AS ripple"

    def _types(self, query: str) -> Mapping[str, str]:
        """The columns of a query with their types, those of domains by what they are made of."""
        names = self._columns(query)
        # the types come as text in an answer of one row
        types = ", ".join(f"pg_typeof(ripple.{quoted(name)})::oid::int8" for name in names)
        with closing(self._server.cursor()) as cursor:
            cursor.execute(
                f"SELECT {types} FROM (SELECT) AS one LEFT JOIN ({query} LIMIT 0) AS ripple ON true"
            )
            (oids,) = cursor.fetchall()
            cursor.execute(_TYPE_NAMES)
            type_names = dict(cursor.fetchall())
        return dict(zip(names, (type_names[oid] for oid in oids), strict=True))


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


def _libpq(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
