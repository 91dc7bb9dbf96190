"""Metrics of rankings, values, intervals and probabilities against realised values.

Metrics that scikit-learn has come from there. Arrays have one entry per customer of one cutoff.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from scipy.stats import spearmanr
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss

from ripple.training.examples.membership import top_mask, top_members


def capture(score: np.ndarray, value: np.ndarray, share: float) -> float:
    """Value held by the top *share* by *score* ÷ value held by the true top *share*; nan without value."""
    best = value[top_mask(value, share)].sum()
    return float(value[top_mask(score, share)].sum() / best) if best > 0 else math.nan


def precision(score: np.ndarray, value: np.ndarray, share: float) -> float:
    """Share of the top *share* by *score* that truly belongs there."""
    return float(top_members(value, share)[top_mask(score, share)].mean())


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
    cumulative = np.cumsum(value[np.argsort(-score, kind="stable")])
    if cumulative[-1] <= 0:
        return 0.0
    return float((cumulative / cumulative[-1]).mean() - (len(value) + 1) / (2 * len(value)))


def ranking(score: np.ndarray, value: np.ndarray, share: float) -> dict[str, float]:
    """The metrics of a ranking against realised *value*."""
    truth = top_members(value, share)
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
    """Share of realised values inside [low, high]; nan where there are none, or their bounds are unknown."""
    if not len(value) or np.isnan(low).all():
        return math.nan
    return float(((value >= low) & (value <= high)).mean())


def interval_score(value: np.ndarray, low: np.ndarray, high: np.ndarray, nominal: float) -> float:
    """Mean interval score of [low, high] at *nominal* coverage, in the unit of *value*; less is better.

    The width, and 2 ÷ (1 − nominal) times the distance of a value outside (Winkler 1972; Gneiting & Raftery
    2007).
    """
    outside = np.maximum(low - value, 0) + np.maximum(value - high, 0)
    return float((high - low + 2 / (1 - nominal) * outside).mean())


def ratio(part: float, whole: float) -> float:
    """*part* ÷ *whole*; nan without a whole."""
    return float(part / whole) if whole > 0 else math.nan


def deciles(predicted: np.ndarray, value: np.ndarray) -> pd.DataFrame:
    """Mean predicted and mean realised value by decile of prediction, the lowest first."""
    frame = pd.DataFrame({"decile": _decile(predicted), "predicted": predicted, "realised": value})
    return frame.groupby("decile", as_index=False).mean()


def _decile(predicted: np.ndarray) -> np.ndarray:
    """The decile of each customer, from 1 for the lowest; equals by position."""
    return np.argsort(np.argsort(predicted, kind="stable")) * 10 // len(predicted) + 1


def coverage_by_decile(
    predicted: np.ndarray, value: np.ndarray, low: np.ndarray, high: np.ndarray
) -> np.ndarray:
    """Share of realised values inside their interval in each decile of prediction, the lowest first."""
    inside = (value >= low) & (value <= high)
    return pd.Series(inside).groupby(_decile(predicted)).mean().to_numpy()


def calibration_slope(probability: np.ndarray, truth: np.ndarray) -> float:
    """Slope of a logistic regression of *truth* on the log-odds of *probability* (Cox 1958).

    1 is calibrated; below 1 the probabilities are too extreme. It is nan where one side is constant, or where
    the probabilities separate members perfectly.
    """
    clipped = np.clip(probability, 1e-9, 1 - 1e-9)
    log_odds = np.log(clipped / (1 - clipped))
    if np.ptp(log_odds) == 0 or truth.all() or not truth.any():
        return math.nan
    if log_odds[truth].min() > log_odds[~truth].max():
        return math.nan
    return float(LogisticRegression(C=np.inf).fit(log_odds[:, None], truth).coef_[0, 0])
