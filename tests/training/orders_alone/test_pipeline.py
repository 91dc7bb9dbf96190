import pandas as pd

from ripple.training.registry import model_versions, tracking


def test_every_customer_has_a_value_in_the_table(spend_run, orders_alone):
    table = pd.read_csv(spend_run.customers, dtype={"customer_id": str})
    customers = pd.read_parquet(orders_alone / "customers.parquet")
    assert set(table["customer_id"]) == set(customers["customer_id"])
    assert (table[["direct_value", "lifetime_value"]] >= 0).all(axis=None)
    assert table["lifetime_value"].is_monotonic_decreasing


def test_no_version_is_registered(spend_run):
    client = tracking.connect(spend_run.result.settings)
    assert model_versions.overview(client) == []


def test_the_backtest_is_at_closed_cutoffs_only(spend_result):
    plan = spend_result.data.schedule
    assert set(spend_result.value.direct.predictions["cutoff"]) == set(plan.evaluation)
    assert all(plan.training_for(cutoff)[-1] + plan.horizon <= cutoff for cutoff in plan.evaluation)
