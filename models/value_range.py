"""What one customer's network value may come to: the chance of any, and a range.

A hurdle model (Cragg 1971): one head predicts whether there is any value, two predict a low and a high
quantile of its logarithm where there is some. Held-out predictions at closed cutoffs correct all three, the
quantiles by band of prediction (conformalised quantile regression, Romano, Patterson & Candès 2019; full
distribution: Chernozhukov, Wüthrich & Zhu 2021).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

MIN_WIDTH = 0.2
"""The least difference of the two predicted quantiles, in units of the logarithm."""


class RangeScores(NamedTuple):
    """The raw output of the three heads, one entry per customer.

    Attributes:
        log_odds: Uncalibrated log-odds that there is any value.
        low, high: Logarithm of a low and a high quantile of the value in currency, where there is any.
    """

    log_odds: np.ndarray
    low: np.ndarray
    high: np.ndarray


class Ranges(NamedTuple):
    """The calibrated ranges, one entry per customer, in currency but for the probability.

    Attributes:
        low, high: Bounds of the value. Both are zero where it is zero with at least the nominal coverage.
        any_probability: Probability that there is any value.
        any_low, any_high: Bounds of the value where there is any.
    """

    low: np.ndarray
    high: np.ndarray
    any_probability: np.ndarray
    any_low: np.ndarray
    any_high: np.ndarray


@dataclass(frozen=True)
class ValueRange:
    """The calibration of the three heads.

    Attributes:
        coverage: Nominal share of realised values inside the bounds.
        slope, intercept: Platt scaling of the log-odds that there is any value (Platt 1999).
        edges: Predicted values in currency at which bands begin, but for the first.
        quantiles: Quantiles of the logarithm of held-out values that were not zero, 0 at the predicted low
            quantile and 1 at the high one, at evenly spaced levels from 0 to 1; a row per band.
    """

    coverage: float
    slope: float
    intercept: float
    edges: tuple[float, ...]
    quantiles: tuple[tuple[float, ...], ...]

    def ranges(self, predicted: np.ndarray, scores: RangeScores) -> Ranges:
        """The ranges of customers of whom so much is *predicted*, in currency.

        Both tails hold the same share, unless the lower bound is zero: then no value is below it, and the
        upper tail holds both shares.
        """
        probability = 1 / (1 + np.exp(-(self.slope * scores.log_odds + self.intercept)))
        band = self._edges.searchsorted(predicted, side="right")
        tail = (1 - self.coverage) / 2

        def quantile(level: np.ndarray) -> np.ndarray:
            """The quantile of the value in currency at a *level* of customers who have none, or any."""
            if_any = 1 - (1 - level) / probability
            return np.where(if_any <= 0, 0.0, self._quantile(np.maximum(if_any, 0), band, scores))

        low = quantile(np.full(len(predicted), tail))
        upper_level = np.where(low == 0, self.coverage, 1 - tail)
        return Ranges(
            low,
            quantile(upper_level),
            probability,
            self._quantile(np.full(len(predicted), tail), band, scores),
            self._quantile(np.full(len(predicted), 1 - tail), band, scores),
        )

    def _quantile(self, level: np.ndarray, band: np.ndarray, scores: RangeScores) -> np.ndarray:
        """The quantile in currency at each *level* between 0 and 1 of the values that are not zero."""
        position = level * (self._quantiles.shape[1] - 1)
        below = position.astype(np.intp)
        above = np.minimum(below + 1, self._quantiles.shape[1] - 1)
        start, end = self._quantiles[band, below], self._quantiles[band, above]
        standardised = start + (position - below) * (end - start)
        width = np.maximum(scores.high - scores.low, MIN_WIDTH)
        return np.exp(scores.low + standardised * width)

    @cached_property
    def _edges(self) -> np.ndarray:
        return np.asarray(self.edges, dtype=float)

    @cached_property
    def _quantiles(self) -> np.ndarray:
        return np.asarray(self.quantiles)


def standardised(log_value: np.ndarray, scores: RangeScores) -> np.ndarray:
    """Logarithms of values on the scale of `ValueRange.quantiles`."""
    return (log_value - scores.low) / np.maximum(scores.high - scores.low, MIN_WIDTH)
