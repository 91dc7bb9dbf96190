"""The benchmark of proposals maps what it generates, and measures it."""

from __future__ import annotations

from benchmarks import init_cost
from benchmarks.harness import Run


def test_a_proposal_of_every_size_is_measured(in_process: Run) -> None:
    rows = list(init_cost.measure(in_process, [2_000, 60_000]))
    assert [row["payments"] for row in rows] == [2_000, 60_000]
    assert all(row["wall_s"] > 0 for row in rows)
