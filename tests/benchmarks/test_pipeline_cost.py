"""The benchmark of the pipeline's steps measures each from an empty cache."""

from __future__ import annotations

import pytest

from benchmarks import pipeline_cost


def test_every_figure_is_measured() -> None:
    row = pipeline_cost.measure(200)
    assert row["customers"] == 200
    assert all(value > 0 for value in row.values())


def test_no_round_uses_what_another_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    histories: set[int] = set()
    kept = []

    def cpu_seconds(work: object) -> float:
        return 1.0

    def features_at(dataset: object, cutoff: object) -> object:
        kept.append(dataset)
        histories.add(id(dataset))
        return original(dataset, cutoff)

    original = pipeline_cost.features_at
    monkeypatch.setattr(pipeline_cost, "features_at", features_at)
    monkeypatch.setattr(pipeline_cost, "labels_at", lambda dataset, cutoff: original(dataset, cutoff))
    pipeline_cost.measure(100)
    assert len(kept) == len(histories) == 3
