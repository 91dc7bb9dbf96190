"""The benchmark of the label measures every figure, of data in which there is influence."""

from __future__ import annotations

import math

import pytest

from benchmarks import attribution_cost
from benchmarks.harness import Run


def test_every_figure_is_measured_and_growth_is_by_the_smallest_size(in_process: Run) -> None:
    rows = attribution_cost.measure(in_process, [600, 300])
    assert [row["customers"] for row in rows] == [300, 600]
    for row in rows:
        assert all(value > 0 for value in row.values())
        events = row["orders"] + row["interactions"]
        assert row["cpu_us_per_event"] == pytest.approx(1e6 * row["cpu_s"] / events)
        assert 0.01 < row["influence_share"] < 1
    by_log = [row["cpu_us_per_event"] / math.log2(row["orders"] + row["interactions"]) for row in rows]
    assert [row["x_n_log_n"] for row in rows] == pytest.approx([1.0, by_log[1] / by_log[0]])
