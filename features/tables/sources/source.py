"""What every source of a dataset has in common, and what is refused in all of them."""

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
"""Column that tells from which file each row comes, in tables of Parquet files."""


class Source(ABC):
    """Where a dataset lies. As text it is its place, for messages; neither that nor `name` holds a secret."""

    @property
    @abstractmethod
    def name(self) -> str:
        """A short name for runs and reports."""

    @property
    def key(self) -> str:
        """A name for files that hold what was made of this dataset."""
        return re.sub(r"[^\w.-]", "-", f"{self.name}-{digest(str(self))}")

    @property
    @abstractmethod
    def folder(self) -> Path | None:
        """Where its ripple.toml lies, if it has one."""

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
        """The files of each table; of none, where it does not lie in files of its own."""
        return {}


def connect() -> Backend:
    """A DuckDB connection with times in UTC; what memory cannot hold goes where temporary files go."""
    connection = ibis.duckdb.connect(temp_directory=str(Path(tempfile.gettempdir()) / "ripple-duckdb"))
    connection.raw_sql("SET TimeZone = 'UTC'")
    return connection


def refuse_missing_tables(place: str, found: Iterable[str], explain: Callable[[str], str]) -> None:
    """Refuse a dataset without its required tables; *explain* tells that one of them is not there."""
    found = set(found)
    for name in ("customers", "orders"):
        if name not in found:
            raise InputError(f"{place}: {explain(name)}")
    if not {"usage", "interactions"} & found:
        raise InputError(f"{place}: at least one of usage and interactions is needed; found neither.")


def refuse_missing_columns(found: Columns) -> None:
    """Refuse tables without their required columns, all of them at once."""
    missing = [
        f"{name}: column '{column}' is missing; found {', '.join(columns)}"
        for name, columns in found.items()
        for column in CONTRACT[name].required
        if column not in columns
    ]
    if missing:
        raise InputError("\n".join(missing))


def tables_of_schema(place: str, schema: str, found: Columns) -> list[str]:
    """Of all tables and views *found* in a database's *schema*, those of the contract.

    Raises:
        InputError: a required table or column is missing.
    """
    refuse_missing_tables(
        place,
        found,
        lambda name: (
            f"no table or view {name} in schema {schema}"
            + (nearest(name, found) if found else ", which is empty or not there")
        ),
    )
    names = [name for name in CONTRACT if name in found]
    refuse_missing_columns({name: found[name] for name in names})
    return names
