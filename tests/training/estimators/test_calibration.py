from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from ripple.training.estimators.calibration import CALIBRATION_CUTOFFS, calibrate
from ripple.training.evaluation.metrics import coverage, coverage_by_decile
from tests.support.synthetic_examples import SETTINGS
from tests.support.synthetic_predictions import held_out


def test_the_true_slope_and_intercept_of_the_log_odds_are_recovered():
    calibration = calibrate([held_out(20_000, seed) for seed in range(3)], SETTINGS)
    assert calibration.slope == pytest.approx(0.5, abs=0.05)
    assert calibration.intercept == pytest.approx(-1, abs=0.1)
    log_odds = np.array([-2.0, 0.0, 2.0])
    expected = expit(calibration.slope * log_odds + calibration.intercept)
    assert calibration.probability(log_odds).tolist() == expected.tolist()


def test_probabilities_are_calibrated_on_the_latest_cutoffs_and_ranges_on_all():
    oldest, *latest = [held_out(500, seed) for seed in range(CALIBRATION_CUTOFFS + 1)]
    calibration, recent = calibrate([oldest, *latest], SETTINGS), calibrate(latest, SETTINGS)
    assert (calibration.slope, calibration.intercept) == (recent.slope, recent.intercept)
    assert calibration.value_range != recent.value_range


def test_ranges_hold_their_share_of_new_values():
    calibration = calibrate([held_out(3000, seed) for seed in range(4)], SETTINGS)
    one = held_out(20_000, 9)
    ranges = calibration.ranges(one)
    assert coverage(one.realised, ranges.low, ranges.high) == pytest.approx(0.8, abs=0.02)
    positive = one.realised > 0
    assert coverage(
        one.realised[positive], ranges.any_low[positive], ranges.any_high[positive]
    ) == pytest.approx(0.8, abs=0.02)
    assert ranges.any_probability.mean() == pytest.approx(0.8, abs=0.02)
    assert coverage_by_decile(one.predicted, one.realised, ranges.low, ranges.high) == pytest.approx(
        0.8, abs=0.05
    )


def test_a_cutoff_without_credit_leaves_ranges_defined():
    older, latest = held_out(500, 1), held_out(500, 2)
    silent = replace(latest, realised=np.zeros(500))
    ranges = calibrate([older, silent], SETTINGS).ranges(silent)
    assert np.isfinite(ranges).all()
