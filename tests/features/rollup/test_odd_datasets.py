"""Odd names, skewed customers, gaps and time zones give the features of the oracle."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np
import pandas as pd
import pytest

from ripple.features.validation import checks
from tests.support.oracles import feature_frames
from tests.support.oracles.feature_frames import Frames, features_at
from tests.support.oracles.feature_runs import CUSTOMER, FRAMES, NEW, SETTINGS, TIME, assert_right, opened

NAMES = ["'", '"', "`", "🎉", "   ", "a'b\"c`d", "\\", "%s {x}", "NULL", ";--", "\t", "ß", "'; DROP TABLE x"]


def odd_names() -> Frames:
    """Features, products, people, kinds and customers whose names are hard to write down."""

    def odd(name: object) -> object:
        digits = "".join(filter(str.isdigit, str(name)))
        return NAMES[int(digits) % len(NAMES)] if digits else name

    def odd_id(name: str) -> str:
        return f"{odd(name)}{name}"

    renaming = dict.fromkeys(CUSTOMER, odd_id) | dict.fromkeys(("feature", "product", "user_id"), odd)
    frames = {
        name: frame.assign(
            **{column: frame[column].map(new) for column, new in renaming.items() if column in frame}
        )
        for name, frame in FRAMES.items()
    }
    kinds = {"gossip": "🎉", "share": 'it\'s "odd"', "webinar": "   "}
    frames["interactions"]["kind"] = frames["interactions"]["kind"].replace(kinds)
    return frames


def half_by_one() -> Frames:
    """One customer has half of all events."""
    of_one = {name: FRAMES[name].assign(customer_id="c10") for name in ("orders", "usage", "feedback")}
    ties = FRAMES["interactions"]
    ties = ties[(ties.kind != "referral") & (ties.target_id != "c10")]
    of_one["interactions"] = ties.assign(source_id="c10")
    return FRAMES | {name: pd.concat([FRAMES[name], frame]) for name, frame in of_one.items()}


def many_products() -> Frames:
    """20,000 orders of 10,000 products besides."""
    rng, number = np.random.default_rng(1), 20_000
    orders = FRAMES["orders"]
    more = orders.iloc[rng.integers(0, len(orders), number)].assign(
        product=[f"many {n // 2}" for n in range(number)], revenue=1.25, known_at=pd.NaT
    )
    return FRAMES | {"orders": pd.concat([orders, more])}


def months_without_events() -> Frames:
    """Nothing from the 5th of January to the 12th of April, and one event of each kind in 1969."""
    frames = dict(FRAMES)
    for name, time in TIME.items():
        frame = FRAMES[name]
        left = frame[~frame[time].between(datetime(2024, 1, 5), datetime(2024, 4, 12))]
        first = frame.iloc[[0]].assign(**{time: pd.Timestamp(1969, 12, 31, 23), "known_at": pd.NaT})
        frames[name] = pd.concat([left, first.astype(frame.dtypes)])
    return frames


@pytest.mark.parametrize("odd", [odd_names, half_by_one, many_products, months_without_events])
def test_odd_data_give_the_features_of_the_oracle(empty, tmp_path, odd):
    frames = odd()
    assert_right(features_at(opened(frames, tmp_path / "data", empty), NEW), frames, NEW)


@pytest.mark.parametrize(("form", "cutoffs"), [("csv", 3), ("parquet", 1)])
def test_days_are_those_of_utc_where_times_have_zones_and_clocks_change(empty, tmp_path, form, cutoffs):
    """Berlin's clocks go forward on 2024-03-31 at 01:00 UTC."""
    rng, utc, local = np.random.default_rng(2), dict(FRAMES), {}
    for name, time in TIME.items():
        frame = FRAMES[name]
        quarters = pd.Series(rng.integers(0, 120, len(frame)) * 15, index=frame.index)
        near = pd.Timestamp("2024-03-30 20:00") + pd.to_timedelta(quarters, "min")
        utc[name] = frame.assign(**{time: frame[time].mask(rng.random(len(frame)) < 0.3, near)})
    for name, frame in utc.items():
        times = {column: frame[column].dt.tz_localize("UTC") for column in frame if column.endswith("_at")}
        times = {column: moments.dt.tz_convert("Europe/Berlin") for column, moments in times.items()}
        if form == "csv":
            times = {
                column: moments.map(lambda moment: None if pd.isna(moment) else moment.isoformat())
                for column, moments in times.items()
            }
        local[name] = frame.assign(**times)
    folder = feature_frames.write(local, tmp_path / "local", form)
    dataset = replace(checks.check(folder, SETTINGS)[0], cache=empty)
    for as_of in (datetime(2024, 3, 31), datetime(2024, 4, 1), datetime(2024, 3, 31, 0, 30))[:cutoffs]:
        assert_right(features_at(dataset, as_of), utc, as_of)
