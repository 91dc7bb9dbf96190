"""The label of features is held against its truth."""

from __future__ import annotations

import math

import pytest

from benchmarks.truth.figures import Figures
from benchmarks.truth.first_uses import evaluate_first_uses
from benchmarks.truth.goals import goals
from benchmarks.truth.page import page
from ripple import simulation
from ripple.settings import Settings


def test_the_label_of_features_is_held_against_its_truth(figures: Figures) -> None:
    row = figures.first_uses.loc["label"]
    assert row["total_ratio"] == pytest.approx(row["share"] / row["true_share"])
    assert row["true_share"] > 0.2
    assert row["alone_share"] < row["share"]
    for column in ("capture", "degree", "adopters_capture", "alone_share", "share"):
        assert 0 <= row[column] <= 1
    reached = {goal.what: goal for goal in goals("default", figures)}
    assert reached["first uses of features, capture"].figure == row["capture"]
    assert "## First uses of features" in page({"default": [figures]}, 250, [7])


def test_without_influence_there_is_no_truth_to_capture() -> None:
    history = simulation.simulate_with_truth("none", 150, 14, 7)
    row = evaluate_first_uses(history, Settings()).loc["label"]
    assert row["true_share"] == 0
    assert math.isnan(row["total_ratio"])
