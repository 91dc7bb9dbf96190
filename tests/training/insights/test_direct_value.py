import numpy as np
import pandas as pd
import pytest

from ripple.training.evaluation.backtest import RollingOriginBacktester
from ripple.training.evaluation.out_of_sample import out_of_sample_predictions
from ripple.training.insights.direct_value import PREDICTED, PROCESS, direct_value


@pytest.fixture(scope="module")
def backtester(examples, plan, opened):
    return RollingOriginBacktester(dict(examples), plan, opened[0].settings)


@pytest.fixture(scope="module")
def direct(backtester, plan, opened, result):
    population = result.population
    return direct_value(backtester, opened[0], plan.evaluation, population.features, population.as_of)


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
        result.population.as_of,
    )
    at_first = direct.predictions["cutoff"] == first
    assert other.predictions["predicted"].tolist() == direct.predictions["predicted"][at_first].tolist()
    assert other.predictions["realised"].tolist() != direct.predictions["realised"][at_first].tolist()


def test_lifetime_is_judged_by_all_that_was_spent_to_the_end_of_the_data(direct, plan, opened, result):
    orders, end = opened[0].tables["orders"].to_pyarrow().to_pandas(), result.population.as_of
    first = plan.evaluation[0]
    rows = direct.lifetime_metrics
    assert rows["days"].unique().tolist() == [
        (end - cutoff).days for cutoff in plan.evaluation if end - cutoff > plan.horizon
    ]
    members = direct.predictions[direct.predictions["cutoff"] == first]
    after = orders[(orders["ordered_at"] > first) & (orders["ordered_at"] <= end)]
    spent = after.groupby("customer_id")["revenue"].sum().reindex(members["customer_id"]).clip(lower=0).sum()
    continued = members["last_period"].sum() * (end - first) / plan.horizon
    baseline = rows[(rows["ranking"] == "last_period") & (rows["cutoff"] == first)]["total"].item()
    assert baseline == pytest.approx(continued / spent)


def test_lifetime_is_more_than_the_next_horizon_and_in_its_order(direct, plan, opened):
    assert opened[0].settings.lifetime.horizon_days > 2 * plan.horizon.days
    assert (direct.lifetime > direct.expected).mean() > 0.9
    assert direct.lifetime.corr(direct.expected, method="spearman") > 0.8


def test_the_usual_model_alone_is_evaluated_beside_the_head(direct):
    assert {PREDICTED, PROCESS} < set(direct.metrics["ranking"])
    assert (direct.predictions[PROCESS] >= 0).all()
