"""The benchmark of the report still runs, and what it measures is a whole page."""

import importlib
import pickle

import pytest

from tests.support.checkout import ROOT

BENCHMARKS = ROOT / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module("report_cost")


def test_a_run_grows_to_the_size_and_its_page_is_measured(benchmark, trained_result, tmp_path):
    grown = benchmark.grown(trained_result, 900)
    assert len(grown.features) == len(grown.scores) == 900
    assert grown.features.index.is_unique
    assert len(grown.predictions) > 2 * len(trained_result.predictions)
    assert not grown.histories.labels.empty
    given = tmp_path / "evidence.pickle"
    given.write_bytes(pickle.dumps(grown))
    found = benchmark.write(given)
    assert found["page_mb"] > 0.5
    assert found["cpu_s"] > 0
    assert found["wall_s"] > 0
