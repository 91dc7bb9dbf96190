"""Calibration on closed cutoffs that the heads were not trained on: probabilities and ranges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from ripple.models.value_range import Ranges, RangeScores, ValueRange
from ripple.settings import Settings
from ripple.training.estimators.held_out import HeldOutPredictions
from ripple.training.estimators.platt import platt
from ripple.training.estimators.range_heads import calibrate_range

CALIBRATION_CUTOFFS = 3
"""The number of latest closed cutoffs on which probabilities are calibrated, at most."""


@dataclass(frozen=True)
class Calibration:
    """The functions that turn the output of the heads into probabilities and ranges.

    Attributes:
        slope, intercept: of the calibrated log-odds of the top as a linear function of the uncalibrated ones.
        value_range: the calibration of the range of a value.
    """

    slope: float
    intercept: float
    value_range: ValueRange

    def probability(self, log_odds: np.ndarray) -> np.ndarray:
        """The probability of being at the top from uncalibrated *log_odds*."""
        return expit(self.slope * log_odds + self.intercept)

    def ranges(self, held_out: HeldOutPredictions) -> Ranges:
        """The ranges of the values of customers, from what the heads predicted of them."""
        return self.value_range.ranges(held_out.predicted, held_out.range_scores)


def calibrate(held_out: Sequence[HeldOutPredictions], settings: Settings) -> Calibration:
    """Calibrate on the predictions made at closed cutoffs, oldest first.

    The probability of the top is by Platt (1999), on the latest `CALIBRATION_CUTOFFS` cutoffs. Ranges are
    calibrated on all cutoffs, among which the level differs, as it may from the next (`range_heads`).
    Predictions themselves are left as they are: by how much they were off at one cutoff says next to nothing
    of the next (docs/method.md).
    """
    latest = held_out[-CALIBRATION_CUTOFFS:]
    slope, intercept = platt(
        np.concatenate([one.log_odds for one in latest]), np.concatenate([one.at_top for one in latest])
    )
    value_range = calibrate_range(
        np.concatenate([one.predicted for one in held_out]),
        RangeScores(
            *(np.concatenate(part) for part in zip(*(one.range_scores for one in held_out), strict=True))
        ),
        np.concatenate([one.realised for one in held_out]),
        settings.model.interval,
    )
    return Calibration(slope, intercept, value_range)
