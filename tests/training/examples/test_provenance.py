import ibis
import numpy as np
import pandas as pd
import pytest

from ripple import digests
from ripple.features.dataset import Dataset
from ripple.features.tables.tables import Tables
from ripple.settings import Settings
from ripple.training.examples.provenance import data_digests, run_code_digest

ORDERS = pd.DataFrame(
    {
        "customer_id": ["a", "b", "a", None],
        "revenue": [1.0, 2.0, np.nan, 2.0],
        "ordered_at": pd.to_datetime(["2025-01-01", "2025-01-02", "2025-01-02", "2025-01-01"]),
    }
)


def digest(orders):
    tables = Tables({"orders": ibis.memtable(orders)})
    return data_digests(Dataset("shop", "nowhere", Settings(), tables, {}))["orders"]


@pytest.mark.parametrize(
    "same",
    [
        lambda orders: orders.sample(frac=1, random_state=1),
        lambda orders: orders[["revenue", "ordered_at", "customer_id"]],
    ],
)
def test_neither_the_order_of_rows_nor_that_of_columns_matters(same):
    assert digest(same(ORDERS)) == digest(ORDERS)


@pytest.mark.parametrize(
    "other",
    [
        lambda orders: orders.iloc[1:],
        lambda orders: pd.concat([orders, orders.iloc[:1]]),
        lambda orders: orders.assign(revenue=[1.0, 2.0, np.nan, 2.1]),
        lambda orders: orders.assign(revenue=[2.0, 1.0, np.nan, 2.0]),
        lambda orders: orders.rename(columns={"revenue": "margin"}),
        lambda orders: orders.iloc[:0],
    ],
)
def test_whatever_else_differs_shows(other):
    assert digest(other(ORDERS)) != digest(ORDERS)


def test_the_code_has_a_digest_that_stays():
    assert run_code_digest() == run_code_digest()
    assert len(run_code_digest()) == 24


@pytest.fixture
def modules(monkeypatch):
    """The modules that the digest of a run's code is made from."""
    imported, real = set(), digests._imports

    def imports(module, source):
        imported.add(module)
        return real(module, source)

    monkeypatch.setattr(digests, "_imports", imports)
    digests.code_digest.cache_clear()
    run_code_digest()
    return imported


@pytest.mark.parametrize(
    "module",
    [
        "features.matrix",
        "features.tables.tables",
        "features.definitions.network",
        "training.attribution.label",
        "training.attribution.influence",
        "training.estimators.distillation",
        "training.estimators.conformal",
        "training.evaluation.backtest",
        "training.evaluation.bootstrap",
        "models.bundle",
    ],
)
def test_a_run_follows_from_features_attribution_estimators_backtest_and_bundle(modules, module):
    assert f"ripple.{module}" in modules


def test_a_run_does_not_follow_from_how_it_is_reported_recorded_or_served(modules):
    others = (
        "training.report",
        "training.insights",
        "training.registry",
        "training.pipeline",
        "serving",
        "cli",
    )
    assert not [name for name in modules if name.startswith(tuple(f"ripple.{other}" for other in others))]
