"""The tables of a dataset as typed Ibis tables, which can be restricted to what was known at a moment."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, reduce
from pathlib import Path

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir

from ripple.digests import digest
from ripple.features.tables.contract import CONTRACT
from ripple.features.tables.sources.source import FILE


@dataclass(frozen=True)
class Files:
    """The Parquet files of a table, and its rows with one more column, `FILE`, the file that a row is in.

    Attributes:
        paths: the files.
        rows: the rows.
        definition: what the rows follow from, apart from the content of the files and its types.
        are_all: whether they are all rows of the files, so that a file without any has none.
    """

    paths: tuple[Path, ...]
    rows: ir.Table
    definition: str = ""
    are_all: bool = True

    @cached_property
    def digests(self) -> dict[str, str]:
        """By path, as in the column `FILE`, a digest of the file's bytes and of what its path gives."""
        return {
            # the paths as Ibis gives them to DuckDB
            ibis.util.normalize_filename(path): digest(_content(path), _partition_values(path))
            for path in self.paths
        }

    @property
    def raw(self) -> ops.DatabaseTable:
        """The rows as they are in the files, before their types are cast."""
        (raw,) = self.rows.op().find(ops.DatabaseTable)
        return raw

    def rows_of(self, paths: Sequence[str]) -> ir.Table:
        """The rows of only the files *paths*."""
        return self.rows.filter(self.rows[FILE].isin(paths))


@dataclass(frozen=True)
class Tables:
    """The tables of a dataset, restricted to what was known at some moment (or not at all)."""

    tables: Mapping[str, ir.Table]
    files: Mapping[str, Files] = field(default_factory=dict)
    """The files of those tables whose rows are all in Parquet files."""

    def __contains__(self, name: str) -> bool:
        return name in self.tables

    def __getitem__(self, name: str) -> ir.Table:
        return self.tables[name]

    def has(self, table: str, *columns: str) -> bool:
        """Whether *table* exists and has these columns."""
        return table in self and set(columns) <= set(self[table].columns)

    def orders_in(self, start: datetime, end: datetime) -> ir.Table:
        """Orders in (*start*, *end*]."""
        orders = self["orders"]
        return orders.filter((orders.ordered_at > start) & (orders.ordered_at <= end))

    def before(self, moment: datetime) -> Tables:
        """Rows that had happened and were known strictly before *moment*: what a cutoff may see."""
        return self._restricted(lambda time: time < moment)

    def until(self, moment: datetime) -> Tables:
        """Rows that had happened and were known at *moment* or before."""
        return self._restricted(lambda time: time <= moment)

    def _restricted(self, condition: Callable[[ir.Column], ir.BooleanValue]) -> Tables:
        """The rows all of whose times, where they are known, meet *condition*."""
        restricted = {}
        for name, table in self.tables.items():
            times = [
                column.name
                for column in CONTRACT[name].columns
                if column.type == "time" and column.name in table.columns
            ]
            conditions = [condition(table[time]).fill_null(True) for time in times]
            restricted[name] = table.filter(conditions) if conditions else table
        return Tables(restricted)


def _content(path: Path) -> str:
    """A digest of the bytes of a file; processors compute this one twice as fast as others."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _partition_values(path: Path) -> list[str]:
    """The parts of a path that give a value to all rows of its file, as ``country=NO`` does."""
    return [part for part in path.parts if "=" in part]


def union(tables: list[ir.Table]) -> ir.Table:
    """All rows of *tables*, which share their columns."""
    return reduce(lambda left, right: left.union(right), tables)


def union_by_name(tables: Sequence[ir.Table]) -> ir.Table:
    """All rows of *tables*; where one has not all columns, its rows have no value there."""
    types = {name: kind for table in reversed(tables) for name, kind in table.schema().items()}
    return union(
        [
            table.select(
                **{
                    name: table[name] if name in table.columns else ibis.null(kind)
                    for name, kind in types.items()
                }
            )
            for table in tables
        ]
        if len(tables) > 1
        else list(tables)
    )
