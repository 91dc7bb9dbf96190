"""A DuckDB file, attached read-only: its tables and views as they are."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import ibis.expr.types as ir
from sqlglot import exp

from ripple.errors import InputError
from ripple.features.tables.sources.sampling import Sample
from ripple.features.tables.sources.source import Place, Source, connect, quoted, view
from ripple.suggestions import nearest

_ATTACHED = "source"
_NAMES = f"""
SELECT table_name FROM information_schema.tables
WHERE table_catalog = '{_ATTACHED}' AND table_schema = ? ORDER BY table_name
"""
_SIZE = f"""
SELECT estimated_size FROM duckdb_tables()
WHERE database_name = '{_ATTACHED}' AND schema_name = ? AND table_name = ?
"""
MAX_DRAWN = 1_000_000
"""The number of rows up to which a sample is drawn from all of them."""


@dataclass(frozen=True)
class DuckDBFile(Source):
    """The tables and views of one *schema* of a DuckDB file."""

    path: Path
    schema: str = "main"

    @property
    def name(self) -> str:
        """The name of the file without its suffix."""
        return self.path.resolve().stem

    @property
    def folder(self) -> Path:
        """The folder of the file."""
        return self.path.parent

    def __str__(self) -> str:
        return str(self.path) + (f"?schema={self.schema}" if self.schema != "main" else "")

    @property
    def identity(self) -> str:
        """The file itself, whatever path leads there, and the schema."""
        return str(replace(self, path=self.path.resolve()))

    def open(self) -> OpenDuckDB:
        """The tables and views, in place: nothing is copied, nothing is written to the file."""
        return OpenDuckDB(self)


class OpenDuckDB(Place):
    """The tables and views of a schema of an attached DuckDB file."""

    dialect = "duckdb"

    def __init__(self, source: DuckDBFile) -> None:
        super().__init__(source)
        self._schema = source.schema
        self._connection = connect()
        file = str(source.path).replace("'", "''")
        try:
            self._connection.raw_sql(f"ATTACH '{file}' AS {_ATTACHED} (TYPE duckdb, READ_ONLY)")
            # a view, or a query, may name what it reads without its schema
            schemas = dict.fromkeys((source.schema, "main"))
            path = ",".join(f"{_ATTACHED}.{quoted(schema)}" for schema in schemas).replace("'", "''")
            self._connection.raw_sql(f"SET search_path = 'memory.main,{path}'")
            self._names = [
                name for (name,) in self._connection.con.execute(_NAMES, [source.schema]).fetchall()
            ]
        except duckdb.Error as error:
            raise InputError(_unreadable(source.path, error)) from error

    def names(self) -> list[str]:
        """The names of the tables and views of the schema."""
        return self._names

    def relation(self, name: str) -> exp.Table:
        """A table or view of the schema, or, as ``schema.table``, of another one."""
        schema, _, table = ("", "", name) if name in self._names else name.rpartition(".")
        if not schema and table not in self._names:
            raise InputError(f"{self.source}: {self.explain_missing(name)}")
        return exp.table_(table, schema or self._schema, _ATTACHED, quoted=True)

    def sample(self, name: str, rows: int) -> Sample:
        """A sample by blocks of a table; of a view the first rows."""
        relation = self.relation(name)
        sizes = self._connection.con.execute(_SIZE, [relation.db, relation.name]).fetchall()
        if not sizes or sizes[0][0] <= rows:
            return super().sample(name, rows)
        size = sizes[0][0]
        # whole blocks are fast to draw, but of a table of few blocks these may be none
        method = f"reservoir({rows} ROWS)" if size <= MAX_DRAWN else f"{100 * rows / size:.6f}% (system, 7)"
        query = f"FROM {relation.sql(self.dialect)} USING SAMPLE {method}"
        table = self._connection.con.execute(query).to_arrow_table()
        how = "drawn at random" if size <= MAX_DRAWN else "a sample of its blocks"
        return Sample(table.slice(0, rows), size, how, exact=False)

    def columns(self, query: exp.Query) -> list[str]:
        """The names of the columns of a query."""
        return list(self.read(query).columns)

    def read(self, query: exp.Query, exact: Collection[str] = ()) -> ir.Table:
        """The rows of a query."""
        try:
            return view(self._connection, query.sql(self.dialect))
        except duckdb.Error as error:
            tables = ", ".join(table.name for table in query.find_all(exp.Table))
            reason = str(error).splitlines()[0]
            raise InputError(f"{self.source}: {tables} cannot be read: {reason}") from error

    def explain_missing(self, name: str) -> str:
        """That the schema has no such table, and the nearest that it has."""
        close = nearest(name, self._names) if self._names else ", which is empty or not there"
        return f"no table or view {name} in schema {self._schema}{close}"


def _unreadable(path: Path, error: duckdb.Error) -> str:
    if "Could not set lock" in str(error):
        holder = re.search(r"\(PID \d+\)", str(error))
        return (
            f"{path} is being written by another process{f' {holder[0]}' if holder else ''}: "
            "close it there, or copy the file and use the copy."
        )
    if "not a valid DuckDB database" in str(error):
        return (
            f"{path} is not a DuckDB file. A dataset of Parquet or CSV is named by the folder that "
            "holds its files."
        )
    return f"{path} cannot be opened as a DuckDB file: {str(error).splitlines()[0]}"
