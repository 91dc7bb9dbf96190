"""Frames in files and databases, what a dataset holds, and the error of one that cannot be opened."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from deltalake import write_deltalake

from ripple.errors import InputError
from ripple.features.dataset import Dataset, open_dataset
from ripple.features.tables.contract import CONTRACT
from ripple.settings import Settings
from tests.support.oracles.feature_frames import Frames


def write_files(frames: Frames, folder: Path, form: str) -> Path:
    """Write each frame as a file of *folder* in a *form*, which is its suffix, or as a Delta table."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in frames.items():
        file = folder / f"{name}.{form}"
        match form:
            case "parquet":
                frame.to_parquet(file, index=False)
            case "csv" | "csv.gz":
                frame.to_csv(file, index=False)
            case "csv.zst":
                with pa.output_stream(str(file), compression="zstd") as stream:
                    stream.write(frame.to_csv(index=False).encode())
            case "tsv":
                frame.to_csv(file, index=False, sep="\t")
            case "jsonl" | "jsonl.gz":
                frame.to_json(file, orient="records", lines=True, date_format="iso", date_unit="us")
            case "json":
                frame.to_json(file, orient="records", date_format="iso", date_unit="us")
            case "xlsx":
                frame.to_excel(file, index=False)
            case "delta":
                write_deltalake(folder / name, pa.Table.from_pandas(frame, preserve_index=False))
            case _:
                raise ValueError(form)
    return folder


def write_duckdb(frames: Frames, file: Path, schema: str = "main") -> Path:
    """Write *frames* as tables of a *schema* in the DuckDB *file*."""
    with duckdb.connect(file) as connection:
        connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
        for name, frame in frames.items():
            connection.register("frame", frame)
            connection.execute(f'CREATE TABLE "{schema}".{name} AS FROM frame')
            connection.unregister("frame")
    return file


def write_sqlite(frames: Frames, file: Path) -> Path:
    """Write *frames* as tables of the SQLite *file*; its times are texts."""
    with closing(sqlite3.connect(file)) as connection:
        for name, frame in frames.items():
            frame.to_sql(name, connection, index=False)
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
