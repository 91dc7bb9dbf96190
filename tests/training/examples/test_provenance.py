from collections import Counter
from dataclasses import replace
from datetime import datetime

import ibis
import numpy as np
import pandas as pd
import pytest

from ripple import digests
from ripple.features.dataset import Dataset
from ripple.features.extension import Extension
from ripple.features.tables.tables import Tables
from ripple.features.validation.findings import Finding, Report
from ripple.settings import Settings
from ripple.training.examples import provenance
from ripple.training.examples.provenance import PIPELINE, data_digests, provenance_of, run_code_digest
from ripple.training.measured_effects import MeasuredEffect, write

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


def checks(set_aside=0):
    findings = [Finding("orders.revenue: a number", "", set_aside, [], set_aside=True)] if set_aside else []
    return Report({"orders": 4}, datetime(2025, 1, 1), datetime(2025, 1, 3), findings, [], Counter())


DATASET = Dataset("shop", "nowhere", Settings(), Tables({"orders": ibis.memtable(ORDERS)}), {})


@pytest.mark.parametrize(
    "same",
    [
        replace(DATASET, name="another", place="elsewhere"),
        replace(DATASET, tables=Tables({"orders": ibis.memtable(ORDERS.iloc[::-1])})),
        replace(DATASET, settings=Settings(home="elsewhere", experiment="b", registered_model="c")),
    ],
)
def test_names_places_and_the_order_of_rows_are_not_part_of_the_identity(same):
    assert provenance_of(same, checks()) == provenance_of(DATASET, checks())


def test_whatever_a_training_follows_from_is_part_of_the_identity(monkeypatch):
    others = [
        provenance_of(DATASET, checks(), trials=2),
        provenance_of(DATASET, checks(set_aside=1)),
        provenance_of(replace(DATASET, settings=Settings(seed=8)), checks()),
        provenance_of(DATASET.limited_to(datetime(2025, 1, 2)), checks()),
        provenance_of(replace(DATASET, extension=Extension(digest="features.py")), checks()),
        provenance_of(replace(DATASET, extension=Extension(digest="features.py, changed")), checks()),
        provenance_of(replace(DATASET, tables=Tables({"orders": ibis.memtable(ORDERS.iloc[1:])})), checks()),
        provenance_of(replace(DATASET, plays_log=ibis.memtable(ORDERS)), checks()),
    ]
    mine = provenance_of(DATASET, checks())
    monkeypatch.setattr(provenance, "code_digest", lambda module: f"another {module}")
    others.append(provenance_of(DATASET, checks()))
    identities = {one.identity for one in (mine, *others)}
    assert len(identities) == len(others) + 1


def test_the_identity_follows_from_the_code_that_reports_and_records_as_well(monkeypatch):
    imported, real = set(), digests._imports
    monkeypatch.setattr(digests, "_imports", lambda module, code: imported.add(module) or real(module, code))
    digests.code_digest.cache_clear()
    digests.code_digest(PIPELINE)
    assert {
        f"ripple.training.{name}" for name in ("registry.gate", "report.page", "evaluation.tuning")
    } < imported


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
        "training.estimators.range_heads",
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


def test_what_experiments_measured_is_part_of_the_identity_once_it_is_known(tmp_path):
    def identity(until):
        settings = Settings(home=tmp_path, until=until)
        return provenance_of(replace(DATASET, settings=settings), checks()).identity

    before = [identity(datetime(2025, month, 1)) for month in (6, 8)]
    write(tmp_path, "july", [MeasuredEffect("rescue", "july", 0.1, 0.0, 0.2, datetime(2025, 7, 1), 40)])
    after = [identity(datetime(2025, month, 1)) for month in (6, 8)]
    assert after[0] == before[0]
    assert after[1] != before[1]
