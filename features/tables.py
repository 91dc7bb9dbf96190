"""Opens a dataset: a folder of Parquet or CSV files as typed Ibis tables on DuckDB.

``open_dataset`` finds the files and types the columns, ``checks.load`` also tests every rule of the contract.
Everything after it receives a `Dataset` and asks it for `Dataset.before`: the past as it was known.
"""

from __future__ import annotations

import csv
import glob
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import MAXYEAR, MINYEAR, datetime
from functools import reduce
from pathlib import Path

import duckdb
import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from features.contract import CONTRACT, Column, TableContract
from settings import InputError, Settings, nearest


@dataclass(frozen=True)
class Tables:
    """The tables of a dataset, restricted to what was known at some moment (or not at all)."""

    tables: Mapping[str, ir.Table]

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


@dataclass(frozen=True)
class Dataset:
    """An open dataset: where it is, its settings, its typed tables and the end of its data."""

    path: Path
    settings: Settings
    tables: Tables
    files: Mapping[str, tuple[Path, ...]]
    uncast: Mapping[str, Mapping[str, ir.Table]]
    """table → column → the raw rows whose value could not be read as the contract's type."""

    @property
    def absent(self) -> list[str]:
        """Tables of the contract that this dataset does not have."""
        return [name for name in CONTRACT if name not in self.tables]

    @property
    def attributes(self) -> list[str]:
        """Columns of ``customers`` beyond the contract's."""
        own = {column.name for column in CONTRACT["customers"].columns}
        return [name for name in self.tables["customers"].columns if name not in own]

    def limited_to(self, moment: datetime) -> Dataset:
        """The same dataset as somebody standing at *moment* would have found it."""
        settings = self.settings.model_copy(
            update={"until": min(moment, self.settings.until) if self.settings.until else moment}
        )
        return replace(self, settings=settings, tables=self.tables.until(moment))


def open_dataset(path: Path, settings: Settings) -> Dataset:
    """Open the folder *path*; types are cast, rules are not yet checked.

    A table NAME is NAME.parquet, NAME.csv, or a folder NAME/ of Parquet or CSV files.

    Raises:
        InputError: the folder, a required table or a required column is missing, or a file is unreadable.
    """
    if not path.is_dir():
        raise InputError(
            f"No dataset at {path}: expected a folder with customers and orders as Parquet or CSV. "
            "Make one with `ripple simulate OUT`."
        )
    files = {name: found for name in CONTRACT if (found := _files(path, name))}
    _refuse_missing_tables(path, files)
    connection = ibis.duckdb.connect()
    connection.raw_sql("SET TimeZone = 'UTC'")
    tables, uncast, missing = {}, {}, []
    for name, found in files.items():
        raw = _read(connection, found)
        contract = CONTRACT[name]
        missing += [
            f"{name}: column '{column}' is missing; found {', '.join(raw.columns)}"
            for column in contract.required
            if column not in raw.columns
        ]
        if not missing:
            tables[name], uncast[name] = _typed(raw, contract)
    if missing:
        raise InputError("\n".join(missing))
    return Dataset(path, settings, Tables(tables), files, uncast)


def _files(path: Path, name: str) -> tuple[Path, ...]:
    folder = path / name
    candidates = [path / f"{name}.parquet", path / f"{name}.csv"]
    found = [file for file in candidates if file.is_file()]
    if folder.is_dir():
        found += [folder]
    if len(found) > 1:
        raise InputError(
            f"Table {name} is there more than once: {', '.join(file.name for file in found)}. Keep one."
        )
    if found and found[0] == folder:
        kinds = [sorted(folder.glob(f"**/*.{kind}")) for kind in ("parquet", "csv")]
        if all(kinds) or not any(kinds):
            held = "both Parquet and CSV files: keep one" if all(kinds) else "neither Parquet nor CSV files"
            raise InputError(f"{folder} holds {held}.")
        found = kinds[0] or kinds[1]
    return tuple(found)


def _refuse_missing_tables(path: Path, files: Mapping[str, tuple[Path, ...]]) -> None:
    present = sorted(file.name for file in path.iterdir())
    for name in ("customers", "orders"):
        if name not in files:
            close = nearest(f"{name}.parquet", present or ["nothing"])
            raise InputError(f"{path}: no {name}.parquet, {name}.csv or folder {name}/{close}")
    if not {"usage", "interactions"} & files.keys():
        raise InputError(f"{path}: at least one of usage and interactions is needed; found neither.")


def _read(connection: ibis.backends.duckdb.Backend, files: tuple[Path, ...]) -> ir.Table:
    try:
        if files[0].suffix == ".parquet":
            # by name, as DuckDB would otherwise leave out columns that the first file does not have
            return connection.read_parquet([glob.escape(str(file)) for file in files], union_by_name=True)
        parts = [_read_csv(connection, file) for file in files]
        names = list(dict.fromkeys(name for part in parts for name in part.columns))
        nothing = ibis.null("string")
        return union(
            [
                part.select(**{name: part[name] if name in part.columns else nothing for name in names})
                for part in parts
            ]
        ).cache()
    except duckdb.Error as error:
        file = next((file for file in files if str(file) in str(error)), files[0])
        reason = "; ".join(str(error).splitlines()[:3])
        raise InputError(f"{file} cannot be read: {reason}") from error


def _read_csv(connection: ibis.backends.duckdb.Backend, file: Path) -> ir.Table:
    """Every value as text: what it means is the contract's to say, not a guess from the first rows.

    For the same reason the header is read here: where DuckDB guesses, a quote that comes late is refused, a
    row that starts with # is left out, and one ragged row makes the whole file a single column.
    """
    with file.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
        header = lines.readline()
    separator = max(",;\t|", key=header.count)
    names = next(csv.reader([header], delimiter=separator), [])
    if not all(names) or len(set(names)) < len(names) or not names:
        raise InputError(f"{file}: its first line must name every column once; found {header.strip()!r}.")
    return connection.read_csv(
        glob.escape(str(file)),
        columns=dict.fromkeys(names, "VARCHAR"),
        auto_detect=False,
        header=True,
        delim=separator,
        quote='"',
        escape='"',
    )


def _typed(raw: ir.Table, contract: TableContract) -> tuple[ir.Table, dict[str, ir.Table]]:
    casts = {column.name: _cast(raw, column) for column in contract.columns if column.name in raw.columns}
    uncast = {
        name: raw.filter(_given(raw[name]) & value.isnull())
        for name, value in casts.items()
        if raw[name].type() != value.type()
    }
    if contract.attributes:
        casts |= {name: raw[name] for name in raw.columns if name not in casts}
    return raw.select(**casts), uncast


def _given(column: ir.Column) -> ir.BooleanValue:
    """Whether a value was given at all: an empty text is none."""
    given = column.notnull()
    return given & (column.strip() != "") if column.type().is_string() else given


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
