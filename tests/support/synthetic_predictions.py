"""Made-up predictions with realised values, for tests of calibration, comparison and the gate."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ripple.models.value_range import RangeScores
from ripple.training.estimators.held_out import HeldOutPredictions

CUTOFFS = (pd.Timestamp("2025-01-06"), pd.Timestamp("2025-03-07"))


def synthetic_predictions(
    noise: float, customers: int = 300, cutoffs: tuple[pd.Timestamp, ...] = CUTOFFS, seed: int = 0
) -> pd.DataFrame:
    """Predictions that miss the value by *noise* on the log scale; realised values do not depend on it."""
    rows = []
    for i, cutoff in enumerate(cutoffs):
        truth = np.random.default_rng(100 + i)
        value = np.where(truth.random(customers) < 0.6, truth.lognormal(3, 1.5, customers), 0.0)
        missed = np.random.default_rng((seed, i)).normal(0, 1, customers)
        predicted = (value + 1) * np.exp(noise * missed)
        rows.append(
            pd.DataFrame(
                {
                    "cutoff": cutoff,
                    "customer_id": [f"c{number:04d}" for number in range(customers)],
                    "predicted": predicted,
                    "low": predicted / 3,
                    "high": predicted * 3,
                    "any_probability": 0.6,
                    "any_low": predicted / 3,
                    "any_high": predicted * 3,
                    "top_probability": 0.01,
                    "realised": value,
                    "at_top": value >= np.sort(value)[-3],
                }
            )
        )
    return pd.concat(rows, ignore_index=True)


def held_out(customers: int, seed: int, noise: float = 1.0) -> HeldOutPredictions:
    """Values whose mean is predicted, scattered in the same way everywhere, some of them zero."""
    random = np.random.default_rng(seed)
    predicted = random.lognormal(3, 1.5, customers)
    positive = random.random(customers) < 0.8
    realised = predicted * random.lognormal(-(noise**2) / 2, noise, customers) * positive / 0.8
    log_odds = random.normal(-3, 2, customers)
    at_top = random.random(customers) < 1 / (1 + np.exp(-(0.5 * log_odds - 1)))
    ranges = RangeScores(random.normal(1.4, 0.3, customers), np.log(predicted) - 1, np.log(predicted) + 1)
    return HeldOutPredictions(predicted, log_odds, ranges, realised, at_top)
