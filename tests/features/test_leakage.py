"""Whatever happens at or after a cutoff, or becomes known then, leaves the features of that cutoff alone."""

from __future__ import annotations

from datetime import datetime, timedelta

import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from features.contract import CONTRACT
from tests.features import building
from tests.features.building import Frames, bits, features_of

CUTOFF = datetime(2024, 3, 1)
BASE = building.random()
MATRIX = features_of(BASE, CUTOFF)
PAST = bits(MATRIX)

ids = st.sampled_from([*BASE["customers"].customer_id, "nobody"])
names = st.sampled_from([*BASE["catalog"].feature, "unlisted", "new"])
numbers = st.floats(-1e6, 1e6)
future = st.just(CUTOFF) | st.datetimes(CUTOFF, datetime(2026, 1, 1))
past = st.datetimes(datetime(2023, 1, 1), CUTOFF - timedelta(microseconds=1))
known = st.none() | past | future
VALUES = {
    "customers": {"customer_id": ids, "industry": st.just("mining"), "seats": st.integers(0, 9)},
    "orders": {
        "customer_id": ids,
        "product": st.sampled_from(["p1", "p9"]),
        "revenue": numbers,
        "margin": numbers,
    },
    "usage": {"customer_id": ids, "feature": names, "user_id": st.sampled_from(["u1", "u9"])},
    "catalog": {"feature": names, "tier": st.sampled_from(["core", "advanced"])},
    "interactions": {
        "source_id": ids,
        "target_id": ids,
        "kind": st.sampled_from(building.KINDS) | st.just("referral"),
        "weight": numbers,
    },
    "feedback": {"customer_id": ids, "score": numbers},
}
TIME = {"customers": "joined_at", "catalog": "released_at"}


def rows(table: str) -> st.SearchStrategy[dict[str, object]]:
    """Rows that a cutoff must not see: they happen from then on, or are known only from then on."""
    time = TIME.get(table) or CONTRACT[table].time or ""
    values = VALUES[table]
    if "known_at" not in BASE[table].columns:
        return st.fixed_dictionaries(values | {time: future})
    happens = st.fixed_dictionaries(values | {time: future, "known_at": known})
    is_told = st.fixed_dictionaries(values | {time: past, "known_at": future})
    return happens | is_told


def unseen(table: str) -> pd.Series:
    """Which rows of the base lie at or after the cutoff."""
    frame = BASE[table]
    times = [TIME.get(table) or CONTRACT[table].time, "known_at"]
    return pd.concat([frame[time] >= CUTOFF for time in times if time in frame], axis=1).any(axis=1)


@st.composite
def futures(draw: st.DrawFn) -> Frames:
    """The base with the same past: rows of the future are left out, and others added, in every table."""
    frames = {}
    for table, frame in BASE.items():
        later = frame[unseen(table)]
        kept = later.iloc[: draw(st.integers(0, len(later)), label=f"{table} kept")]
        added = pd.DataFrame(
            draw(st.lists(rows(table), max_size=5), label=f"{table} added"), columns=frame.columns
        )
        parts = [part.astype(frame.dtypes) for part in (frame[~unseen(table)], kept, added) if len(part)]
        frames[table] = pd.concat(parts, ignore_index=True)
    # attributes have no time, so no feature may use them
    frames["customers"]["seats"] = draw(st.integers(0, 100), label="seats")
    return frames


def changed(frames: Frames) -> list[str]:
    found = bits(features_of(frames, CUTOFF))
    return [name for name in PAST | found if PAST.get(name) != found.get(name)]


# the names of the features that changed say more than minutes of shrinking would
@settings(
    max_examples=25,
    deadline=None,
    phases=(Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(futures())
def test_the_future_leaves_the_past_bit_equal(frames):
    assert changed(frames) == []


def test_the_base_has_something_to_hide():
    for table in BASE:
        assert 0 < unseen(table).sum() < len(BASE[table])


@pytest.mark.parametrize("table", BASE)
def test_a_row_of_the_past_does_change_them(table):
    """The comparison sees a change that is one."""
    frame = BASE[table]
    seen = frame[~unseen(table)]
    if table != "catalog":
        seen = seen[seen[CONTRACT[table].customers[0]].isin(MATRIX.index)]
    assert changed(BASE | {table: frame.drop(seen.index[-1])})


def test_a_referral_backfilled_after_the_cutoff_leaves_the_referrer_that_was_known(tmp_path):
    interactions = BASE["interactions"]
    referral = interactions[(interactions.kind == "referral") & ~unseen("interactions")].iloc[[0]]
    backfill = referral.assign(
        source_id="c20", occurred_at=referral.occurred_at - pd.Timedelta(days=9), known_at=CUTOFF
    )
    assert changed(BASE | {"interactions": pd.concat([interactions, backfill], ignore_index=True)}) == []
