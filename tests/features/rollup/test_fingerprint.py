"""Rows by day, counted file by file, are those counted at once, and of known files nothing is read again."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ripple.features.rollup.fingerprint import DayRows, day_rows
from ripple.features.rollup.parquet_cache import ParquetCache
from ripple.features.validation import checks
from ripple.settings import Settings
from tests.support.oracles import feature_frames
from tests.support.oracles.feature_frames import SETTINGS, Frames

FRAMES = feature_frames.random()
TABLES = ("orders", "usage", "interactions", "feedback", "catalog", "customers")


def write(frames: Frames, folder: Path, parts: int = 3) -> Path:
    """Every table as a folder of so many files."""
    for name, frame in frames.items():
        for number, places in enumerate(np.array_split(np.arange(len(frame)), parts)):
            feature_frames.write({f"part-{number}": frame.iloc[places]}, folder / name)
    return folder


def counted(folder: Path, cache: Path | None) -> dict[str, list[DayRows]]:
    """The rows of every table, and of the attributes, with what earlier calls left in *cache*."""
    dataset = checks.check(folder, SETTINGS)[0]
    store = cache and ParquetCache(cache, dataset.tables["orders"].get_backend())
    rows = {name: day_rows(dataset.tables, name, store) for name in TABLES}
    return rows | {"attributes": day_rows(dataset.tables, "customers", store, attributes=True)}


@pytest.mark.parametrize("place", ["data", 'it\'s [a]*?{b} 🎉 %20/"day"'])
def test_files_add_up_to_the_rows_of_their_table(tmp_path, place):
    parted, cache = write(FRAMES, tmp_path / place), tmp_path / "cache"
    whole = counted(feature_frames.write(FRAMES, tmp_path / "whole"), None)
    assert counted(parted, None) == counted(parted, cache) == counted(parted, cache) == whole
    assert sum(count for _, _, _, count, _ in whole["usage"]) == len(FRAMES["usage"])


@pytest.mark.parametrize("place", ["data", "./data", "../here/data"])
def test_the_way_to_the_files_may_be_relative(tmp_path, monkeypatch, place):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    write(FRAMES, Path("data"))
    assert counted(Path(place), tmp_path / "cache") == counted(Path(place), None)


def test_what_a_path_says_of_the_rows_of_its_file_counts(tmp_path):
    cache = tmp_path / "cache"
    for country in ("NO", "SE"):
        folder = feature_frames.write(FRAMES, tmp_path / country)
        (folder / "customers" / f"country={country}").mkdir(parents=True)
        (folder / "customers.parquet").rename(folder / "customers" / f"country={country}" / "all.parquet")
        assert counted(folder, cache) == counted(folder, None)
    before, after = (counted(tmp_path / country, None) for country in ("NO", "SE"))
    assert {name for name in after if after[name] != before[name]} == {"attributes"}


def test_files_that_are_empty_equal_or_of_other_columns_and_types_add_up_too(tmp_path):
    folder, cache = write(FRAMES, tmp_path / "data"), tmp_path / "cache"
    orders = FRAMES["orders"].iloc[:20]
    feature_frames.write({"empty": orders.iloc[:0], "equal-1": orders, "equal-2": orders}, folder / "orders")
    whole = orders.drop(columns="margin").assign(revenue=7, product=np.arange(20))
    feature_frames.write({"whole": whole.astype({"revenue": "int64", "product": "int64"})}, folder / "orders")
    assert counted(folder, cache) == counted(folder, None)


def test_a_column_that_another_file_brings_counts_in_all(tmp_path):
    frames = FRAMES | {"feedback": FRAMES["feedback"].drop(columns="known_at")}
    folder, cache = write(frames, tmp_path / "data"), tmp_path / "cache"
    counted(folder, cache)
    feature_frames.write({"more": FRAMES["feedback"].iloc[:5]}, folder / "feedback")
    assert counted(folder, cache) == counted(folder, None)


def test_a_file_of_other_content_is_noticed_whatever_its_size_and_time(tmp_path):
    folder, cache = write(FRAMES, tmp_path / "data"), tmp_path / "cache"
    file = folder / "usage" / "part-1.parquet"
    rows, plain = pq.read_table(file), {"compression": "none", "use_dictionary": False}
    pq.write_table(rows, file, **plain)
    before, was = counted(folder, cache), file.stat()
    place = rows.column_names.index("feature")
    pq.write_table(rows.set_column(place, "feature", rows["feature"][::-1]), file, **plain)
    os.utime(file, ns=(was.st_atime_ns, was.st_mtime_ns))
    assert file.stat().st_size == was.st_size
    after = counted(folder, cache)
    assert after == counted(folder, None)
    assert {name for name in after if after[name] != before[name]} == {"usage"}


def test_only_other_files_are_read_again(tmp_path):
    folder, cache = write(FRAMES, tmp_path / "data"), tmp_path / "cache"
    before = counted(folder, cache)
    # what is kept is made recognisable, so that it shows where it is used
    (file,) = (cache / "rows" / "usage").iterdir()
    rows = pq.read_table(file)
    pq.write_table(rows.set_column(4, "rows", pa.array([1_000] * rows.num_rows)), file)
    usage = FRAMES["usage"]
    day = usage.iloc[[0]].assign(occurred_at=datetime(2024, 4, 30, 12), known_at=pd.NaT).astype(usage.dtypes)
    feature_frames.write({"more": day}, folder / "usage")
    after = {row[:3]: row[3] for row in counted(folder, cache)["usage"]}
    number = after.pop((19843, 19843, False))
    assert number == 1
    assert set(after) == {row[:3] for row in before["usage"]}
    assert {count % 1_000 for count in after.values()} == {0}
    assert len(list((cache / "rows" / "usage").iterdir())) == 1


def test_of_a_table_with_rows_set_aside_the_others_count(tmp_path):
    referral = FRAMES["interactions"].query("kind == 'referral'").iloc[[0]]
    later = referral.assign(source_id="c39", occurred_at=datetime(2024, 4, 25), known_at=pd.NaT)
    more = FRAMES | {"interactions": pd.concat([FRAMES["interactions"], later])}
    cache = tmp_path / "cache"
    assert counted(write(more, tmp_path / "more"), cache) == counted(write(FRAMES, tmp_path / "data"), None)


def test_a_dataset_as_of_an_earlier_moment_counts_what_was_known_then(tmp_path):
    dataset = checks.check(write(FRAMES, tmp_path / "data"), SETTINGS)[0].limited_to(datetime(2024, 3, 1))
    store = ParquetCache(tmp_path / "cache", ibis.duckdb.connect())
    rows = day_rows(dataset.tables, "orders", store)
    assert rows == day_rows(dataset.tables, "orders")
    assert max(known for _, known, *_ in rows) <= 19783


def test_a_mapping_may_leave_out_all_rows_of_a_file(tmp_path):
    write(FRAMES, tmp_path / "data")
    pq.write_table(
        pa.Table.from_pandas(FRAMES["usage"].assign(feature="heartbeat"), preserve_index=False),
        tmp_path / "data" / "usage" / "part-9.parquet",
    )
    mapping = Settings(tables={"usage": {"from": "usage", "where": "feature <> 'heartbeat'"}}).tables
    settings = SETTINGS.model_copy(update={"tables": mapping})
    dataset = checks.check(tmp_path / "data", settings)[0]
    cache = ParquetCache(tmp_path / "cache", dataset.tables["usage"].get_backend())
    rows = day_rows(dataset.tables, "usage", cache)
    assert rows == day_rows(dataset.tables, "usage", cache) == day_rows(dataset.tables, "usage")
    assert sum(count for _, _, _, count, _ in rows) == len(FRAMES["usage"])
