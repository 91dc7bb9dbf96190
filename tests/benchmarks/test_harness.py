"""What is measured is of one call, and what is written can be read by people and programs."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from benchmarks import harness


def test_cpu_seconds_are_the_median_of_the_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 9.0, 10.0, 11.0, 20.0, 23.0])
    monkeypatch.setattr(harness.time, "process_time", lambda: next(clock))
    calls: list[int] = []
    assert harness.cpu_seconds(lambda: calls.append(1)) == 3.0
    assert len(calls) == 3


def test_a_cost_comes_with_what_was_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    wall, cpu = iter([1.0, 5.0]), iter([2.0, 3.0])
    monkeypatch.setattr(harness.time, "perf_counter", lambda: next(wall))
    monkeypatch.setattr(harness.time, "process_time", lambda: next(cpu))
    monkeypatch.setattr(harness, "peak_memory_gb", lambda: 0.5)
    assert harness.cost(divmod, 7, 2) == ((3, 1), {"wall_s": 4.0, "cpu_s": 1.0, "peak_gb": 0.5})


def test_memory_is_what_the_process_holds_and_its_peak_is_kept() -> None:
    before = harness.memory_gb()
    block = np.ones(25_000_000)
    grown = harness.memory_gb()
    assert 0.19 < grown - before < 0.25
    del block
    assert harness.peak_memory_gb() > grown - 0.01


def test_every_call_has_a_process_of_its_own() -> None:
    with harness.fresh_processes() as run:
        first, second = run(os.getpid), run(os.getpid)
    assert len({first, second, os.getpid()}) == 3


def test_results_are_a_table_and_json_with_null_for_what_a_row_lacks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(harness, "RESULTS", tmp_path / "results")
    harness.write_results("x", [{"name": "a", "rows": 12_000}, {"name": "bcd", "rows": 1, "cpu_s": 1.25}])
    assert capsys.readouterr().out.splitlines() == [
        "name    rows  cpu_s",
        "a     12,000      –",
        "bcd        1  1.250",
    ]
    assert json.loads((tmp_path / "results" / "x.json").read_text(encoding="utf-8")) == [
        {"name": "a", "rows": 12_000, "cpu_s": None},
        {"name": "bcd", "rows": 1, "cpu_s": 1.25},
    ]
