import numpy as np
import pandas as pd
import pytest

from ripple.training.evaluation.backtest import RollingOriginBacktester
from ripple.training.evaluation.out_of_sample import out_of_sample_predictions
from ripple.training.insights.direct_value import direct_value, fit_direct_value


@pytest.fixture(scope="module")
def backtester(examples, plan, opened):
    return RollingOriginBacktester(dict(examples), plan, opened[0].settings)


@pytest.fixture(scope="module")
def direct(backtester, plan, opened, result):
    return direct_value(backtester, opened[0], plan.evaluation, result.population.features)


def test_rows_are_those_of_the_predictions_of_network_value(direct, backtester, plan):
    network = out_of_sample_predictions(backtester, plan.evaluation)
    keys = ["cutoff", "customer_id"]
    pd.testing.assert_frame_equal(direct.predictions[keys], network[keys])


def test_realised_and_previous_spend_are_sums_of_orders(direct, plan, opened):
    orders = opened[0].tables["orders"].to_pyarrow().to_pandas()
    for cutoff in plan.evaluation:
        rows = direct.predictions[direct.predictions["cutoff"] == cutoff].set_index("customer_id")
        inside = (orders["ordered_at"] > cutoff) & (orders["ordered_at"] <= cutoff + plan.horizon)
        after = orders[inside].groupby("customer_id")["revenue"].sum().reindex(rows.index, fill_value=0)
        assert rows["realised"].to_numpy() == pytest.approx(after.clip(lower=0).to_numpy())
        known = orders["ordered_at"] < cutoff
        if "known_at" in orders:
            known &= orders["known_at"].isna() | (orders["known_at"] < cutoff)
        earlier = known & (orders["ordered_at"] > cutoff - plan.horizon)
        before = orders[earlier].groupby("customer_id")["revenue"].sum().reindex(rows.index, fill_value=0)
        assert rows["last_period"].to_numpy() == pytest.approx(before.clip(lower=0).to_numpy())


def test_direct_value_is_ranked_well_and_its_total_is_near_the_realised_one(direct):
    model_rows = direct.metrics[direct.metrics["ranking"] == "predicted"]
    assert (model_rows["gini"] > 0.4).all()
    assert model_rows["total"].between(0.5, 2).all()
    assert (direct.expected > 0).all()
    lead, low, high = direct.lead
    assert low <= lead <= high
    pooled = direct.metrics.groupby("ranking")["capture"].mean()
    assert lead == pytest.approx(pooled["predicted"] - pooled["last_period"])


def test_only_closed_cutoffs_are_trained_on(backtester, plan, opened, result, direct):
    """What was unknown at the first evaluation cutoff does not change the predictions made there."""
    first = plan.evaluation[0]
    changed = dict(backtester.examples)
    for cutoff, one in changed.items():
        if cutoff + plan.horizon > first:
            labels = one.labels.assign(direct_value=np.arange(len(one.labels), dtype=float))
            changed[cutoff] = type(one)(cutoff, one.rows, labels, labels, one.attributes, one.credited)
    other = direct_value(
        RollingOriginBacktester(changed, plan, opened[0].settings),
        opened[0],
        [first],
        result.population.features,
    )
    at_first = direct.predictions["cutoff"] == first
    assert other.predictions["predicted"].tolist() == direct.predictions["predicted"][at_first].tolist()
    assert other.predictions["realised"].tolist() != direct.predictions["realised"][at_first].tolist()


def test_where_nobody_ever_spent_anything_nothing_is_expected(backtester, plan, opened):
    poor = [
        type(one)(one.cutoff, one.rows, one.labels.assign(direct_value=-1.0), one.realised)
        for one in backtester.examples.values()
    ]
    assert fit_direct_value(poor, opened[0].settings) is None


def test_values_scale_with_the_market(backtester, plan, opened):
    """Twice the money at every cutoff is twice the forecast, so the currency does not matter."""
    training_examples = [backtester.examples[cutoff] for cutoff in plan.grid[:2]]
    doubled = [
        type(one)(
            one.cutoff, one.rows, one.labels.assign(direct_value=2 * one.labels["direct_value"]), one.realised
        )
        for one in training_examples
    ]
    features = training_examples[-1].features
    once, twice = (
        fit_direct_value(scaled, opened[0].settings).predict_value(features)
        for scaled in (training_examples, doubled)
    )
    assert twice == pytest.approx(2 * once, rel=1e-6)
