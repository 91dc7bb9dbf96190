"""Whatever happens at or after a cutoff, or becomes known then, leaves the features of that cutoff alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ripple.features.rollup import history
from ripple.features.rollup.daily import DAILY
from ripple.features.tables.contract import CONTRACT
from ripple.features.validation import checks
from tests.support.oracles import feature_frames
from tests.support.oracles.feature_frames import SETTINGS, Frames, bits, features_at, features_of

CUTOFF = datetime(2024, 3, 1)
NOON = datetime(2024, 3, 14, 12)
BASE = feature_frames.random()

NEW = ["new", "newer", "c000"]
"""Customers and features that only the changed future knows; c000 comes before all others but one."""
ids = st.sampled_from([*BASE["customers"].customer_id, *NEW, "nobody"])
names = st.sampled_from([*BASE["catalog"].feature, "unlisted", *NEW])
numbers = st.floats(-1e6, 1e6)
VALUES = {
    "customers": {
        "customer_id": st.sampled_from(NEW),
        "industry": st.just("mining"),
        "seats": st.integers(0, 9),
    },
    "orders": {
        "customer_id": ids,
        "product": st.sampled_from(["p1", "p7", "new"]),
        "revenue": numbers,
        "margin": numbers,
    },
    "usage": {"customer_id": ids, "feature": names, "user_id": st.sampled_from(["u1", "u9"])},
    "catalog": {
        "feature": st.sampled_from(["unlisted", *NEW]),
        "tier": st.sampled_from(["core", "advanced"]),
    },
    "interactions": {
        "source_id": ids,
        "target_id": ids,
        "kind": st.sampled_from(feature_frames.KINDS) | st.just("referral"),
        "weight": numbers,
    },
    "feedback": {"customer_id": ids, "score": numbers},
}
TIME = {"customers": "joined_at", "catalog": "released_at"}
KEY = {"customers": "customer_id", "catalog": "feature"}


def rows(table: str, as_of: datetime) -> st.SearchStrategy[dict[str, object]]:
    """Rows that a cutoff must not see: they happen from then on, or are known only from then on."""
    future = st.just(as_of) | st.datetimes(as_of, datetime(2026, 1, 1))
    past = st.datetimes(datetime(2023, 1, 1), as_of - timedelta(microseconds=1))
    known = st.none() | past | future
    time = TIME.get(table) or CONTRACT[table].time or ""
    values = VALUES[table]
    if "known_at" not in BASE[table].columns:
        return st.fixed_dictionaries(values | {time: future})
    happens = st.fixed_dictionaries(values | {time: future, "known_at": known})
    is_told = st.fixed_dictionaries(values | {time: past, "known_at": future})
    return happens | is_told


def unseen(table: str, as_of: datetime = CUTOFF) -> pd.Series:
    """Which rows of the base lie at or after the cutoff."""
    frame = BASE[table]
    times = [TIME.get(table) or CONTRACT[table].time, "known_at"]
    return pd.concat([frame[time] >= as_of for time in times if time in frame], axis=1).any(axis=1)


@st.composite
def futures(draw: st.DrawFn, as_of: datetime) -> Frames:
    """The base with the same past: rows of the future are left out, and others added, in every table."""
    frames = {}
    for table, frame in BASE.items():
        hidden = unseen(table, as_of)
        later = frame[hidden]
        kept = later.iloc[: draw(st.integers(0, len(later)), label=f"{table} kept")]
        unique = (lambda row, key=KEY[table]: row[key]) if table in KEY else None
        added = pd.DataFrame(
            draw(st.lists(rows(table, as_of), max_size=5, unique_by=unique), label=f"{table} added"),
            columns=frame.columns,
        )
        parts = [part.astype(frame.dtypes) for part in (frame[~hidden], kept, added) if len(part)]
        frames[table] = pd.concat(parts, ignore_index=True)
    # attributes have no time, so no feature may use them
    frames["customers"]["seats"] = draw(st.integers(0, 100), label="seats")
    frames["customers"]["industry"] = draw(st.sampled_from(["retail", "mining"]), label="industry")
    return frames


@cache
def past(as_of: datetime) -> dict[str, bytes]:
    """The features of the base, which no change of its future may change."""
    return bits(features_of(BASE, as_of))


def differences(columns: dict[str, bytes], as_of: datetime) -> list[str]:
    return [name for name in past(as_of) | columns if past(as_of).get(name) != columns.get(name)]


def changed(frames: Frames, as_of: datetime = CUTOFF) -> list[str]:
    return differences(bits(features_of(frames, as_of)), as_of)


def blind(examples: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    # the names of the features that changed say more than minutes of shrinking would
    return settings(
        max_examples=examples,
        phases=(Phase.reuse, Phase.generate),
        suppress_health_check=[
            HealthCheck.too_slow,
            HealthCheck.data_too_large,
            HealthCheck.function_scoped_fixture,
        ],
    )


@blind(12)
@given(futures(CUTOFF))
def test_the_future_leaves_the_past_bit_equal(frames):
    assert changed(frames, CUTOFF) == []


@blind(4)
@given(futures(NOON))
def test_at_any_time_of_the_day_the_future_leaves_the_past_bit_equal(frames):
    assert changed(frames, NOON) == []


@blind(5)
@given(futures(CUTOFF))
def test_a_folder_used_in_another_future_leaves_the_past_bit_equal(tmp_path, frames):
    """Every example finds what the ones before it have left."""
    data = feature_frames.write(frames, tmp_path / "data")
    dataset = replace(checks.check(data, SETTINGS)[0], cache=tmp_path / "cache")
    assert differences(bits(features_at(dataset, CUTOFF)), CUTOFF) == []


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the features at the cutoff are kept, month by month."""
    folder = tmp_path_factory.mktemp("used")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history, "MIN_ROWS_PER_PART", 1)
        dataset = checks.check(feature_frames.write(BASE, folder / "data"), SETTINGS)[0]
        features_at(replace(dataset, cache=folder / "cache"), CUTOFF)
    return folder


def test_what_is_kept_of_the_past_is_used_again_in_another_future(used, monkeypatch):
    monkeypatch.setattr(history, "MIN_ROWS_PER_PART", 1)
    frames = {
        name: frame[~unseen(name)] if name in KEY else pd.concat([frame, _next_month(frame, name)])
        for name, frame in BASE.items()
    }
    before = feature_frames.cached_files(used / "cache")
    dataset = replace(
        checks.check(feature_frames.write(frames, used / "other"), SETTINGS)[0], cache=used / "cache"
    )
    assert differences(bits(features_at(dataset, CUTOFF)), CUTOFF) == []
    written = feature_frames.folders_written(before, feature_frames.cached_files(used / "cache"))
    last_month_follows = {f"days/{name}/2024-04" for name, daily in DAILY.items() if daily.looks_back}
    assert last_month_follows <= written
    assert {place.rpartition("/")[2] for place in written - last_month_follows} == {"2024-03", "all"}


def _next_month(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    time = CONTRACT[name].time
    begin = frame[(frame[time] >= CUTOFF) & (frame[time] < CUTOFF + timedelta(days=9))]
    return begin.assign(**{time: begin[time] + timedelta(days=20), "known_at": pd.NaT})


def test_the_base_has_something_to_hide():
    for table in BASE:
        assert 0 < unseen(table).sum() < len(BASE[table])


@pytest.mark.parametrize("table", BASE)
def test_a_row_of_the_past_does_change_them(table):
    """The comparison sees a change that is one."""
    frame, customers = BASE[table], BASE["customers"]
    alive = customers.customer_id[customers.joined_at < CUTOFF]
    known = frame[~unseen(table)]
    for column in CONTRACT[table].customers:
        known = known[known[column].isin(alive)]
    assert changed(BASE | {table: frame.drop(known.index[-1])})


def test_a_referral_backfilled_after_the_cutoff_leaves_the_referrer_that_was_known():
    interactions = BASE["interactions"]
    referral = interactions[(interactions.kind == "referral") & ~unseen("interactions")].iloc[[0]]
    backfill = referral.assign(
        source_id="c20", occurred_at=referral.occurred_at - pd.Timedelta(days=9), known_at=CUTOFF
    )
    assert changed(BASE | {"interactions": pd.concat([interactions, backfill], ignore_index=True)}) == []
