"""Cluster bootstrap over customers (Efron 1979; Field & Welsh 2007).

A customer who is drawn is drawn at every cutoff: the values of the same customer in windows that follow each
other or overlap is one observation and not several. Comparisons are paired: all rankings, and all statistics
with the same seed, see the same resamples.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pandas as pd

from ripple.models.batch_scoring import top_count
from ripple.training.evaluation.prediction_table import CUTOFF

ROUNDS = 400
"""The number of resamples behind every bootstrap interval."""
BOUNDS = (0.025, 0.975)
"""The quantiles of the resamples that bound a 95 % interval."""


def draws(customers: int, seed: int) -> Iterator[np.ndarray]:
    """The number of times that each of so many *customers* is drawn, for each of `ROUNDS` resamples."""
    generator = np.random.default_rng(seed)
    for _ in range(ROUNDS):
        yield np.bincount(generator.integers(0, customers, customers), minlength=customers)


def percentile_bounds(samples: np.ndarray) -> tuple[float, float]:
    """The 95 % bounds of a statistic from its *samples*; nan where none of them is defined."""
    defined = samples[np.isfinite(samples)]
    low, high = np.quantile(defined, BOUNDS) if defined.size else (np.nan, np.nan)
    return float(low), float(high)


def estimate_with_bounds(
    statistic: Callable[[np.ndarray], float], customers: int, seed: int
) -> tuple[float, float, float]:
    """The estimate of *statistic* and its 95 % bounds.

    Args:
        statistic: a function of the number of times that each of so many *customers* is present.
    """
    low, high = percentile_bounds(np.array([statistic(counts) for counts in draws(customers, seed)]))
    return statistic(np.ones(customers, dtype=np.int64)), low, high


class RankedCutoff:
    """The customers of one cutoff, their realised value, and several rankings of them.

    Attributes:
        rows: one row per customer: `realised`, and a score for each ranking.
        codes: the code of each row's customer, from 0 and the same at every cutoff.
    """

    def __init__(self, rows: pd.DataFrame, codes: np.ndarray, rankings: Sequence[str], share: float) -> None:
        """*share* is that of the top whose value is captured."""
        self.rows, self.codes, self._share = rows, codes, share
        self._realised = rows["realised"].to_numpy()
        self._best = _descending(self._realised)
        self._orders = [_descending(rows[name].to_numpy()) if name in rows else None for name in rankings]

    def captures(self, counts: np.ndarray) -> np.ndarray:
        """Capture of each ranking where the customer with code i is present *counts*[i] times.

        It is nan for a ranking that does not exist at this cutoff, and for all where nobody has any value.
        """
        counts = counts[self.codes]
        places = top_count(self._share, int(counts.sum()))
        most = value_held(self._best, self._realised, counts, places)
        if not most > 0:
            return np.full(len(self._orders), np.nan)
        values_held = [
            np.nan if order is None else value_held(order, self._realised, counts, places)
            for order in self._orders
        ]
        return np.array(values_held) / most


def ranked_cutoffs(predictions: pd.DataFrame, rankings: Sequence[str], share: float) -> list[RankedCutoff]:
    """The cutoffs of a table of out-of-sample *predictions*, oldest first; *rankings* are columns of it."""
    codes, _ = pd.factorize(predictions["customer_id"])
    table = predictions.reset_index(drop=True)
    return [
        RankedCutoff(rows, codes[rows.index], rankings, share) for _, rows in table.groupby(CUTOFF, sort=True)
    ]


def customer_count(cutoffs: Sequence[RankedCutoff]) -> int:
    """The number of different customers at *cutoffs*."""
    return 1 + max(int(cutoff.codes.max()) for cutoff in cutoffs)


def observed_captures(cutoffs: Sequence[RankedCutoff]) -> np.ndarray:
    """Capture with every customer present once: cutoffs × rankings."""
    everybody = np.ones(customer_count(cutoffs), dtype=np.int64)
    return np.array([cutoff.captures(everybody) for cutoff in cutoffs])


def resampled_captures(cutoffs: Sequence[RankedCutoff], seed: int) -> np.ndarray:
    """Capture in every resample of the customers: rounds × cutoffs × rankings."""
    return np.array(
        [[cutoff.captures(counts) for cutoff in cutoffs] for counts in draws(customer_count(cutoffs), seed)]
    )


def customer_codes(customers: Sequence[pd.Index]) -> list[np.ndarray]:
    """The code of each customer, the same at every cutoff; by who appears first, not by name."""
    everybody = pd.Index(np.concatenate(customers)).unique()
    return [everybody.get_indexer(index) for index in customers]


def value_held(order: np.ndarray, value: np.ndarray, counts: np.ndarray, places: int) -> float:
    """The value on the first *places* if customers stand in *order*, each *counts* times in a row."""
    first, taken = places_taken(order, counts, places)
    # not as a product of vectors, whose sum hangs on the number of threads
    return float((value[first] * taken).sum())


def places_taken(order: np.ndarray, counts: np.ndarray, places: int) -> tuple[np.ndarray, np.ndarray]:
    """The customers on the first *places*, as in `value_held`, and the number of places of each, maybe 0."""
    first = order[: 3 * places + 100]  # far more than are drawn, but for rare bad luck
    counted = counts[first]
    if counted.sum() < places:
        first, counted = order, counts[order]
    return first, np.clip(places - (np.cumsum(counted) - counted), 0, counted)


def _descending(score: np.ndarray) -> np.ndarray:
    """The positions of *score* from the highest down, equals by position."""
    return np.argsort(-score, kind="stable")
