import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ripple.settings import Settings
from ripple.training.insights.customer_value import customer_value, gains
from ripple.training.insights.direct_value import DirectValue

IDS = pd.Index(["a", "b", "c"], name="customer_id")
FEATURES = pd.DataFrame({"total_revenue": [100.0, 0.0, 300.0], "margin_share": [0.5, np.nan, 0.1]}, index=IDS)
LIFETIME = pd.Series([20.0, 4.0, 2.0], IDS)
SCORES = pd.DataFrame({"network_value": [40.0, 8.0, 0.5]}, index=IDS)


def past(count=400, ratio=1.0):
    predicted = np.linspace(1.0, 100.0, count)
    cutoff = np.repeat(pd.Timestamp("2025-01-01"), count)
    half = pd.DataFrame({"cutoff": cutoff, "predicted": predicted / 2, "realised": ratio * predicted / 2})
    return half, DirectValue(
        pd.Series([10.0, 2.0, 1.0], IDS), half, pd.DataFrame(), (0.0, 0.0, 0.0), 0.1, LIFETIME
    )


def of(features=FEATURES, chance=0.5, settings=None, ratio=1.0):
    network, own = past(ratio=ratio)
    return customer_value(features, SCORES, own, network, chance, settings or Settings())


def test_values_add_up_customer_by_customer():
    customers = of().customers
    assert customers["value"].tolist() == [50.0, 10.0, 1.5]
    assert customers["lifetime_value"].tolist() == pytest.approx([0.5 * 20, 0.2 * 4, 0.1 * 2])
    assert customers["margin"].tolist() == [50.0, 0.0, 30.0]


MARGIN = 0.5 * 10 + 0.2 * 2 + 0.1 * 1
"""The margin on what the three customers are expected to spend; that of all is 80 ÷ 400."""


def test_gains_count_every_amount_once():
    """Others are credited with 4.85 of the 13 that the three will spend."""
    value = of(chance=0.9)
    assert value.margin_share == pytest.approx(80 / 400)
    own_part, mean = 1 - 4.85 / 13, MARGIN / 13
    assert value.customers["gain"].tolist() == pytest.approx(
        [own_part * 5 + mean * 4, own_part * 0.4 + mean * 0.8, own_part * 0.1 + mean * 0.05]
    )


@pytest.mark.parametrize("chance", [0.0, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("ratio", [0.3, 1.0])
def test_gains_add_up_to_the_margin_on_what_all_will_spend(chance, ratio):
    assert of(chance=chance, ratio=ratio).customers["gain"].sum() == pytest.approx(MARGIN)


@given(st.lists(st.tuples(st.floats(-0.5, 1), st.floats(0, 1e6), st.floats(0, 1e6)), min_size=1, max_size=20))
def test_no_credit_whatever_makes_gains_exceed_the_margin_there_is(rows):
    share, spend, network = (pd.Series(column) for column in zip(*rows, strict=True))
    gain = gains(share, spend, network)
    assert gain.sum() == pytest.approx((share * spend).sum(), rel=1e-6, abs=1e-6)


def test_the_spendable_share_is_scaled_by_the_realised_ratio_and_never_above_one():
    assert of(ratio=0.5).spendable_share == pytest.approx(0.25)
    assert of(ratio=2.0).spendable_share == pytest.approx(0.5)


def test_without_margins_gains_are_unknown_unless_the_settings_tell_them():
    without = FEATURES.drop(columns="margin_share")
    unknown = of(without)
    assert math.isnan(unknown.margin_share)
    assert unknown.customers[["margin", "gain"]].isna().all(axis=None)
    assert unknown.customers["lifetime_value"].tolist() == LIFETIME.tolist()
    assumed = of(without, settings=Settings(plays={"margin_share": 0.3}))
    assert assumed.customers["margin"].tolist() == pytest.approx([30.0, 0.0, 90.0])
    assert assumed.customers["gain"].sum() == pytest.approx(0.3 * 13)


def test_the_interval_follows_what_came_of_such_forecasts():
    exact = of(ratio=1.0).customers
    assert exact["low"].to_numpy() == pytest.approx(exact["value"].to_numpy())
    assert exact["high"].to_numpy() == pytest.approx(exact["value"].to_numpy())
    doubled = of(ratio=2.0).customers
    assert doubled["high"].to_numpy() == pytest.approx(2 * doubled["value"].to_numpy())
