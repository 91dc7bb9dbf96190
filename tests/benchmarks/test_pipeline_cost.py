"""The benchmark of the pipeline's steps measures each from an empty cache."""

from __future__ import annotations

from datetime import datetime
from functools import partial

import pytest

from benchmarks import pipeline_cost
from benchmarks.harness import cpu_seconds
from ripple.features.dataset import Dataset


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline_cost, "MONTHS", 9)


def test_every_figure_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline_cost, "cpu_seconds", partial(cpu_seconds, rounds=1))
    row = pipeline_cost.measure(100)
    assert row["customers"] == 100
    assert all(value > 0 for value in row.values())


def test_no_round_uses_what_another_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    datasets: list[Dataset] = []

    def remember(dataset: Dataset, cutoff: datetime) -> None:
        datasets.append(dataset)

    monkeypatch.setattr(pipeline_cost, "features_at", remember)
    monkeypatch.setattr(pipeline_cost, "labels_at", remember)
    monkeypatch.setattr(pipeline_cost, "frame", lambda table: table)
    pipeline_cost.measure(100)
    assert len(datasets) == len({id(dataset.history) for dataset in datasets}) == 6
