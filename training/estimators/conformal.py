"""Mondrian split conformal prediction on realised ÷ predicted value, by band of predicted value.

Every band has quantiles of its own (Vovk, Gammerman & Shafer 2005). The nominal coverage is then lowered in
all bands until the calibration data as a whole are just covered, so the finite-sample guarantee does not
hold; the backtest measures the coverage.
"""

from __future__ import annotations

import numpy as np

from ripple.models.bundle import Interval

BANDS = (0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
"""The quantiles of the predictions at which one band ends and the next begins."""
MAX_BAND_UNDERCOVERAGE = 0.12
"""The largest amount by which the nominal coverage of the bands may be lowered, where some exceed it."""


def conformal_interval(predicted: np.ndarray, realised: np.ndarray, coverage: float) -> Interval:
    """The interval that covers at least *coverage* of the calibration data overall.

    In a band the nominal coverage may be lower, by at most `MAX_BAND_UNDERCOVERAGE`.

    Where most values are zero, an interval that contains the prediction covers more than its nominal share.
    Other bands are narrower for it, so that the overall coverage is met rather than exceeded.
    """
    # edges are predictions themselves, so that no band is empty
    edges = np.unique(np.quantile(predicted, BANDS, method="higher"))
    edges = edges[edges > predicted.min()]
    band = np.searchsorted(edges, predicted, side="right")
    ratios = [np.sort((realised / predicted)[band == i]) for i in range(len(edges) + 1)]
    for nominal in np.linspace(coverage - MAX_BAND_UNDERCOVERAGE, coverage, 21):
        low, high = zip(*(_multipliers(ratio, nominal) for ratio in ratios), strict=True)
        interval = Interval(coverage, tuple(edges.tolist()), low, high)
        lower, upper = interval.bounds(predicted)
        if ((realised >= lower) & (realised <= upper)).mean() >= coverage:
            break
    return interval


def _multipliers(ratio: np.ndarray, coverage: float) -> tuple[float, float]:
    """The multipliers of the prediction between which *coverage* of *ratio*, ascending, lies.

    They contain 1, the prediction itself. Both tails hold the same share, unless the lower bound is zero:
    then no value is below, and the upper tail holds both shares.
    """
    size = len(ratio)
    tail = (1 - coverage) / 2 * (size + 1)
    low = float(ratio[int(tail) - 1]) if tail >= 1 else 0.0
    if low == 0:
        tail *= 2
    return min(low, 1.0), max(float(ratio[min(size - int(tail), size - 1)]), 1.0)
