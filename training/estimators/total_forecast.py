"""The total network value of all customers over the next horizon, with an interval.

The total is the sum of the heads' predictions. By how much such sums were off at closed cutoffs says how far
off the next one may be, but hardly on which side (docs/method.md): it sets the width of the interval, and
does not move the total.

log(realised ÷ predicted) is taken to be normal around 0. Its variance is unknown and has a scaled inverse χ²
prior, so that the interval is one of Student's t (Gelman et al. 2013, section 2.6): wider where few windows
have closed, and by what is usual where none has.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import t as student_t

PRIOR_SCALE, PRIOR_WINDOWS = 0.2, 4.0
"""The usual error of a total, as a logarithm, and the number of windows that weigh as much as it: from
simulated worlds (docs/method.md)."""


class ClosedTotal(NamedTuple):
    """The total of a cutoff whose window has closed, in currency."""

    cutoff: datetime
    predicted: float
    realised: float

    @property
    def error(self) -> float:
        """log(realised ÷ predicted); there must be some value."""
        return math.log(self.realised / self.predicted)


@dataclass(frozen=True)
class TotalForecast:
    """The total of all customers, in currency.

    Attributes:
        predicted: the sum of the heads' predictions.
        low, high: the bounds of its interval.
        closed: the earlier cutoffs from whose errors the bounds follow, oldest first.
    """

    predicted: float
    low: float
    high: float
    closed: tuple[ClosedTotal, ...]

    def metrics(self) -> dict[str, float]:
        """The total and its bounds by the names of MLflow metrics."""
        return {"total": self.predicted, "total_low": self.low, "total_high": self.high}

    def record(self) -> dict[str, Any]:
        """The forecast as plain data, with predicted and realised totals of the earlier cutoffs."""
        closed = [one._asdict() | {"cutoff": one.cutoff.isoformat()} for one in self.closed]
        return {"predicted": self.predicted, "low": self.low, "high": self.high, "closed": closed}


def forecast_total(
    predicted: float,
    closed: Sequence[ClosedTotal],
    horizon: timedelta,
    coverage: float,
    half_life_horizons: float,
) -> TotalForecast:
    """The interval that contains the total with probability *coverage*.

    Args:
        predicted: the sum of the heads' predictions, in currency.
        closed: totals predicted in the same way at closed cutoffs, oldest first; those of windows in which
            nobody was credited with anything are left out.
        horizon: the length of a window. Cutoffs less than this apart have windows that overlap, and count as
            no more than the windows that fit side by side into the time they span.
        half_life_horizons: of the weight of a cutoff, in horizons before the latest one: early heads had
            learnt from few windows.
    """
    closed = tuple(one for one in closed if one.realised > 0)
    squares, degrees = PRIOR_WINDOWS * PRIOR_SCALE**2, PRIOR_WINDOWS
    if closed:
        age = np.array([(closed[-1].cutoff - one.cutoff) / horizon for one in closed])
        weight = 0.5 ** (age / half_life_horizons) * min(1.0, (1 + age[0]) / len(closed))
        squares += float(weight @ np.square([one.error for one in closed]))
        degrees += float(weight.sum())
    quantile = student_t.ppf((1 + coverage) / 2, degrees)
    factor = math.exp(math.sqrt(squares / degrees) * quantile)
    return TotalForecast(predicted, predicted / factor, predicted * factor, closed)
