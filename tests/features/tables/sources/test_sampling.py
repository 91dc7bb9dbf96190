"""Samples of every place: whole where a table is small, otherwise some rows and a count."""

from __future__ import annotations

import pandas as pd
import pytest

from ripple.features.tables.sources import find
from ripple.features.tables.sources.sampling import parquet_query
from tests.support.oracles import feature_frames
from tests.support.oracles.dataset_sources import write_duckdb

ROWS = 40_000


@pytest.fixture
def data(store) -> str:
    return store({"small": pd.DataFrame({"x": [1, 2, 3]}), "large": pd.DataFrame({"x": range(ROWS)})})


def test_a_small_table_is_read_whole(data):
    with find(data).open() as place:
        sample = place.sample("small", 10)
    assert sample.whole
    assert sample.count == 3
    assert sorted(int(value) for value in sample.rows.column("x").to_pylist()) == [1, 2, 3]


def test_of_a_large_table_some_rows_are_read(data):
    with find(data).open() as place:
        sample = place.sample("large", 1_000)
    values = [int(value) for value in sample.rows.column("x").to_pylist()]
    assert not sample.whole
    assert 0 < len(values) == len(set(values)) <= 4_096
    assert set(values) <= set(range(ROWS))
    assert sample.count in (None, ROWS)


def test_of_a_larger_table_in_duckdb_blocks_are_drawn(tmp_path, monkeypatch):
    monkeypatch.setattr("ripple.features.tables.sources.duckdb_file.MAX_DRAWN", 1_000)
    file = write_duckdb({"large": pd.DataFrame({"x": range(ROWS)})}, tmp_path / "data.duckdb")
    with find(file).open() as place:
        sample = place.sample("large", 20_000)
    assert sample.how == "a sample of its blocks"
    assert sample.count == ROWS
    assert 0 < sample.rows.num_rows <= 20_000


def test_slices_are_spread_over_all_parquet_files(tmp_path):
    parts = {
        f"part{number}": pd.DataFrame({"x": range(number * 1_000, (number + 1) * 1_000)})
        for number in range(4)
    }
    folder = feature_frames.write(parts, tmp_path / "data" / "large")
    query, count = parquet_query(sorted(folder.iterdir()), 160)
    assert count == 4_000
    assert query.count("BETWEEN") == 16
    with find(tmp_path / "data").open() as place:
        values = place.sample("large", 160).rows.column("x").to_pylist()
    assert len(values) == 160
    assert {value // 1_000 for value in values} == {0, 1, 2, 3}


@pytest.mark.parametrize("text", ["plain", 'with, a comma and "quotes"', "with\nline\n\nbreaks, too"])
def test_slices_are_spread_over_a_large_csv(tmp_path, monkeypatch, text):
    monkeypatch.setattr("ripple.features.tables.sources.folder.MAX_WHOLE_BYTES", 1_000)
    rows = pd.DataFrame({"x": range(16_000), "text": text, "y": range(16_000)})
    folder = feature_frames.write({"large": rows}, tmp_path, "csv")
    with find(folder).open() as place:
        sample = place.sample("large", 320)
    values = [int(value) for value in sample.rows.column("x").to_pylist()]
    assert set(sample.rows.column("text").to_pylist()) == {text}
    assert sample.rows.column("y").to_pylist() == sample.rows.column("x").to_pylist()
    assert 50 < len(values) == len(set(values)) <= 320
    assert {value // 1_000 for value in values} == set(range(16))
    assert sample.how == "in 16 slices spread over large.csv"
    assert not sample.exact
    assert not sample.searchable
    assert sample.count == pytest.approx(16_000, rel=0.3)


def test_slices_are_spread_over_the_files_of_a_large_csv(tmp_path, monkeypatch):
    monkeypatch.setattr("ripple.features.tables.sources.folder.MAX_WHOLE_BYTES", 1_000)
    parts = {
        f"part{number:02}": pd.DataFrame({"x": range(number * 500, (number + 1) * 500)})
        for number in range(40)
    }
    feature_frames.write(parts, tmp_path / "data" / "large", "csv")
    with find(tmp_path / "data").open() as place:
        sample = place.sample("large", 640)
    values = [int(value) for value in sample.rows.column("x").to_pylist()]
    assert len({value // 500 for value in values}) >= 10
    assert max(values) > 15_000
    assert sample.count == pytest.approx(20_000, rel=0.1)
