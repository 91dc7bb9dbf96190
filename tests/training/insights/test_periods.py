from datetime import timedelta

import pytest

from ripple.training.attribution.feature_adoptions import feature_adoptions
from ripple.training.insights.periods import latest_start, period


@pytest.fixture(scope="module")
def known(examples, plan):
    return examples[plan.grid[-1]]


def test_a_period_as_long_as_the_horizon_is_the_label_of_the_cutoff(opened, plan, known):
    measured = period(opened[0], known, plan.horizon.days)
    assert measured.start == known.cutoff
    assert measured.network_value.tolist() == known.realised["network_value"].tolist()
    assert measured.influenced_customers.tolist() == known.realised["influenced_customers"].tolist()
    assert measured.direct_value == pytest.approx(known.realised["direct_value"].clip(lower=0).to_numpy())


def test_purchases_are_orders_that_are_no_refunds(opened, plan, known):
    orders = opened[0].tables["orders"].to_pyarrow().to_pandas()
    after = orders["ordered_at"] - known.cutoff
    inside = (after > timedelta(0)) & (after <= plan.horizon) & (orders["revenue"] > 0)
    counts = orders[inside].groupby("customer_id").size().reindex(known.rows.index, fill_value=0)
    assert counts.sum() > 0
    assert period(opened[0], known, plan.horizon.days).orders.tolist() == counts.tolist()


def test_groups_are_those_of_the_start(opened, plan, known):
    measured, features = period(opened[0], known, plan.horizon.days), known.features
    assert measured.advanced.tolist() == (features["advanced_power_user"] > 0).tolist()
    assert measured.engagement.tolist() == features["engagement_percentile_30d"].tolist()


def test_a_longer_period_holds_more(opened, plan, examples):
    start = examples[plan.grid[0]]
    short, long = (period(opened[0], start, days) for days in (60, 120))
    assert (long.orders >= short.orders).all()
    assert long.orders.sum() > short.orders.sum()
    assert long.influenced_customers.sum() > short.influenced_customers.sum()


def test_it_begins_at_the_latest_cutoff_with_enough_data_after_it(plan):
    end = plan.grid[-1] + plan.horizon
    assert latest_start(plan, end, plan.horizon.days) == plan.grid[-1]
    assert latest_start(plan, end, plan.horizon.days + 1) == plan.grid[-2]
    assert latest_start(plan, end, 9999) is None


def test_first_uses_of_features_are_credited_where_they_are_wanted(opened, plan, known):
    days = plan.horizon.days
    assert period(opened[0], known, days).feature_adoptions is None
    measured, tables = period(opened[0], known, days, with_features=True), opened[0].tables
    label = feature_adoptions(tables, known.cutoff, known.cutoff + plan.horizon, opened[0].settings)
    expected = label.credited["influenced_adopters"].reindex(known.rows.index)
    assert measured.influenced_adopters.tolist() == expected.tolist()
    assert len(measured.feature_adoptions.placebos) == 2
    assert measured.feature_adoptions.first_uses == label.first_uses > 0
