"""How good a ranking, a value or a probability was, once the truth is in.

Metrics that scikit-learn has come from there. Arrays are one entry per customer of one cutoff.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from scipy.stats import spearmanr
from sklearn.metrics import average_precision_score, brier_score_loss

from models.population import top_count


def top(score: np.ndarray, share: float) -> np.ndarray:
    """Mask of the top *share* of customers by *score*: ⌈share·n⌉ of them, ties broken by position."""
    chosen = np.zeros(len(score), dtype=bool)
    chosen[np.argsort(-score, kind="stable")[: top_count(share, len(score))]] = True
    return chosen


def capture(score: np.ndarray, value: np.ndarray, share: float) -> float:
    """Value held by the top *share* by *score* ÷ value held by the true top *share*; nan without value."""
    best = value[top(value, share)].sum()
    return float(value[top(score, share)].sum() / best) if best > 0 else math.nan


def precision(score: np.ndarray, value: np.ndarray, share: float) -> float:
    """Share of the top *share* by *score* that truly belongs there."""
    return float(members(value, share)[top(score, share)].mean())


def members(value: np.ndarray, share: float) -> np.ndarray:
    """Who is at the top: the best ⌈share·n⌉ customers, none of whom has a value of zero."""
    return top(value, share) & (value > 0)


def rank_correlation(score: np.ndarray, value: np.ndarray) -> float:
    """Spearman's ρ; nan where one side is constant."""
    if np.ptp(score) == 0 or np.ptp(value) == 0:
        return math.nan
    return float(spearmanr(score, value).statistic)


def normalised_gini(score: np.ndarray, value: np.ndarray) -> float:
    """Gini of the value ordered by *score* ÷ Gini of the value ordered by itself (Frees et al. 2011)."""
    best = _gini(value, value)
    return _gini(score, value) / best if best > 0 else math.nan


def _gini(score: np.ndarray, value: np.ndarray) -> float:
    held = np.cumsum(value[np.argsort(-score, kind="stable")])
    if held[-1] <= 0:
        return 0.0
    return float((held / held[-1]).mean() - (len(value) + 1) / (2 * len(value)))


def ranking(score: np.ndarray, value: np.ndarray, share: float) -> dict[str, float]:
    """The metrics of a ranking against realised *value*."""
    truth = members(value, share)
    return {
        "capture": capture(score, value, share),
        "precision": precision(score, value, share),
        "pr_auc": float(average_precision_score(truth, score)) if truth.any() else math.nan,
        "gini": normalised_gini(score, value),
        "spearman": rank_correlation(score, value),
    }


def brier(probability: np.ndarray, truth: np.ndarray) -> float:
    """Mean squared error of the probability of being at the top (Brier 1950)."""
    return float(brier_score_loss(truth, probability, pos_label=True))


def coverage(value: np.ndarray, low: np.ndarray, high: np.ndarray) -> float:
    """Share of realised values inside [low, high]."""
    return float(((value >= low) & (value <= high)).mean())


def deciles(predicted: np.ndarray, value: np.ndarray) -> pd.DataFrame:
    """Mean predicted and mean realised value by decile of prediction, the lowest first."""
    decile = np.minimum(np.argsort(np.argsort(predicted, kind="stable")) * 10 // len(predicted), 9)
    frame = pd.DataFrame({"decile": decile + 1, "predicted": predicted, "realised": value})
    return frame.groupby("decile", as_index=False).mean()


def paired_bootstrap(
    score: np.ndarray, rival: np.ndarray, value: np.ndarray, share: float, seed: int, rounds: int = 200
) -> np.ndarray:
    """Capture by *score* minus capture by *rival* in resamples of customers (Efron 1979): *rounds* values."""
    generator = np.random.default_rng(seed)
    difference = np.empty(rounds)
    for i in range(rounds):
        drawn = generator.integers(0, len(value), len(value))
        difference[i] = capture(score[drawn], value[drawn], share) - capture(
            rival[drawn], value[drawn], share
        )
    return difference
