"""Frames in a DuckDB file, what a dataset holds, and the error of one that cannot be opened."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from ripple.errors import InputError
from ripple.features.dataset import Dataset, open_dataset
from ripple.features.tables.contract import CONTRACT
from ripple.settings import Settings
from tests.support.oracles.feature_frames import Frames


def write_duckdb(frames: Frames, file: Path, schema: str = "main") -> Path:
    """Write *frames* as tables of a *schema* in the DuckDB *file*."""
    with duckdb.connect(file) as connection:
        connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
        for name, frame in frames.items():
            connection.register("frame", frame)
            connection.execute(f'CREATE TABLE "{schema}".{name} AS FROM frame')
            connection.unregister("frame")
    return file


def rows(dataset: Dataset, name: str) -> list[dict[str, object]]:
    """The rows of a table, in order, with the columns of the contract."""
    table = dataset.tables[name]
    columns = [column.name for column in CONTRACT[name].columns if column.name in table.columns]
    return table.select(columns).order_by(columns).to_pyarrow().to_pylist()


def counts(dataset: Dataset) -> dict[str, int]:
    """By table, the number of rows."""
    return {name: int(table.count().execute()) for name, table in dataset.tables.tables.items()}


def opening_error(data: str | Path) -> str:
    """The message of the error with which *data* fails to open."""
    with pytest.raises(InputError) as raised:
        open_dataset(data, Settings())
    return str(raised.value)
