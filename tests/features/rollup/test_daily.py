"""Daily tables hold what pandas rolls up, in memory and in a folder, whole and at a cutoff."""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd
import pytest

from ripple.features.dataset import Dataset
from tests.support.oracles import feature_oracle
from tests.support.oracles.feature_frames import Frames, bits, features_at
from tests.support.oracles.feature_runs import EARLY, FRAMES, NEW, OLD, TIME, assert_right, opened


def days(times: pd.Series) -> pd.Series:
    return (times.dt.floor("D") - pd.Timestamp(0)).dt.days


def rolled_up(frames: Frames) -> Frames:
    """Daily tables that hold what happened, as pandas rolls it up."""
    dated = {}
    for name, frame in frames.items():
        day = days(frame[feature_oracle.EVENT_TIME[name]])
        known = days(frame.known_at).fillna(day) if "known_at" in frame else day
        dated[name] = frame.assign(day=day, known=np.maximum(day, known))
    orders, catalog, interactions = dated["orders"], dated["catalog"], dated["interactions"]
    margin_revenue = orders.revenue.where(orders.margin.notna())
    is_referral = interactions.kind == "referral"
    when, tie = ["day", "known"], ["source_id", "target_id"]

    def by(frame: pd.DataFrame, *keys: str) -> pd.api.typing.DataFrameGroupBy:
        return frame.groupby([*keys, *when], as_index=False)

    return {
        "members": dated["customers"][["customer_id", *when]],
        "releases": catalog.assign(advanced=catalog.tier == "advanced", released=catalog.day)[
            ["feature", *when, "advanced", "released"]
        ].fillna({"known": -(2**31)}),
        "feature_days": by(dated["usage"].assign(events=1), "customer_id", "feature").events.sum(),
        "user_days": dated["usage"][["customer_id", "user_id", *when]].dropna().drop_duplicates(),
        "order_days": by(
            orders.assign(orders=orders.revenue > 0, margin_revenue=margin_revenue), "customer_id", "product"
        )[["orders", "revenue", "margin", "margin_revenue"]].sum(min_count=1),
        "contact_days": by(interactions[~is_referral].fillna({"weight": 1.0}), *tie, "kind").weight.sum(),
        "referrals": interactions[is_referral][[*tie, *when]],
        "feedback_days": by(dated["feedback"].assign(given=1), "customer_id").agg(
            given=("given", "sum"), total=("score", "sum"), worst=("score", "min")
        ),
    }


def named(dataset: Dataset, table: ibis.Table) -> pd.DataFrame:
    """Rows of a daily table, customers by their ids."""
    members, frame = dataset.history.daily["members"].to_pandas(), table.to_pandas()
    ids = members.set_index("customer").customer_id
    if "target" in frame:
        return frame.assign(source_id=frame.customer.map(ids), target_id=frame.target.map(ids))
    return frame.assign(customer_id=frame.customer.map(ids)) if "customer" in frame else frame


def assert_same_rows(rows: pd.DataFrame, expected: pd.DataFrame) -> None:
    def sorted_rows(frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame[list(expected.columns)].copy()
        for name in frame:
            if not frame[name].map(lambda value: isinstance(value, str)).any():
                frame[name] = frame[name].astype("float64").round(6)
        return frame.sort_values(list(frame.columns)).reset_index(drop=True)

    pd.testing.assert_frame_equal(sorted_rows(rows), sorted_rows(expected), check_dtype=False)


@pytest.fixture(scope="module", params=["in memory", "in a folder"])
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("whole")
    return opened(FRAMES, folder / "data", folder / "cache" if request.param == "in a folder" else None)


@pytest.mark.parametrize("name", rolled_up(FRAMES))
def test_a_daily_table_holds_what_pandas_rolls_up(whole, name):
    assert_same_rows(named(whole, whole.history.daily[name]), rolled_up(FRAMES)[name])


@pytest.mark.parametrize("as_of", [EARLY, OLD, NEW], ids=str)
def test_a_cutoff_sees_what_pandas_rolls_up_of_the_rows_known_before(whole, as_of):
    past = whole.history.before(as_of)
    visible = {
        name: FRAMES[name][(FRAMES[name][time] < as_of) & ~(FRAMES[name].known_at >= as_of)]
        for name, time in TIME.items()
    }
    expected = rolled_up(FRAMES | visible)
    for name in ("feature_days", "user_days", "order_days", "contact_days", "referrals", "feedback_days"):
        rows = named(whole, past[name])
        assert_same_rows(rows, expected[name])
        assert (rows.age == days(pd.Series([as_of]))[0] - rows.day).all()
    day, rows = ["customer_id", "day"], named(whole, past["active_days"])
    used = expected["feature_days"].groupby(day, as_index=False).events.sum()
    assert_same_rows(rows.groupby(day, as_index=False).events.sum(), used)
    assert_same_rows(rows[rows.fresh][day], used[day])
    for name, of, what in (
        ("first_uses", "feature_days", "feature"),
        ("first_purchases", "order_days", "product"),
    ):
        pair = ["customer_id", what]
        first = expected[of].groupby(pair, as_index=False).day.min()
        assert_same_rows(named(whole, past[name]), first)


def test_quantities_are_the_events_of_a_row_and_none_of_zero_is_a_use(tmp_path):
    rng = np.random.default_rng(4)
    usage = FRAMES["usage"]
    quantity = rng.choice([0.0, 0.25, 1.0, 3.0, 250.0, np.nan], len(usage))
    frames = FRAMES | {"usage": usage.assign(quantity=quantity)}
    dataset = opened(frames, tmp_path / "data")
    assert_right(features_at(dataset, NEW), frames, NEW)
    events = dataset.history.daily["feature_days"].events.sum().to_pyarrow().as_py()
    assert float(events) == np.nansum(quantity) + np.isnan(quantity).sum()
    assert float(events) == dataset.history.daily["active_days"].events.sum().to_pyarrow().as_py()


def test_lines_of_one_order_are_one_order(tmp_path):
    rng = np.random.default_rng(5)
    orders = FRAMES["orders"]
    numbers = pd.Series(rng.integers(0, 3, len(orders)), orders.index).astype("string")
    order_id = orders.customer_id + "-" + numbers.where(rng.random(len(orders)) < 0.8)
    lines = orders.assign(order_id=order_id)
    lines["ordered_at"] = lines.groupby("order_id").ordered_at.transform("first").fillna(lines.ordered_at)
    lines["known_at"] = lines.known_at.where(lines.known_at >= lines.ordered_at)
    frames = FRAMES | {"orders": lines}
    dataset = opened(frames, tmp_path / "data")
    assert_right(features_at(dataset, NEW), frames, NEW)
    counted = dataset.history.daily["order_days"].orders.sum().to_pyarrow().as_py()
    assert counted < 0.7 * (lines.revenue > 0).sum()


def test_a_quantity_of_one_gives_the_bits_of_none(tmp_path):
    frames = FRAMES | {"usage": FRAMES["usage"].assign(quantity=1.0)}
    without, given = opened(FRAMES, tmp_path / "without"), opened(frames, tmp_path / "given")
    assert bits(features_at(given, NEW)) == bits(features_at(without, NEW))
