"""A SQLite file, read-only and in one consistent snapshot."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from ripple.features.tables.sources.database import Database, RowDatabase

MAGIC = b"SQLite format 3\0"
"""The first bytes of a SQLite file."""
_NAMES = "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT GLOB 'sqlite_*'"


@dataclass(frozen=True)
class SQLiteFile(Database):
    """The tables and views of a SQLite file."""

    path: Path
    schema = "main"

    @property
    def name(self) -> str:
        """The name of the file without its suffix."""
        return self.path.resolve().stem

    @property
    def folder(self) -> Path:
        """The folder of the file."""
        return self.path.parent

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """The errors of the driver."""
        return (sqlite3.Error,)

    def __str__(self) -> str:
        return str(self.path)

    @property
    def identity(self) -> str:
        """The file itself, whatever path leads there."""
        return str(self.path.resolve())

    def open(self) -> OpenSQLite:
        """A connection in one transaction, which sees the file as it is at one moment."""
        return OpenSQLite(self)


class OpenSQLite(RowDatabase):
    """The tables and views of a SQLite file, whose columns hold values of any type."""

    dialect = "sqlite"

    def __init__(self, source: SQLiteFile) -> None:
        self._path = source.path
        super().__init__(source)

    def _connect(self) -> sqlite3.Connection:
        server = sqlite3.connect(f"{self._path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
        server.execute("BEGIN")
        return server

    def _list_names(self) -> list[str]:
        return sorted(name for (name,) in self._server.execute(_NAMES))

    def _typed(self, query: str, exact: Collection[str]) -> Mapping[str, tuple[str, pa.DataType]]:
        names = self._columns(query)
        types = ", ".join(f"group_concat(DISTINCT typeof({self._quoted(name)}))" for name in names)
        (stored,) = self._server.execute(f"SELECT {types} FROM ({query})").fetchall()
        return {
            name: _as_read(self._quoted(name), {*(kinds or "").split(",")} - {"null", ""}, name in exact)
            for name, kinds in zip(names, stored, strict=True)
        }


def _as_read(column: str, kinds: set[str], exact: bool) -> tuple[str, pa.DataType]:
    """SQL that reads a column with values of these *kinds*; where *exact*, each digit of a number counts."""
    if kinds == {"integer"}:
        return column, pa.int64()
    if kinds == {"real"} or (kinds == {"integer", "real"} and not exact):
        return f"CAST({column} AS REAL)", pa.float64()
    text = f"""CASE typeof({column}) WHEN 'real' THEN printf('%!.17g', {column})
        WHEN 'blob' THEN hex({column}) ELSE CAST({column} AS TEXT) END"""
    return (column if kinds == {"text"} else text), pa.string()
