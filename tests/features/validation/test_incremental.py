"""Checking what was added to files found in order finds what checking everything finds, and reads less."""

from __future__ import annotations

import json
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ripple.features.validation import checks
from ripple.features.validation.findings import Report
from ripple.settings import load
from tests.support.oracles import feature_frames
from tests.support.oracles.broken_rules import CASES, ONE_CASE_PER_RULE
from tests.support.oracles.feature_frames import LAST_DAY, Frames

SMALL = feature_frames.small()
KNOWN = 1_000_000
COMPARING = [
    case
    for case in CASES
    if any(word in case.key for word in ("unique", "of one customer", "refund", "repeated"))
]


def add(frames: Frames, folder: Path, part: str) -> Path:
    """Add to every table of the dataset in *folder* a file with rows."""
    for name, frame in frames.items():
        feature_frames.write({part: frame}, folder / name)
    return folder


def report_of(folder: Path, cache: Path | None = None) -> Report:
    return checks.check(folder, load(folder), cache=cache)[1]


def mark_rows_of_usage(cache: Path) -> None:
    """Have what is known of the rows of usage recognised where it is used."""
    place = cache / "checked.json"
    content = json.loads(place.read_text())
    content["rows"]["usage"] = KNOWN
    place.write_text(json.dumps(content))


def first(folder: Path) -> Path:
    """The small dataset in a folder, a file for each table, with some days to go."""
    folder.mkdir()
    (folder / "ripple.toml").write_text("until = 2024-07-02\n")
    return add(SMALL, folder, "first")


@pytest.fixture
def data(tmp_path):
    return first(tmp_path / "data")


@pytest.fixture
def cache(data, tmp_path):
    """What a check of the small dataset leaves."""
    assert report_of(data, tmp_path / "cache").findings == []
    return tmp_path / "cache"


def test_files_that_were_in_order_are_not_read_again(data, cache):
    mark_rows_of_usage(cache)
    assert report_of(data, cache).rows["usage"] == KNOWN
    day = SMALL["usage"].tail(4).assign(occurred_at=lambda rows: rows["occurred_at"] + timedelta(days=1))
    add({"usage": day}, data, "next")
    for _ in range(2):
        report = report_of(data, cache)
        assert report.rows["usage"] == KNOWN + 4
        assert max(report.days) == LAST_DAY.date() + timedelta(days=1)
    assert {**vars(report), "rows": None} == {**vars(report_of(data)), "rows": None}


@pytest.fixture(scope="module")
def in_order(tmp_path_factory):
    """The small dataset, and what a check of it left."""
    place = tmp_path_factory.mktemp("in_order")
    data = first(place / "data")
    assert report_of(data, place / "cache").findings == []
    return data, place / "cache"


@pytest.mark.parametrize("case", COMPARING + ONE_CASE_PER_RULE, ids=lambda case: case.key)
def test_what_an_added_file_breaks_is_found(in_order, case):
    data, cache = in_order
    before, frames = (cache / "checked.json").read_text(), feature_frames.small()
    case.break_rule(frames)
    for name, frame in frames.items():
        same = frame.astype(str).eq(SMALL[name].astype(str).reindex(frame.index)).all(axis=1)
        if not same.all():
            add({name: frame[~same]}, data, "harm")
    assert case.key in {finding.key for finding in report_of(data, cache).violations}
    assert (cache / "checked.json").read_text() == before
    for file in data.rglob("harm.parquet"):
        file.unlink()


@given(st.data())
@settings(max_examples=4)
def test_files_in_any_order_are_found_as_they_are_all_at_once(tmp_path_factory, draw):
    place = tmp_path_factory.mktemp("grown")
    data, cache, frames = place / "data", place / "cache", feature_frames.small()
    draw.draw(st.sampled_from(CASES)).break_rule(frames)
    rng = np.random.default_rng(draw.draw(st.integers(0, 2**32)))
    parts = {name: rng.integers(0, 3, len(frame)) for name, frame in frames.items()}
    for number in range(3):
        add({name: frame[parts[name] == number] for name, frame in frames.items()}, data, f"part-{number}")
        assert report_of(data, cache) == report_of(data)


def test_without_a_file_that_was_in_order_everything_is_checked(data, cache):
    add({"customers": SMALL["customers"].head(1)}, data, "first")
    report = report_of(data, cache)
    assert report.violations
    assert report == report_of(data)


def test_a_file_in_order_that_is_there_twice_is_found(data, cache):
    shutil.copy(data / "orders" / "first.parquet", data / "orders" / "again.parquet")
    report = report_of(data, cache)
    assert "orders.ordered_at: not repeated" in {finding.key for finding in report.violations}
    assert report == report_of(data)


def test_under_an_earlier_end_everything_is_checked(data, cache):
    (data / "ripple.toml").write_text("until = 2024-06-01\n")
    report = report_of(data, cache)
    assert "usage.occurred_at: not after the end of the data" in {
        finding.key for finding in report.violations
    }
    assert report == report_of(data)


def test_with_another_column_everything_is_checked(tmp_path):
    frames = SMALL | {"orders": SMALL["orders"].drop(columns="order_id")}
    data, cache = add(frames, tmp_path / "data", "first"), tmp_path / "cache"
    assert report_of(data, cache).findings == []
    mark_rows_of_usage(cache)
    order = SMALL["orders"].head(1).assign(ordered_at=datetime(2024, 5, 2))
    add({"orders": order}, data, "next")
    assert report_of(data, cache) == report_of(data)


def test_of_text_that_only_an_added_file_holds_every_file_is_read_as_text(data, cache):
    times = SMALL["feedback"].assign(occurred_at="soon")
    add({"feedback": times}, data, "next")
    report = report_of(data, cache)
    assert "feedback.occurred_at: is a time" in {finding.key for finding in report.violations}
    assert report == report_of(data)


def test_a_dataset_with_rows_set_aside_is_checked_whole(data, cache):
    again = SMALL["interactions"].head(1).assign(source_id="c4", occurred_at=LAST_DAY)
    add({"interactions": again}, data, "next")
    mark_rows_of_usage(cache)
    for _ in range(2):
        dataset, report = checks.check(data, load(data), cache=cache)
        assert [finding.count for finding in report.set_aside] == [1]
        assert report == report_of(data)
        assert dataset.tables["interactions"].count().to_pyarrow().as_py() == len(SMALL["interactions"])


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_what_lies_in_no_parquet_file_is_checked_every_time(tmp_path, form):
    frames = feature_frames.small()
    data, cache = feature_frames.write(frames, tmp_path / "data", form), tmp_path / "cache"
    assert report_of(data, cache).findings == []
    assert (cache / "checked.json").exists() == (form == "parquet")
