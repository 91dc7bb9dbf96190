import numpy as np
import pandas as pd
import pytest

from ripple.settings import Settings
from ripple.training.insights.direct_value import DirectValue
from ripple.training.orders_alone.spend_value import spend_value

IDS = pd.Index(["a", "b", "c"], name="customer_id")
FEATURES = pd.DataFrame({"total_revenue": [100.0, 0.0, 300.0], "margin_share": [0.5, np.nan, 0.1]}, index=IDS)
SPEND, LIFETIME = pd.Series([10.0, 2.0, 1.0], IDS), pd.Series([20.0, 4.0, 30.0], IDS)


def of(features=FEATURES, ratio=1.0, settings=None):
    predicted = np.linspace(1.0, 50.0, 300)
    past = pd.DataFrame(
        {"cutoff": pd.Timestamp("2025-01-01"), "predicted": predicted, "realised": ratio * predicted}
    )
    direct = DirectValue(SPEND, past, pd.DataFrame(), (0.0, 0.0, 0.0), 0.1, LIFETIME)
    return spend_value(features, direct, settings or Settings())


def test_lifetime_value_is_margin_where_it_is_known():
    customers = of().customers
    assert customers.loc["a", "lifetime_value"] == pytest.approx(0.5 * 20)
    assert customers.loc["b", "lifetime_value"] == pytest.approx(80 / 400 * 4)
    assert customers.loc["c", "gain"] == pytest.approx(0.1 * 1)
    assert customers["lifetime_value"].is_monotonic_decreasing


def test_without_margins_lifetime_value_is_spend_and_cost_limits_are_unknown():
    value = of(FEATURES.drop(columns="margin_share"))
    assert value.customers["lifetime_value"].to_dict() == LIFETIME.to_dict()
    assert value.customers[["margin", "gain"]].isna().all(axis=None)
    assumed = of(FEATURES.drop(columns="margin_share"), settings=Settings(plays={"margin_share": 0.3}))
    assert assumed.customers["lifetime_value"].sum() == pytest.approx(0.3 * LIFETIME.sum())


def test_intervals_follow_what_came_of_such_forecasts():
    doubled = of(ratio=2.0)
    assert doubled.customers["high"].to_numpy() == pytest.approx(2 * doubled.customers["direct_value"])
    low, high = doubled.total_bounds(doubled.customers, seed=7)
    assert (low, high) == pytest.approx((SPEND.sum(), 2 * SPEND.sum()))
