"""The base of every source of a dataset: a place that is opened, and then queried in SQL."""

from __future__ import annotations

import re
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Collection
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

import duckdb
import ibis
import ibis.expr.types as ir
from ibis.backends.duckdb import Backend
from sqlglot import exp

from ripple.digests import digest
from ripple.errors import InputError
from ripple.features.tables.engine import cached
from ripple.features.tables.sources.sampling import Sample
from ripple.suggestions import nearest

FILE = "file of the row"
"""The column with the file that each row comes from, in tables of Parquet files."""
SQL_ERRORS = (duckdb.DataError, duckdb.ProgrammingError, duckdb.NotSupportedError)
"""DuckDB's errors that come of a query and the values that it reads, and not of the machine."""


class Source(ABC):
    """A place where a dataset is. As text it names that place; neither the text nor `name` holds a secret."""

    @property
    @abstractmethod
    def name(self) -> str:
        """A short name for runs and reports."""

    @property
    def key(self) -> str:
        """A file name for what is made of this dataset."""
        return re.sub(r"[^\w.-]", "-", f"{self.name}-{digest(self.identity)}")

    @property
    def identity(self) -> str:
        """Where it is, the same however the user has written that."""
        return str(self)

    @property
    @abstractmethod
    def folder(self) -> Path | None:
        """The folder of its ripple.toml, if it can have one."""

    @abstractmethod
    def __str__(self) -> str: ...

    @abstractmethod
    def open(self) -> Place:
        """Its tables, to be read with DuckDB.

        Raises:
            InputError: the source cannot be read.
        """


class Place(AbstractContextManager["Place"]):
    """An open source. It is only read; tables that were read outlive it.

    Attributes:
        dialect: the dialect of its SQL, by the name that sqlglot has for it.
    """

    dialect: ClassVar[str]

    def __init__(self, source: Source) -> None:
        self.source = source

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Leave the source; nothing more can be read."""

    def __enter__(self) -> Self:
        return self

    @abstractmethod
    def names(self) -> list[str]:
        """The names of the tables that are there."""

    @abstractmethod
    def relation(self, name: str) -> exp.Table:
        """How a query names the table, view or files that the user calls *name*.

        Raises:
            InputError: it is not there, or cannot be read.
        """

    @abstractmethod
    def columns(self, query: exp.Query) -> list[str]:
        """The names of the columns of a query.

        Raises:
            InputError: the query does not work.
        """

    @abstractmethod
    def read(self, query: exp.Query, exact: Collection[str] = ()) -> ir.Table:
        """The rows of a query, of which each table is named as `relation` says.

        Args:
            query: the query.
            exact: the columns in which each digit of a number counts, as in an id.

        Raises:
            InputError: the query does not work.
        """

    @abstractmethod
    def compute(self, rows: ir.Table, columns: Collection[str]) -> None:
        """Compute the *columns* of *rows* that were read, so that SQL that fails does so now.

        Raises:
            InputError: the SQL of a query fails on a row.
        """

    @abstractmethod
    def stored(self, rows: ir.Table) -> ir.Table:
        """*rows* that were read, computed at once and kept: no scan computes them again.

        Raises:
            InputError: the SQL of a query fails on a row.
        """

    def sample(self, name: str, rows: int) -> Sample:
        """At most about *rows* rows of the table *name*, quickly; a place that can choose them better does.

        Raises:
            InputError: it is not there, or cannot be read.
        """
        first = exp.select("*").from_(self.relation(name)).limit(rows + 1).subquery("first")
        table = self.read(exp.select("*").from_(first)).to_pyarrow()
        if table.num_rows <= rows:
            return Sample(table, table.num_rows)
        return Sample(table.slice(0, rows), None, "its first rows", exact=False)

    def files(self, name: str) -> tuple[Path, ...]:
        """The Parquet files of a table, if each of its rows is in one of them."""
        return ()

    @property
    def skipped(self) -> list[str]:
        """The files and folders with tables that were left out for their names."""
        return []

    def unused(self, used: Collection[str]) -> list[str]:
        """The tables and files that are there and that nothing of *used*, as `relation` takes it, is in."""
        return [name for name in self.names() if name not in used]

    def relation_of_text(self, name: str, encoding: str) -> exp.Table:
        """`relation` where it is text of an *encoding*.

        Raises:
            InputError: as for `relation`, or the place is no folder of files.
        """
        raise InputError(f"{self.source}: only text files in a folder have an encoding, which is {encoding}.")

    @abstractmethod
    def explain_missing(self, name: str) -> str:
        """That there is no table *name*, and the nearest that is there."""


class DuckDBPlace(Place):
    """A place that DuckDB reads by itself: its rows are views, computed as they are needed."""

    dialect = "duckdb"

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self._connection = connect()

    def columns(self, query: exp.Query) -> list[str]:
        """The names of the columns of a query."""
        return list(self.read(query).columns)

    def read(self, query: exp.Query, exact: Collection[str] = ()) -> ir.Table:
        """The rows of a query."""
        name = ibis.util.gen_name("query")
        try:
            self._connection.raw_sql(f"CREATE TEMP VIEW {name} AS {query.sql(self.dialect)}")
            return self._connection.table(name)
        except duckdb.Error as error:
            # views of files have no names that a user knows
            named = ", ".join(table.name for table in query.find_all(exp.Table) if table.catalog)
            failed = f"{named} cannot be read: " if named else ""
            raise InputError(f"{self.source}: {failed}{reason(error)}") from error

    def compute(self, rows: ir.Table, columns: Collection[str]) -> None:
        """Compute *columns* in one scan."""
        counts = {f"{place}": rows[name].count() for place, name in enumerate(columns)}
        try:
            rows.aggregate(rows.count(), **counts).to_pyarrow()
        except SQL_ERRORS as error:
            raise InputError(f"{self.source}: {reason(error)}") from error

    def stored(self, rows: ir.Table) -> ir.Table:
        """*rows* as a temporary table."""
        try:
            return cached(rows)
        except SQL_ERRORS as error:
            raise InputError(f"{self.source}: {reason(error)}") from error


class OpenSchema(Place):
    """A place whose tables and views are those of one schema.

    Attributes:
        schema: the schema.
        catalog: what of the connection the schema is in, if that has to be said.
    """

    schema: str
    catalog: ClassVar[str | None] = None
    _names: list[str]

    def names(self) -> list[str]:
        """The names of the tables and views of the schema."""
        return self._names

    def relation(self, name: str) -> exp.Table:
        """A table or view of the schema, or, as ``schema.table``, of another one."""
        schema, _, table = ("", "", name) if name in self._names else name.rpartition(".")
        if not schema and table not in self._names:
            raise InputError(f"{self.source}: {self.explain_missing(name)}")
        return exp.table_(table, schema or self.schema, self.catalog, quoted=True)

    def explain_missing(self, name: str) -> str:
        """That the schema has no such table, and the nearest that it has."""
        close = nearest(name, self._names) if self._names else ", which is empty or not there"
        return f"no table or view {name} in schema {self.schema}{close}"


def is_damage(error: duckdb.Error) -> bool:
    """Whether a file does not hold what it says, which DuckDB sees only where it reads that part."""
    return type(error) is duckdb.Error or isinstance(
        error, duckdb.InvalidInputException | duckdb.SerializationException
    )


def reason(error: duckdb.Error) -> str:
    """What DuckDB says of an error, on one line, without the query that it quotes."""
    lines = [line.strip() for line in str(error).partition("\nLINE ")[0].splitlines() if line.strip()]
    return "; ".join(lines[:3])


def connect() -> Backend:
    """A DuckDB connection with times in UTC; what memory cannot hold goes where temporary files go."""
    connection = ibis.duckdb.connect(temp_directory=str(Path(tempfile.gettempdir()) / "ripple-duckdb"))
    connection.raw_sql("SET TimeZone = 'UTC'")
    return connection


def quoted(identifier: str) -> str:
    """*identifier* as standard SQL, and so DuckDB, quotes it."""
    return '"' + identifier.replace('"', '""') + '"'
