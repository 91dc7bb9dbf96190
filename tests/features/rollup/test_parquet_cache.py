"""The files of a cache: which stay, how customers are numbered, and what a run that was stopped leaves."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from time import sleep

import ibis
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ripple.features.rollup import parquet_cache
from ripple.features.rollup.parquet_cache import ParquetCache, TemporaryTables
from tests.support.checkout import ROOT
from tests.support.oracles import feature_frames
from tests.support.oracles.feature_frames import Frames, cached_files, features_at
from tests.support.oracles.feature_runs import (
    CUSTOMER,
    FRAMES,
    NEW,
    OLD,
    READ,
    Start,
    assert_all_right,
    assert_right,
    at,
    opened,
)

CLOCK_TICK_S = 0.02
"""The time after which two files have different times of use, as those of a file system go by the tick."""


@pytest.fixture
def folder(tmp_path: Path) -> ParquetCache:
    return ParquetCache(tmp_path, ibis.duckdb.connect())


def built(cache: ParquetCache, key: str, value: str) -> str:
    """What the cache gives for *key*, where *value* is what would be built now."""
    table = cache.get_or_build("cutoffs/2024-03-01/orders", key, lambda: pa.table({"value": [value]}))
    return table.to_pyarrow()["value"][0].as_py()


def test_the_results_used_last_are_kept_of_each_name(folder, monkeypatch):
    monkeypatch.setattr(parquet_cache, "MAX_RESULTS_PER_NAME", 2)
    for key in ("a", "b", "a", "c"):
        assert built(folder, key, key) == key
        sleep(CLOCK_TICK_S)
    files = folder.list_files("cutoffs/2024-03-01/orders")
    assert {pq.read_table(file)["value"][0].as_py() for file in files} == {"a", "c"}


def test_the_names_used_last_are_kept_of_each_folder(folder, monkeypatch):
    monkeypatch.setattr(parquet_cache, "MAX_NAMES_PER_FOLDER", 2)
    for name in ("first", "second", "first", "third"):
        folder.get_or_build(f"labels/{name}", "key", lambda: pa.table({"value": [1]}))
        sleep(CLOCK_TICK_S)
    assert {path.name for path in (folder.path / "labels").iterdir()} == {"first", "third"}


def test_a_table_is_built_once_for_a_key_and_again_under_another_version_of_the_engine(folder, monkeypatch):
    assert [built(folder, "key", value) for value in ("built", "not built")] == ["built", "built"]
    monkeypatch.setattr(parquet_cache, "ENGINE_VERSIONS", "duckdb 0.0, ibis 0.0")
    assert built(folder, "key", "built anew") == "built anew"


def test_a_table_in_sql_an_expression_and_one_in_memory_are_written_alike(folder):
    rows = pa.table({"value": [1, 2]})
    for name, build in {
        "sql": lambda: "SELECT unnest([1, 2]) AS value",
        "expression": lambda: folder.read_files([folder.write_if_missing("memory", "key", lambda: rows)]),
        "memory": lambda: rows,
    }.items():
        assert folder.get_or_build(f"all/{name}", "key", build).to_pyarrow().to_pydict() == rows.to_pydict()


def test_other_files_of_a_name_are_removed_alone(folder):
    left, gone = (
        folder.write_if_missing(f"days/orders/{month}", "key", lambda: pa.table({"value": [1]}))
        for month in ("2024-01", "2024-02")
    )
    other = folder.write_if_missing("days/usage/all", "key", lambda: pa.table({"value": [1]}))
    folder.remove_other_files("days/orders", [left])
    assert folder.list_files("days") == {left, other}
    assert not gone.exists()


def test_a_temporary_table_is_built_once():
    tables, calls = TemporaryTables(ibis.duckdb.connect()), []

    def build() -> pa.Table:
        calls.append("built")
        return pa.table({"value": [7]})

    for _ in range(2):
        assert tables.get_or_build("name", build).to_pyarrow().to_pydict() == {"value": [7]}
    assert calls == ["built"]


def numbers(cache: Path) -> dict[str, int]:
    (file,) = cache.glob("numbers-*.parquet")
    rows = pq.read_table(file)
    return dict(zip(rows["customer_id"].to_pylist(), rows["number"].to_pylist(), strict=True))


def with_newcomer(frames: Frames, customer: str, joined: datetime) -> Frames:
    newcomer = frames["customers"].iloc[[0]].assign(customer_id=customer, joined_at=joined)
    return frames | {"customers": pd.concat([frames["customers"], newcomer], ignore_index=True)}


def test_a_newcomer_gets_a_number_and_only_later_cutoffs_are_redone(start, cache):
    before = numbers(cache)
    more = with_newcomer(FRAMES, "a first one in order of ids", datetime(2024, 4, 1))
    run = start(cache, more, OLD, NEW)
    assert numbers(cache) == before | {"a first one in order of ids": len(before)}
    assert run.wrote == {"numbers", "days/members/all"} | at(NEW, READ["customers"])
    assert_all_right(run, more, OLD, NEW)


def test_whoever_leaves_and_comes_back_keeps_the_number(start, cache):
    before = numbers(cache)
    left = {
        name: frame[~frame[[column for column in CUSTOMER if column in frame]].isin(["c03"]).any(axis=1)]
        for name, frame in FRAMES.items()
    }
    others = with_newcomer(left, "c99", datetime(2024, 1, 1))
    assert_all_right(start(cache, others, NEW), others, NEW)
    assert_all_right(start(cache, FRAMES, NEW), FRAMES, NEW)
    assert numbers(cache) == before | {"c99": len(before)}


def test_without_the_numbers_everything_starts_anew(start, cache):
    more = with_newcomer(FRAMES, "a first one in order of ids", datetime(2024, 2, 1))
    start(cache, more, OLD)
    (file,) = cache.glob("numbers-*.parquet")
    file.unlink()
    before = cached_files(cache)
    run = start(cache, more, OLD)
    assert numbers(cache)["a first one in order of ids"] == 0
    assert not set(before.items()) & set(cached_files(cache).items())
    assert_all_right(run, more, OLD)


@pytest.mark.parametrize("place", ["numbers", "days/order_days/2024-02", "cutoffs/2024-03-01T000000/graph"])
def test_after_an_interrupted_run_no_file_is_partial_and_the_next_goes_on(start, empty, monkeypatch, place):
    replaces = Path.replace

    def interrupted(self: Path, target: Path) -> Path:
        if str(target.relative_to(empty)).startswith(place):
            raise KeyboardInterrupt
        return replaces(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", interrupted)
        with pytest.raises(KeyboardInterrupt):
            start(empty, FRAMES, OLD)
    assert {Path(path).suffix for path in cached_files(empty)} <= {".parquet"}
    assert_goes_on(start, empty)


KILLED = """
import os, signal, sys
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from ripple.features.validation import checks
from ripple.features.rollup import history
from tests.support.oracles.feature_frames import SETTINGS, features_at

data, cache, place = map(Path, sys.argv[1:])
replaces = Path.replace

def killed(self, target):
    if cache / place in target.parents:
        os.kill(os.getpid(), signal.SIGKILL)
    return replaces(self, target)

Path.replace = killed
history.MIN_ROWS_PER_PART = 1
dataset = replace(checks.check(data, SETTINGS)[0], cache=cache)
features_at(dataset, datetime(2024, 3, 1))
"""


def test_after_a_killed_run_the_next_one_clears_up_and_goes_on(start, empty, tmp_path):
    data = feature_frames.write(FRAMES, tmp_path / "killed")
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, data, empty, "days/order_days/2024-03"],
        cwd=ROOT,
        check=False,
        timeout=120,
    )
    assert killed.returncode == -signal.SIGKILL
    assert_goes_on(start, empty)


def assert_goes_on(start: Start, cache: Path) -> None:
    """The next run keeps all whole files, adds those that are missing, and leaves nothing else."""
    whole = {path: inode for path, inode in cached_files(cache).items() if path.endswith(".parquet")}
    run = start(cache, FRAMES, OLD)
    assert_all_right(run, FRAMES, OLD)
    after = cached_files(cache)
    assert whole.items() <= after.items()
    assert {Path(path).suffix for path in after} == {".parquet"}


def test_the_folder_may_have_any_name(tmp_path):
    names = ["a b", "it's", 'a "quote"', "both ' and \"", "[a]*?{b}", "🎉 %20", "day=2024-01-01"]
    cache = tmp_path.joinpath(*names)
    as_of = datetime(2024, 6, 20)
    small = feature_frames.small()
    assert_right(features_at(opened(small, tmp_path / "data", cache), as_of), small, as_of)
    assert cached_files(cache)
