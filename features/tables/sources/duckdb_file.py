"""A DuckDB file, attached read-only: its tables and views as they are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import duckdb
import ibis.expr.types as ir
from ibis.backends.duckdb import Backend
from ibis.common.exceptions import TableNotFound

from ripple.errors import InputError
from ripple.features.tables.sources.source import Source, connect, tables_of_schema

_ATTACHED = "source"
_COLUMNS = f"""
SELECT table_name, list(column_name ORDER BY ordinal_position)
FROM information_schema.columns WHERE table_catalog = '{_ATTACHED}' AND table_schema = ? GROUP BY table_name
"""


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

    def read(self) -> dict[str, ir.Table]:
        """The tables and views, in place: nothing is copied, nothing is written to the file."""
        connection = connect()
        file = str(self.path).replace("'", "''")
        try:
            connection.raw_sql(f"ATTACH '{file}' AS {_ATTACHED} (TYPE duckdb, READ_ONLY)")
            # a view may name what it reads without its schema
            connection.raw_sql(f"SET search_path = 'memory.main,{_ATTACHED}.main'")
            columns = dict(connection.con.execute(_COLUMNS, [self.schema]).fetchall())
        except duckdb.Error as error:
            raise InputError(self._unreadable(error)) from error
        names = tables_of_schema(str(self), self.schema, columns)
        return {name: self._table(connection, name) for name in names}

    def _table(self, connection: Backend, name: str) -> ir.Table:
        try:
            return connection.table(name, database=(_ATTACHED, self.schema))
        except (duckdb.Error, TableNotFound) as error:
            # Ibis only says that there is no such table, also of a view that does not work
            reason = str(error.__context__ or error).splitlines()[0]
            raise InputError(f"{self}: {name} cannot be read: {reason}") from error

    def _unreadable(self, error: duckdb.Error) -> str:
        if "Could not set lock" in str(error):
            holder = re.search(r"\(PID \d+\)", str(error))
            return (
                f"{self.path} is being written by another process{f' {holder[0]}' if holder else ''}: "
                "close it there, or copy the file and use the copy."
            )
        if "not a valid DuckDB database" in str(error):
            return (
                f"{self.path} is not a DuckDB file. A dataset of Parquet or CSV is named by the folder that "
                "holds its files."
            )
        return f"{self.path} cannot be opened as a DuckDB file: {str(error).splitlines()[0]}"
