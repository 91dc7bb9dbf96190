"""A dataset: typed tables, settings, and the tables rolled up by day.

``open_dataset`` types the columns, ``validation.checks.load`` also tests every rule of the contract.
Everything after it receives a `Dataset` and reads `Dataset.history` or `Dataset.tables` as known at a moment.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Literal

import ibis.expr.types as ir

from ripple.errors import InputError
from ripple.features.attribute_features import AttributeFeature, attribute_features, validate_names
from ripple.features.extension import NO_EXTENSION, Extension, load_extension
from ripple.features.rollup.history import History
from ripple.features.rollup.parquet_cache import ParquetCache
from ripple.features.tables import spark
from ripple.features.tables.attributes import SHOWN_ATTRIBUTES, AttributeHistory
from ripple.features.tables.contract import ATTRIBUTES, CONTRACT, CONTRACTS, LOOKUPS, PLAYS_LOG
from ripple.features.tables.mapping import read_raw
from ripple.features.tables.required import validate_columns, validate_tables
from ripple.features.tables.sources import find
from ripple.features.tables.sources.source import FILE
from ripple.features.tables.tables import Files, Tables, union_by_name
from ripple.features.tables.typed import Typing, Unreadable
from ripple.settings import Settings
from ripple.suggestions import most_similar, nearest

Engine = Literal["duckdb", "spark"]
"""The engine that computes: DuckDB in this process, or Spark (see `spark.session`)."""

CUSTOMERS = {column.name for column in CONTRACT["customers"].columns}
"""The columns of ``customers`` that are no attributes."""


@dataclass(frozen=True)
class Dataset:
    """An open dataset.

    Attributes:
        name: its short name, without a secret.
        place: where it is, without a secret.
        settings: the settings under which it is read.
        tables: its typed tables.
        unreadable: by table, the raw rows in which a value could not be read as the contract's type.
        unused: by table and where its rows come from, the columns that nothing is made of.
        internal: the interactions of two users of one customer, which are left out, if users are mapped.
        attribute_history: the attributes that change, if there are any.
        feature_attributes: the names of the attributes that are features.
        plays_log: who was contacted for which play and when, if that is recorded.
        merges: `old_id` and `new_id` of customers who became part of others, if there are any.
        extension: the features that the user adds.
        unknown_tables: the tables and files that nothing is made of, with the table of the contract that each
            may be meant to be, if any.
        skipped: the files and folders with tables that were left out as their names begin with _ or a dot.
        left_out: the attributes of customers that are of no use, with their type.
        currencies: by column of orders that is called like a currency and not used, the rows of each value.
        cache: the folder where daily tables and features are kept from run to run, or None.
    """

    name: str
    place: str
    settings: Settings
    tables: Tables
    unreadable: Mapping[str, Sequence[Unreadable]] = field(default_factory=dict)
    unused: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)
    internal: ir.Table | None = None
    attribute_history: AttributeHistory | None = None
    feature_attributes: Sequence[str] = ()
    plays_log: ir.Table | None = None
    merges: ir.Table | None = None
    extension: Extension = NO_EXTENSION
    unknown_tables: Mapping[str, str | None] = field(default_factory=dict)
    skipped: Sequence[str] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    currencies: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    cache: Path | None = None

    @cached_property
    def history(self) -> History:
        """The tables rolled up by day."""
        backend = self.tables["orders"].get_backend()
        cache = None if self.cache is None else ParquetCache(self.cache, backend)
        return History(self.tables, self.settings.powers, cache)

    @property
    def absent(self) -> list[str]:
        """Tables of the contract that this dataset does not have."""
        return [name for name in CONTRACT if name not in self.tables]

    @property
    def attributes(self) -> list[str]:
        """Columns of ``customers`` beyond the contract's."""
        return [name for name in self.tables["customers"].columns if name not in CUSTOMERS]

    @cached_property
    def attribute_features(self) -> tuple[AttributeFeature, ...]:
        """The attributes that are features, with the kind that their values have.

        Raises:
            InputError: one of them is a time.
        """
        return attribute_features(self.feature_attributes, self.tables["customers"], self.attribute_history)

    def attributes_before(self, moment: datetime) -> ir.Table:
        """`customer_id` and all attributes of each customer, as they were before *moment*."""
        fixed = self.tables["customers"].select("customer_id", *self.attributes)
        if self.attribute_history is None:
            return fixed
        changing = self.attribute_history.before(moment)
        names = [*fixed.columns, *self.attribute_history.names]
        return fixed.left_join(changing, "customer_id").select(*names)

    def limited_to_files(self, files: Mapping[str, Sequence[str]]) -> Dataset:
        """The same dataset with only the rows of *files*, whose paths are given by table."""
        paths_by_table = {name: paths for name, paths in files.items() if paths}
        tables = {
            name: self.tables.files[name].rows_of(paths).drop(FILE) for name, paths in paths_by_table.items()
        }
        unreadable = {
            name: [
                replace(problem, rows=problem.rows.filter(problem.rows[FILE].isin(paths)))
                for problem in self.unreadable[name]
            ]
            for name, paths in paths_by_table.items()
        }
        return replace(self, tables=Tables(tables), unreadable=unreadable)

    def limited_to(self, moment: datetime) -> Dataset:
        """The same dataset as it was known at *moment*."""
        settings = self.settings.model_copy(
            update={"until": min(moment, self.settings.until) if self.settings.until else moment}
        )
        history = self.attribute_history and self.attribute_history.until(moment)
        tables, log = self.tables.until(moment), self.plays_log
        if log is not None:
            log = log.filter(log.contacted_at <= moment)
        return replace(self, settings=settings, tables=tables, attribute_history=history, plays_log=log)


def open_dataset(data: str | Path, settings: Settings, engine: Engine = "duckdb") -> Dataset:
    """Open the dataset that *data* names, see `sources.find`; types are cast, rules are not yet checked.

    Raises:
        InputError: the dataset, a required table or a required column is missing, or a table is unreadable.
    """
    source = find(data)
    mappings = settings.tables
    for name in mappings:
        if name not in CONTRACTS:
            raise InputError(
                f"ripple.toml: [tables.{name}] is no table of the contract{nearest(name, CONTRACTS)}"
            )
    with source.open() if engine == "duckdb" else spark.FolderOnSpark(source) as place:
        present = place.names()
        validate_tables(place, [*present, *mappings])
        raw = {
            name: [read_raw(place, contract, mapping) for mapping in mappings.get(name, (None,))]
            for name, contract in CONTRACTS.items()
            if name in mappings or name in present
        }
        unused_tables = place.unused(
            [name for parts in raw.values() for part in parts for name in part.reads]
        )
        skipped = place.skipped
    validate_columns(raw)
    typing = Typing(settings.ids, {name: raw[name] for name in LOOKUPS if name in raw}, settings.currency)
    tables: dict[str, ir.Table] = {}
    files: dict[str, Files] = {}
    unreadable: dict[str, list[Unreadable]] = {}
    internal: list[ir.Table] = []
    left_out: dict[str, str] = {}
    for name in CONTRACT:
        if name in raw:
            parts = [typing.table(part, CONTRACT[name]) for part in raw[name]]
            rows = union_by_name([part.rows for part in parts])
            tables[name] = rows.drop(FILE) if FILE in rows.columns else rows
            unreadable[name] = [problem for part in parts for problem in part.unreadable]
            for typed in parts:
                left_out |= typed.left_out
                internal += [] if typed.internal is None else [typed.internal]
            if len(parts) == 1 and parts[0].by_file and (read := raw[name][0]).files:
                files[name] = Files(read.files, rows, read.definition, read.rows_are_all)
    currencies: dict[str, Counter[str]] = defaultdict(Counter)
    for part in raw["orders"]:
        for column, values in part.currencies.items():
            currencies[column].update(values)
    history = None
    if ATTRIBUTES.name in raw:
        parts = [typing.table(part, ATTRIBUTES) for part in raw[ATTRIBUTES.name]]
        unreadable[ATTRIBUTES.name] = [problem for part in parts for problem in part.unreadable]
        for typed in parts:
            left_out |= typed.left_out
        fixed = tables["customers"].columns
        history = AttributeHistory.of(union_by_name([part.rows for part in parts]), fixed)
    fixed_attributes = [name for name in tables["customers"].columns if name not in CUSTOMERS]
    known = dict.fromkeys(fixed_attributes, False) | dict.fromkeys(history.names if history else (), True)
    shown = {*SHOWN_ATTRIBUTES, settings.report.name, settings.report.owner}
    feature_attributes = validate_names(settings.features.attributes, known, shown)
    log = None
    if PLAYS_LOG.name in raw:
        parts = [typing.table(part, PLAYS_LOG) for part in raw[PLAYS_LOG.name]]
        unreadable[PLAYS_LOG.name] = [problem for part in parts for problem in part.unreadable]
        rows = union_by_name([part.rows for part in parts])
        log = rows.drop(FILE) if FILE in rows.columns else rows
    unused = {name: {part.origin: part.unused for part in parts} for name, parts in raw.items()}
    extension = load_extension(source.folder, settings.features)
    return Dataset(
        source.name,
        str(source),
        settings,
        Tables(tables, files),
        unreadable,
        unused,
        union_by_name(internal) if internal else None,
        history,
        feature_attributes,
        log,
        typing.merges,
        extension,
        {name: nearest_table(name) for name in unused_tables},
        skipped,
        left_out,
        currencies,
    )


def nearest_table(name: str) -> str | None:
    """The table of the contract that a table or file of this *name* may be meant to be."""
    return most_similar(name.partition(".")[0], CONTRACTS, cutoff=0.75)
