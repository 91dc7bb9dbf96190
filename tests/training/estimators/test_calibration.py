from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from ripple.training.estimators.calibration import calibrate
from ripple.training.estimators.conformal import conformal_interval
from tests.support.synthetic_examples import SETTINGS
from tests.support.synthetic_predictions import held_out


def test_the_true_slope_and_intercept_of_the_log_odds_are_recovered():
    calibration = calibrate([held_out(20_000, seed) for seed in range(3)], SETTINGS)
    assert calibration.slope == pytest.approx(0.5, abs=0.05)
    assert calibration.intercept == pytest.approx(-1, abs=0.1)
    log_odds = np.array([-2.0, 0.0, 2.0])
    expected = expit(calibration.slope * log_odds + calibration.intercept)
    assert calibration.probability(log_odds).tolist() == expected.tolist()


def test_too_few_members_or_a_wrong_relation_leave_the_log_odds_as_they_are():
    one = held_out(500, 1)
    for unusable in (
        replace(one, at_top=np.arange(500) < 9),
        replace(one, at_top=np.arange(500) >= 9),
        replace(one, log_odds=-one.log_odds),
        replace(one, log_odds=np.zeros(500)),
    ):
        calibration = calibrate([unusable], SETTINGS)
        assert (calibration.slope, calibration.intercept) == (1, 0)


def test_ten_members_are_enough():
    """They are every other one of the 20 with the highest log-odds."""
    one = held_out(500, 1)
    at_top = np.isin(np.arange(500), np.argsort(-one.log_odds)[:20:2])
    calibration = calibrate([replace(one, at_top=at_top)], SETTINGS)
    assert calibration.slope > 0
    assert calibration.slope != 1


def test_the_interval_is_conformal_on_all_cutoffs_together():
    first, second = held_out(500, 1), held_out(500, 2)
    together = conformal_interval(
        np.concatenate((first.predicted, second.predicted)),
        np.concatenate((first.realised, second.realised)),
        SETTINGS.model.interval,
    )
    assert calibrate([first, second], SETTINGS).interval == together


def test_a_cutoff_without_credit_leaves_intervals_defined():
    older, latest = held_out(500, 1), held_out(500, 2)
    calibration = calibrate([older, replace(latest, realised=np.zeros(500))], SETTINGS)
    assert np.isfinite(calibration.interval.low + calibration.interval.high).all()
