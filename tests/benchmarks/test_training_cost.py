"""The benchmark of training fits what it wrote to disk, and measures every figure."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from benchmarks import training_cost
from benchmarks.harness import Run
from ripple.training.examples import feature_sequence


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_cost, "CUTOFFS", training_cost.CUTOFFS[:4])
    monkeypatch.setattr(training_cost, "TRAINING_CUTOFFS", 3)
    # set by the benchmark, which has a process of its own
    monkeypatch.setattr(feature_sequence, "MAX_CELLS_IN_MEMORY", feature_sequence.MAX_CELLS_IN_MEMORY)


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    cutoff = training_cost.CUTOFFS[0]
    training_cost.write(cutoff, 2000, tmp_path)
    examples = training_cost.read(cutoff, tmp_path)
    features = examples.features
    assert features.shape == (2000, training_cost.FEATURES)
    assert (examples.labels["network_value"] > 0).mean() == pytest.approx(0.1, abs=0.03)
    stored = pd.read_parquet(next((tmp_path / f"{cutoff:%Y-%m-%d}").iterdir()))
    assert stored.shape == features.shape


def test_every_figure_is_measured(in_process: Run) -> None:
    (row,) = training_cost.measure(in_process, [(3000, 5)])
    assert (row["rows"], row["trees"]) == (3000, 5)
    assert all(row[name] > 0 for name in ("wall_s", "cpu_s", "peak_gb"))
    assert row["bytes_a_cell"] >= 0
