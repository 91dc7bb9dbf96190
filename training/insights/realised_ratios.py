"""Realised ÷ predicted value at evaluation cutoffs, from which the bounds of totals are resampled."""

from __future__ import annotations

import numpy as np

from ripple.training.estimators.conformal import BANDS

SIMULATIONS = 400
"""The number of simulated totals behind a pair of bounds."""


class RealisedRatios:
    """Realised ÷ predicted value of past customers, by cutoff, kind and band of predicted value."""

    def __init__(
        self, cutoff: np.ndarray, predicted: np.ndarray, realised: np.ndarray, kind: np.ndarray
    ) -> None:
        """One entry per cutoff and customer; predictions are positive, and a kind is 0 or 1."""
        self._edges = np.unique(np.quantile(predicted, BANDS))
        cell, ratio = self._cell(predicted, kind), realised / predicted
        # a cell without customers at a cutoff has those of all cutoffs, or all customers of the cutoff
        self._ratios = [
            [
                next(ratio[mask] for mask in (now & (cell == i), cell == i, now) if mask.any())
                for i in range(2 * (len(self._edges) + 1))
            ]
            for now in (cutoff == one for one in np.unique(cutoff))
        ]

    def _cell(self, predicted: np.ndarray, kind: np.ndarray) -> np.ndarray:
        return kind * (len(self._edges) + 1) + np.searchsorted(self._edges, predicted, side="right")

    def total_bounds(
        self, predicted: np.ndarray, kind: np.ndarray, coverage: float, seed: int
    ) -> tuple[float, float]:
        """The bounds of the total realised value of customers with these predictions.

        In every simulation one past cutoff recurs, and the ratio of each customer is drawn from those of the
        same kind and band at that cutoff. The bounds contain the sum of the predictions.
        """
        random, cell = np.random.default_rng(seed), self._cell(predicted, kind)
        parts = [(i, predicted[cell == i]) for i in np.unique(cell)]
        totals = np.zeros(SIMULATIONS)
        for i in range(SIMULATIONS):
            ratios = self._ratios[random.integers(len(self._ratios))]
            for j, part in parts:
                totals[i] += (part * ratios[j][random.integers(0, len(ratios[j]), len(part))]).sum()
        low, high = np.quantile(totals, ((1 - coverage) / 2, (1 + coverage) / 2))
        return min(float(low), predicted.sum()), max(float(high), predicted.sum())
