"""The benchmark of the start measures a service that does nothing and Ripple's, in turn."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.endpoint import startup_cost
from benchmarks.endpoint.server_processes import PROGRAMS
from ripple.settings import Model

# raised inside MLflow
pytestmark = [
    pytest.mark.filterwarnings("ignore:Operation with range is deprecated"),
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType"),
]


def test_both_services_are_started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # an environment of its own would take a network
    monkeypatch.setattr(startup_cost, "create_environment", lambda folder, tag: PROGRAMS)
    floor, ours = startup_cost.measure(tmp_path, customers=100, rounds=1, model=Model(trees=5))
    assert (floor["service"], ours["service"]) == ("floor", "ripple")
    assert floor["x"] == 1.0
    assert ours["x"] == pytest.approx(ours["ready_s"] / floor["ready_s"])
    for row in (floor, ours):
        assert row["longest_s"] == row["ready_s"] > 0
        assert row["cpu_s"] > 0


def test_medians_are_over_all_rounds_but_the_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    starts = iter([(9.0, 9.0), (9.0, 9.0), (1.0, 0.5), (2.0, 1.0), (1.0, 0.5), (4.0, 2.0)])
    monkeypatch.setattr(startup_cost, "write_bento", lambda *given: "ripple:1")
    monkeypatch.setattr(startup_cost, "create_environment", lambda *given: PROGRAMS)
    monkeypatch.setattr(startup_cost, "startup_seconds", lambda *given: next(starts))
    floor, ours = startup_cost.measure(tmp_path, customers=1, rounds=2, model=Model())
    assert (floor["ready_s"], floor["cpu_s"]) == (1.0, 0.5)
    assert (ours["ready_s"], ours["longest_s"], ours["x"], ours["cpu_s"]) == (3.0, 4.0, 3.0, 1.5)
