"""Opens a dataset: the tables of a source as typed Ibis tables on DuckDB.

``open_dataset`` types the columns, ``checks.load`` also tests every rule of the contract.
Everything after it receives a `Dataset` and asks it for `Dataset.before`: the past as it was known.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import MAXYEAR, MINYEAR, datetime
from functools import cached_property, reduce
from pathlib import Path

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import ibis.expr.types as ir

from ripple.digests import digest
from ripple.features.tables.contract import CONTRACT, Column, TableContract
from ripple.features.tables.sources.source import FILE


@dataclass(frozen=True)
class Files:
    """The Parquet files of a table, and its rows with one more column, `FILE`."""

    paths: tuple[Path, ...]
    rows: ir.Table

    @cached_property
    def digests(self) -> dict[str, str]:
        """By path, as `FILE` has it, a digest of the file's bytes and of what the path says of its rows."""
        return {
            # what Ibis tells DuckDB as their paths
            ibis.util.normalize_filename(path): digest(_content(path), _told(path))
            for path in self.paths
        }

    @property
    def raw(self) -> ops.DatabaseTable:
        """The rows as they lie in the files, before their types are cast."""
        (raw,) = self.rows.op().find(ops.DatabaseTable)
        return raw

    def of(self, paths: Sequence[str]) -> ir.Table:
        """The rows of some files alone."""
        return self.rows.filter(self.rows[FILE].isin(paths))


@dataclass(frozen=True)
class Tables:
    """The tables of a dataset, restricted to what was known at some moment (or not at all)."""

    tables: Mapping[str, ir.Table]
    files: Mapping[str, Files] = field(default_factory=dict)
    """Those tables that are all rows of Parquet files."""

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
        return self._restrict(lambda column: column < moment)

    def until(self, moment: datetime) -> Tables:
        """Rows that had happened and were known at *moment* or before."""
        return self._restrict(lambda column: column <= moment)

    def _restrict(self, keep: Callable[[ir.Column], ir.BooleanValue]) -> Tables:
        kept = {}
        for name, table in self.tables.items():
            times = [
                column.name
                for column in CONTRACT[name].columns
                if column.type == "time" and column.name in table.columns
            ]
            conditions = [keep(table[time]).fill_null(True) for time in times]
            kept[name] = table.filter(conditions) if conditions else table
        return Tables(kept)


def _content(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()  # processors do it twice as fast as others


def _told(path: Path) -> list[str]:
    """What a path says of the rows of its file, as ``country=NO`` does."""
    return [part for part in path.parts if "=" in part]


def typed(raw: ir.Table, contract: TableContract) -> tuple[ir.Table, dict[str, ir.Table]]:
    """*raw* with the contract's types, and by column the rows whose value could not be read as such."""
    casts = {column.name: _cast(raw, column) for column in contract.columns if column.name in raw.columns}
    uncast = {
        name: raw.filter(_given(raw[name]) & value.isnull())
        for name, value in casts.items()
        if raw[name].type() != value.type()
    }
    further = raw.columns if contract.attributes else {FILE} & set(raw.columns)
    casts |= {name: raw[name] for name in further if name not in casts}
    return raw.select(**casts), uncast


def _given(column: ir.Column) -> ir.BooleanValue:
    """Whether a value was given at all: an empty text is none."""
    given = column.notnull()
    return given & column.re_search(r"\S") if column.type().is_string() else given


def _cast(raw: ir.Table, column: Column) -> ir.Column:
    value = raw[column.name]
    kind = value.type()
    match column.type:
        case "id" | "text":
            if kind.is_string():
                return value.nullif("")
            if kind.is_integer() or kind.is_uuid():
                return value.cast("string")
        case "time":
            if kind.is_timestamp() or kind.is_date():
                return value.cast(_MICROSECONDS)
            if kind.is_string():
                # by way of a zoned time: cast at once, DuckDB would drop the +02:00
                moment = value.try_cast(dt.Timestamp("UTC")).cast(_MICROSECONDS)
                # DuckDB knows years, and an infinity, that Python does not
                return ibis.ifelse(moment.year().between(MINYEAR, MAXYEAR), moment, ibis.null(_MICROSECONDS))
        case "number":
            if kind.is_numeric():
                return value.cast("float64")
            if kind.is_string():
                return value.try_cast("float64")
    return ibis.null(_TARGET[column.type])


_MICROSECONDS = dt.Timestamp(scale=6)
_TARGET = {"id": "string", "text": "string", "time": _MICROSECONDS, "number": "float64"}


def union(tables: list[ir.Table]) -> ir.Table:
    """All rows of *tables*, which share their columns."""
    return reduce(lambda left, right: left.union(right), tables)
