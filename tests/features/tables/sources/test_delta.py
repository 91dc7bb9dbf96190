"""Delta tables: only the files count that are in the newest version."""

from __future__ import annotations

import sys

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from ripple.errors import InputError
from ripple.features.tables.sources.delta import read_delta
from ripple.features.tables.sources.source import connect


def read(folder) -> list[dict[str, object]]:
    return read_delta(connect(), folder).order_by("id").to_pyarrow().to_pylist()


def test_rows_that_were_removed_are_not_read(tmp_path):
    table = tmp_path / "orders"
    write_deltalake(table, pa.table({"id": ["007", "2"], "country": ["NO", "SE"]}), partition_by=["country"])
    write_deltalake(
        table, pa.table({"id": ["3"], "country": ["NO"], "paid": [1.5]}), mode="append", schema_mode="merge"
    )
    DeltaTable(table).delete("id = '2'")
    assert len(list(table.rglob("*.parquet"))) == 3
    assert read(table) == [
        {"id": "007", "country": "NO", "paid": None},
        {"id": "3", "country": "NO", "paid": 1.5},
    ]


def test_texts_inside_lists_are_read(tmp_path):
    rows = [{"id": f"{i}", "params": [{"key": "feature", "value": f"board {i}"}]} for i in range(3)]
    write_deltalake(tmp_path / "events", pa.Table.from_pylist(rows))
    assert read(tmp_path / "events") == rows


def test_a_table_that_cannot_be_read_is_named(tmp_path):
    write_deltalake(tmp_path / "orders", pa.table({"id": [1]}))
    (file,) = (tmp_path / "orders").glob("*.parquet")
    file.unlink()
    with pytest.raises(InputError, match=r"^The Delta table .*orders cannot be read: .*as Parquet"):
        read(tmp_path / "orders")
    (log,) = (tmp_path / "orders" / "_delta_log").glob("*.json")
    log.write_text("{")
    with pytest.raises(InputError, match=r"^The Delta table .*orders cannot be read: "):
        read(tmp_path / "orders")


def test_without_the_library_it_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "deltalake", None)
    with pytest.raises(InputError, match=r"the extra delta: .*--extra delta"):
        read(tmp_path)
