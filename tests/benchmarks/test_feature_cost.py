"""The benchmark of the features compares like with like, and what it measures still runs."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest

from tests.support.checkout import ROOT

BENCHMARKS = ROOT / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module, at a tiny size, with three cutoffs instead of twelve."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    module = importlib.import_module("feature_cost")
    monkeypatch.setattr(module, "SMALL", 300)
    monkeypatch.setattr(module, "TWELVE", module.TWELVE[-3:])
    return module


def test_the_peer_in_pandas_gives_the_same_features(benchmark: ModuleType) -> None:
    benchmark.refuse_different_features()


def test_every_figure_is_measured(benchmark: ModuleType, tmp_path: Path) -> None:
    def run(work, *given):
        return work(*given)

    whole, year = benchmark.measured(run, 300, tmp_path)
    assert {"day_x_first", "twelve_x_one", "next_x_year"} <= set(whole)
    for row in (whole, year):
        assert all(value > 0 for name, value in row.items() if name != "span")
    assert whole["events"] > year["events"]
