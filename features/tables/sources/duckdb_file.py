"""A DuckDB file, attached read-only: its tables and views as they are."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from ripple.errors import InputError
from ripple.features.tables.sources.sampling import Sample
from ripple.features.tables.sources.source import DuckDBPlace, OpenSchema, Source, quoted

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


class OpenDuckDB(OpenSchema, DuckDBPlace):
    """The tables and views of a schema of an attached DuckDB file."""

    catalog = _ATTACHED

    def __init__(self, source: DuckDBFile) -> None:
        super().__init__(source)
        self.schema = source.schema
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
