"""A goal is met or missed by its figure."""

from __future__ import annotations

import math
from dataclasses import replace

import pandas as pd
import pytest

from benchmarks.truth import goals
from benchmarks.truth.figures import Figures
from ripple.training.evaluation.cutoff_evaluation import MODEL


def test_a_goal_says_its_range_and_is_missed_by_what_is_not_a_number() -> None:
    assert [goals.Goal("w", "x", math.nan, *ends).range for ends in [(0.5,), (-math.inf, 2), (0.5, 2)]] == [
        *("≥ 0.50", "≤ 2.00", "0.50 – 2.00"),
    ]
    assert not goals.Goal("w", "x", math.nan, low=0.0).met
    assert goals.Goal("w", "x", 2.0, high=2.0).met


def test_no_credit_is_true_where_nobody_influences_anybody(figures: Figures) -> None:
    credited = figures.rankings.at["label", "influence_share"]
    goal, of_features = goals.goals("none", figures)
    assert (goal.figure, goal.high, goal.met) == (credited, goals.MAX_FALSE_CREDIT, credited <= 0.03)
    assert of_features.figure == figures.first_uses.at["label", "share"]
    assert of_features.high == goals.MAX_FALSE_CREDIT


def test_goals_are_of_the_mean_of_the_seeds_and_show_each(figures: Figures) -> None:
    totals = figures.totals.copy()
    totals.loc["referral", "ratio"] = 2.0
    runs = {"referral": [replace(figures, totals=totals), figures]}
    goal, by_seed = next(goals.goals_reached(runs))
    one = figures.totals.at["referral", "ratio"]
    assert by_seed == [2.0, one]
    assert goal.figure == pytest.approx((2.0 + one) / 2)
    assert not goal.met


def test_coverage_goals_are_of_the_mean_over_worlds(figures: Figures) -> None:
    def with_coverage(coverage: float) -> Figures:
        table = pd.DataFrame([[coverage], [math.nan]], [MODEL, "degree"], ["coverage"])
        table = table.assign(**dict.fromkeys([*goals.COVERED, "total_covered"], table["coverage"]))
        return replace(figures, forecast=table)

    without = replace(figures, forecast=pd.DataFrame())
    worlds = [with_coverage(0.7), without, with_coverage(0.86)]
    reached = goals._coverage_goals(worlds)
    assert [goal.figure for goal in reached] == pytest.approx([0.78] * (len(goals.COVERED) + 1))
    assert all(goal.met and goal.world == goals.MEAN for goal in reached)
    assert goals._coverage_goals([without]) == []
