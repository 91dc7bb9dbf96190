"""The benchmark of the service compares servers that answer alike, and what it measures still runs."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest

from ripple.settings import Model
from tests.support.checkout import ROOT

BENCHMARKS = ROOT / "benchmarks"
MODEL = Model(trees=20)

# raised inside MLflow
pytestmark = [
    pytest.mark.filterwarnings("ignore:Operation with range is deprecated"),
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType"),
]


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The module, at a tiny size."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    monkeypatch.setenv("BENTOML_HOME", str(tmp_path / "bentoml"))
    module = importlib.import_module("serving_cost")
    monkeypatch.setattr(module, "CONNECTIONS", (1, 4))
    return module


def test_every_target_is_measured(benchmark: ModuleType, tmp_path: Path) -> None:
    rows = benchmark.compare(tmp_path, customers=500, rounds=1, seconds=0.2, steady=0.5, model=MODEL)
    *compared, steady, overload, recovered = rows
    targets = {"floor", "id", "id, reasons", "features", "100 ids", "GET id", "naive", "mlflow"}
    assert {(row["target"], row["connections"]) for row in compared} == {
        (target, connections) for target in targets for connections in (1, 4)
    }
    for row in (*compared, steady, recovered):
        assert row["errors"] == row["shed"] == 0, row
        assert row["answers"] > 0
        assert row["per_s"] > 0
    assert overload["shed"] > 0
    assert overload["errors"] == 0
    assert all(row["x"] > 0 for row in compared)


def test_every_step_of_publishing_is_measured(
    benchmark: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    publishing = importlib.import_module("publishing_cost")
    monkeypatch.setattr(publishing, "SECONDS", 0.5)
    rows = publishing.measured(publishing.costs, tmp_path, customers=2000, model=MODEL)
    assert [(row["step"], row["store"]) for row in rows] == [
        ("publish", "folder"),
        ("score", None),
        ("worker", "folder"),
        ("publish", "Redis"),
        ("worker", "Redis"),
    ]
    for row in rows:
        assert all(value > 0 for name, value in row.items() if name.endswith(("_s", "_gb"))), row
