import pandas as pd
import pytest

from ripple.errors import InputError
from ripple.features.validation.checks import load
from ripple.settings import Settings
from ripple.training.insights.direct_value import PREDICTED, PROCESS
from ripple.training.orders_alone import pipeline
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


def shop(folder, days):
    """40 customers who each buy once, customer i on one of *days*, and one order each that ends the data."""
    ids = [f"c{i:02}" for i in range(40)]
    start = pd.Timestamp("2025-01-01")
    pd.DataFrame({"customer_id": ids, "joined_at": start}).to_parquet(folder / "customers.parquet")
    bought = [start + pd.Timedelta(days=days[i % len(days)], hours=i % 24) for i in range(40)]
    orders = {
        "customer_id": [*ids, "c00", "c00"],
        "ordered_at": [*bought, start, start + pd.Timedelta(days=99)],
    }
    pd.DataFrame(orders | {"product": "p", "revenue": 5.0}).to_parquet(folder / "orders.parquet")
    settings = {"horizon_days": 20, "cutoffs": {"step_days": 20, "history_days": 20, "evaluate": 2}}
    return load(folder, Settings.model_validate(settings | {"model": {"trees": 10}}))


def test_without_repeat_buyers_trees_alone_predict(tmp_path):
    result = pipeline.fit_and_evaluate(*shop(tmp_path, [25, 45, 65, 85]), "once")
    direct = result.value.direct
    assert set(direct.metrics["ranking"]) == {PREDICTED, "last_period"}
    assert (direct.predictions[PROCESS] == 0).all()
    assert (result.value.customers["lifetime_value"] > 0).all()


def test_spend_in_one_window_only_is_refused(tmp_path):
    with pytest.raises(InputError, match="At no evaluation cutoff did anybody buy anything both before and"):
        pipeline.fit_and_evaluate(*shop(tmp_path, [85]), "late")
