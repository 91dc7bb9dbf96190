"""The benchmark of publishing measures every step."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.endpoint import publishing_cost
from benchmarks.harness import Run
from ripple.settings import Model

# raised inside MLflow
pytestmark = [
    pytest.mark.filterwarnings("ignore:Operation with range is deprecated"),
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType"),
]


def test_every_step_is_measured(in_process: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(publishing_cost, "SECONDS", 0.5)
    rows = list(publishing_cost.measure(in_process, tmp_path, customers=2000, model=Model(trees=20)))
    assert [(row["step"], row["store"]) for row in rows] == [
        ("publish", "folder"),
        ("score", None),
        ("worker", "folder"),
        ("publish", "Redis"),
        ("worker", "Redis"),
    ]
    for row in rows:
        assert all(value > 0 for name, value in row.items() if name.endswith(("_s", "_gb"))), row
