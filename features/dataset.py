"""A dataset: typed tables, settings, and the tables rolled up by day.

``open_dataset`` types the columns, ``validation.checks.load`` also tests every rule of the contract.
Everything after it receives a `Dataset` and asks it for `Dataset.before`: the past as it was known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Literal

import ibis.expr.types as ir

from ripple.features.rollup.history import History
from ripple.features.rollup.parquet_cache import ParquetCache
from ripple.features.tables import spark
from ripple.features.tables.contract import CONTRACT
from ripple.features.tables.sources import find
from ripple.features.tables.sources.source import FILE
from ripple.features.tables.tables import Files, Tables, typed
from ripple.settings import Settings

Engine = Literal["duckdb", "spark"]
"""What computes: this process, or the Spark that runs or is started, see `spark.session`."""


@dataclass(frozen=True)
class Dataset:
    """An open dataset: its short name and its place, neither with a secret, its settings and typed tables."""

    name: str
    place: str
    settings: Settings
    tables: Tables
    uncast: Mapping[str, Mapping[str, ir.Table]]
    """table → column → the raw rows whose value could not be read as the contract's type."""

    cache: Path | None = None
    """Folder where daily tables and features are kept from run to run."""

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
        own = {column.name for column in CONTRACT["customers"].columns}
        return [name for name in self.tables["customers"].columns if name not in own]

    def of(self, files: Mapping[str, Sequence[str]]) -> Dataset:
        """The same with the rows of some *files* alone, whose paths are given by table."""
        chosen = {name: paths for name, paths in files.items() if paths}
        tables = {name: self.tables.files[name].of(paths).drop(FILE) for name, paths in chosen.items()}
        uncast = {
            name: {column: rows.filter(rows[FILE].isin(paths)) for column, rows in self.uncast[name].items()}
            for name, paths in chosen.items()
        }
        return replace(self, tables=Tables(tables), uncast=uncast)

    def limited_to(self, moment: datetime) -> Dataset:
        """The same dataset as somebody standing at *moment* would have found it."""
        settings = self.settings.model_copy(
            update={"until": min(moment, self.settings.until) if self.settings.until else moment}
        )
        return replace(self, settings=settings, tables=self.tables.until(moment))


def open_dataset(data: str | Path, settings: Settings, engine: Engine = "duckdb") -> Dataset:
    """Open the dataset that *data* names, see `sources.find`; types are cast, rules are not yet checked.

    Raises:
        InputError: the dataset, a required table or a required column is missing, or a table is unreadable.
    """
    source = find(data)
    paths, tables, files, uncast = source.files(), {}, {}, {}
    for name, raw in (source.read() if engine == "duckdb" else spark.read(source)).items():
        plain = raw.drop(FILE) if FILE in raw.columns else raw
        tables[name] = typed(plain, CONTRACT[name])[0]
        rows, uncast[name] = typed(raw, CONTRACT[name])
        if plain is not raw:
            files[name] = Files(paths[name], rows)
    return Dataset(source.name, str(source), settings, Tables(tables, files), uncast)
