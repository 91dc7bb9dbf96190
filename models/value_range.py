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

    @property
    def width(self) -> np.ndarray:
        """The difference of the two logarithms, at least `MIN_WIDTH`."""
        return np.maximum(self.high - self.low, MIN_WIDTH)


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
        per_probability = 1 + np.exp(-self.intercept - self.slope * scores.log_odds)
        tail = (1 - self.coverage) / 2
        levels = np.empty((4, len(predicted)))
        # a level of all customers is another one of those who have any value, and none if the value is zero
        levels[0] = 1 - (1 - tail) * per_probability
        levels[1] = 1 - np.where(levels[0] > 0, tail, 2 * tail) * per_probability
        levels[2:] = [[tail], [1 - tail]]
        amounts = self._quantiles_at(np.maximum(levels, 0.0), predicted, scores)
        amounts[levels <= 0] = 0.0
        return Ranges(amounts[0], amounts[1], 1 / per_probability, amounts[2], amounts[3])

    def _quantiles_at(self, levels: np.ndarray, predicted: np.ndarray, scores: RangeScores) -> np.ndarray:
        """The quantiles in currency, at *levels* (levels × customers), of values that are not zero."""
        starts, steps = self._tables
        position = levels * (starts.shape[1] - 1)
        below = position.astype(np.intp)
        index = below + starts.shape[1] * self._edges.searchsorted(predicted, side="right")
        place = starts.take(index) + (position - below) * steps.take(index)
        return np.exp(scores.low + place * scores.width)

    @cached_property
    def _edges(self) -> np.ndarray:
        return np.asarray(self.edges, dtype=float)

    @cached_property
    def _tables(self) -> tuple[np.ndarray, np.ndarray]:
        """`quantiles`, and by how much the next is larger; none follows the last."""
        quantiles = np.asarray(self.quantiles)
        return quantiles, np.diff(quantiles, axis=1, append=quantiles[:, -1:])


def standardised(log_value: np.ndarray, scores: RangeScores) -> np.ndarray:
    """Logarithms of values on the scale of `ValueRange.quantiles`."""
    return (log_value - scores.low) / scores.width
