"""A dataset: typed tables, settings, and the tables rolled up by day.

``open_dataset`` types the columns, ``validation.checks.load`` also tests every rule of the contract.
Everything after it receives a `Dataset` and reads `Dataset.history` or `Dataset.tables` as known at a moment.
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
"""The engine that computes: DuckDB in this process, or Spark (see `spark.session`)."""


@dataclass(frozen=True)
class Dataset:
    """An open dataset.

    Attributes:
        name: its short name, without a secret.
        place: where it is, without a secret.
        settings: the settings under which it is read.
        tables: its typed tables.
        uncast: by table and column, the raw rows whose value could not be read as the contract's type.
        cache: the folder where daily tables and features are kept from run to run, or None.
    """

    name: str
    place: str
    settings: Settings
    tables: Tables
    uncast: Mapping[str, Mapping[str, ir.Table]]
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
        contract = {column.name for column in CONTRACT["customers"].columns}
        return [name for name in self.tables["customers"].columns if name not in contract]

    def limited_to_files(self, files: Mapping[str, Sequence[str]]) -> Dataset:
        """The same dataset with only the rows of *files*, whose paths are given by table."""
        paths_by_table = {name: paths for name, paths in files.items() if paths}
        tables = {
            name: self.tables.files[name].rows_of(paths).drop(FILE) for name, paths in paths_by_table.items()
        }
        uncast = {
            name: {column: rows.filter(rows[FILE].isin(paths)) for column, rows in self.uncast[name].items()}
            for name, paths in paths_by_table.items()
        }
        return replace(self, tables=Tables(tables), uncast=uncast)

    def limited_to(self, moment: datetime) -> Dataset:
        """The same dataset as it was known at *moment*."""
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
