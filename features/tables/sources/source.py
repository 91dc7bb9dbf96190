"""What every source of a dataset has in common, and the tables and columns that each must have."""

from __future__ import annotations

import re
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import ibis
import ibis.expr.types as ir
from ibis.backends.duckdb import Backend

from ripple.digests import digest
from ripple.errors import InputError
from ripple.features.tables.contract import CONTRACT
from ripple.suggestions import nearest

Columns = Mapping[str, Sequence[str]]
"""table → the names of its columns."""
FILE = "file of the row"
"""The column with the file that each row comes from, in tables of Parquet files."""


class Source(ABC):
    """A place where a dataset is. As text it names that place; neither the text nor `name` holds a secret."""

    @property
    @abstractmethod
    def name(self) -> str:
        """A short name for runs and reports."""

    @property
    def key(self) -> str:
        """A file name for what is made of this dataset."""
        return re.sub(r"[^\w.-]", "-", f"{self.name}-{digest(str(self))}")

    @property
    @abstractmethod
    def folder(self) -> Path | None:
        """The folder of its ripple.toml, if it can have one."""

    @abstractmethod
    def __str__(self) -> str: ...

    @abstractmethod
    def read(self) -> dict[str, ir.Table]:
        """The tables of the contract as they are stored, on one DuckDB connection of their own.

        Raises:
            InputError: the source or one of its tables cannot be read, or a required table or column is
                missing.
        """

    def files(self) -> dict[str, tuple[Path, ...]]:
        """The files of each table; empty for a source whose tables are not files of their own."""
        return {}


def connect() -> Backend:
    """A DuckDB connection with times in UTC; what memory cannot hold goes where temporary files go."""
    connection = ibis.duckdb.connect(temp_directory=str(Path(tempfile.gettempdir()) / "ripple-duckdb"))
    connection.raw_sql("SET TimeZone = 'UTC'")
    return connection


def validate_tables(place: str, tables: Iterable[str], explain: Callable[[str], str]) -> None:
    """Check that the required tables are among *tables*; *explain* words that one of them is not there.

    Raises:
        InputError: a required table is missing.
    """
    names = set(tables)
    for name in ("customers", "orders"):
        if name not in names:
            raise InputError(f"{place}: {explain(name)}")
    if not {"usage", "interactions"} & names:
        raise InputError(f"{place}: at least one of usage and interactions is needed; found neither.")


def validate_columns(tables: Columns) -> None:
    """Check that every table has its required columns.

    Raises:
        InputError: columns are missing; the message names all of them.
    """
    missing = [
        f"{name}: column '{column}' is missing; found {', '.join(columns)}"
        for name, columns in tables.items()
        for column in CONTRACT[name].required
        if column not in columns
    ]
    if missing:
        raise InputError("\n".join(missing))


def tables_of_schema(place: str, schema: str, tables: Columns) -> list[str]:
    """The names of the contract's tables among all *tables* and views of a database's *schema*.

    Raises:
        InputError: a required table or column is missing.
    """
    validate_tables(
        place,
        tables,
        lambda name: (
            f"no table or view {name} in schema {schema}"
            + (nearest(name, tables) if tables else ", which is empty or not there")
        ),
    )
    names = [name for name in CONTRACT if name in tables]
    validate_columns({name: tables[name] for name in names})
    return names
