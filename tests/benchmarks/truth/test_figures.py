"""Figures of one world agree with each other."""

from __future__ import annotations

import math
from dataclasses import replace

import pandas as pd
import pytest

from benchmarks.truth.figures import Figures, bias, mean


def test_a_decile_with_little_truth_has_a_ratio_and_no_factor() -> None:
    deciles = pd.DataFrame(
        {"targets": 1.0, "label": [9.0, 20.0, 200.0, 0.0], "truth": [0.0, 0.9, 100.0, 50.0]}
    )
    deciles = deciles.assign(influence=[0.0, 1.0, 30.0, 0.0], true_influence=[0.0, 0.5, 10.0, 0.0])
    biases = bias(deciles)
    assert biases["influence_ratio"].fillna(-1.0).tolist() == [-1.0, 2.0, 3.0, -1.0]
    assert biases["factor"].isna().tolist() == [True, True, False, False]
    assert biases["factor"].tolist()[2:] == [2.0, math.inf]


def test_means_over_seeds_leave_out_what_a_seed_lacks(figures: Figures) -> None:
    lacking = replace(figures, totals=figures.totals.assign(ratio=math.nan, label=2.0))
    means = mean([replace(figures, totals=figures.totals.assign(label=1.0)), lacking])
    assert means.totals["label"].tolist() == [1.5] * len(figures.totals)
    pd.testing.assert_series_equal(means.totals["ratio"], figures.totals["ratio"])
    pd.testing.assert_frame_equal(means.rankings, figures.rankings)


def test_totals_and_deciles_are_of_the_same_label_and_truth(figures: Figures) -> None:
    totals, deciles = figures.totals, figures.deciles
    assert totals.at["influence, one step", "label"] <= totals.at["influence, with generations", "label"]
    assert totals.at["referral", "ratio"] == pytest.approx(1.0, abs=0.05)
    assert deciles["targets"].is_monotonic_increasing
    assert len(deciles) == 10
    ratio = totals.at["influence, with generations", "ratio"]
    assert deciles["influence"].sum() / deciles["true_influence"].sum() == pytest.approx(ratio)
    total_ratio = figures.rankings.at["label", "total_ratio"]
    assert deciles["label"].sum() / deciles["truth"].sum() == pytest.approx(total_ratio)
