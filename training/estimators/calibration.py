"""Calibration on closed cutoffs that the heads were not trained on: probabilities and intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from ripple.models.bundle import Interval
from ripple.settings import Settings
from ripple.training.estimators.conformal import conformal_interval
from ripple.training.estimators.held_out import HeldOutPredictions

MIN_MEMBERS = 10
"""The number of members of the top, and of others, without which probabilities are not calibrated."""


@dataclass(frozen=True)
class Calibration:
    """The functions that turn the output of the heads into probabilities and intervals.

    Attributes:
        slope, intercept: of the calibrated log-odds as a linear function of the uncalibrated ones.
        interval: bounds of the realised value, as multiples of the predicted value by band of prediction.
    """

    slope: float
    intercept: float
    interval: Interval

    def probability(self, log_odds: np.ndarray) -> np.ndarray:
        """The probability of being at the top from uncalibrated *log_odds*."""
        return expit(self.slope * log_odds + self.intercept)


def calibrate(held_out: Sequence[HeldOutPredictions], settings: Settings) -> Calibration:
    """Calibrate on the predictions made at closed cutoffs.

    The probability is by Platt (1999), the interval by Mondrian split conformal prediction (`conformal`).
    Predictions themselves are left as they are: by how much they were off at one cutoff says next to nothing
    of the next (docs/method.md).
    """
    predicted = np.concatenate([one.predicted for one in held_out])
    slope, intercept = _platt(
        np.concatenate([one.log_odds for one in held_out]), np.concatenate([one.at_top for one in held_out])
    )
    realised = np.concatenate([one.realised for one in held_out])
    interval = conformal_interval(predicted, realised, settings.model.interval)
    return Calibration(slope, intercept, interval)


def _platt(log_odds: np.ndarray, at_top: np.ndarray) -> tuple[float, float]:
    """Slope and intercept of the log-odds; the identity where there is too little to fit or no relation."""
    if min(at_top.sum(), (~at_top).sum()) < MIN_MEMBERS:
        return 1.0, 0.0
    model = LogisticRegression(C=1e6).fit(log_odds[:, None], at_top)
    slope, intercept = float(model.coef_[0, 0]), float(model.intercept_[0])
    return (slope, intercept) if slope > 0 else (1.0, 0.0)
