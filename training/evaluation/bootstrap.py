"""Bootstrap over customers: who is drawn is drawn at every cutoff (Efron 1979, by cluster).

The value of a customer at one cutoff is much like that at the next, so cutoffs are not drawn apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pandas as pd

from ripple.models.batch_scoring import top_count
from ripple.training.evaluation import metrics
from ripple.training.evaluation.out_of_sample import CUTOFF

ROUNDS = 400
BOUNDS = (0.025, 0.975)


class Ranked:
    """The customers of one cutoff under several rankings of them.

    Attributes:
        who: which customer each row is, as numbers from 0.
    """

    def __init__(self, rows: pd.DataFrame, who: np.ndarray, rankings: list[str], share: float) -> None:
        self.rows, self.who, self._share = rows, who, share
        self._value = rows["realised"].to_numpy()
        self._orders = [np.argsort(-rows[name].to_numpy(), kind="stable") for name in ("realised", *rankings)]

    def captures(self, drawn: np.ndarray) -> np.ndarray:
        """Capture of each ranking where customer i is there *drawn*[i] times; nan without value."""
        times = drawn[self.who]
        count = top_count(self._share, int(times.sum()))
        best, *held = (metrics.held(order, self._value, times, count) for order in self._orders)
        return np.array(held) / best if best > 0 else np.full(len(held), np.nan)


def ranked(predictions: pd.DataFrame, rankings: list[str], share: float) -> list[Ranked]:
    """A `Ranked` for each cutoff of *predictions*, oldest first."""
    who, _ = pd.factorize(predictions["customer_id"])
    rows = predictions.reset_index(drop=True)
    return [Ranked(found, who[found.index], rankings, share) for _, found in rows.groupby(CUTOFF, sort=True)]


def draws(places: list[Ranked], seed: int) -> Iterator[np.ndarray]:
    """How often each customer is drawn, `ROUNDS` times."""
    return metrics.draws(1 + max(int(place.who.max()) for place in places), seed, ROUNDS)


def everybody(places: list[Ranked]) -> np.ndarray:
    """Every customer once."""
    return np.ones(1 + max(int(place.who.max()) for place in places), dtype=np.int64)


def with_interval(
    places: list[Ranked], seed: int, statistic: Callable[[np.ndarray], float]
) -> tuple[float, float, float]:
    """*statistic* of everybody, and its 95 % bounds; it is given how often each customer is there."""
    return bounded(statistic, everybody(places), draws(places, seed))


def bounded(
    statistic: Callable[[np.ndarray], float], whole: np.ndarray, drawn: Iterable[np.ndarray]
) -> tuple[float, float, float]:
    """*statistic* of the *whole*, and its 95 % bounds over what was *drawn*; nan if never defined."""
    resampled = np.array([statistic(times) for times in drawn])
    known = resampled[np.isfinite(resampled)]
    low, high = np.quantile(known, BOUNDS) if known.size else (np.nan, np.nan)
    return statistic(whole), float(low), float(high)
