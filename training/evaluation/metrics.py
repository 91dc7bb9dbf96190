"""How good a ranking, a value or a probability was, once the truth is in.

Metrics that scikit-learn has come from there. Arrays are one entry per customer of one cutoff.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.stats import spearmanr
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss

from ripple.models.batch_scoring import top_count


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


def ratio(part: float, whole: float) -> float:
    """*part* ÷ *whole*; nan without a whole."""
    return float(part / whole) if whole > 0 else math.nan


def deciles(predicted: np.ndarray, value: np.ndarray) -> pd.DataFrame:
    """Mean predicted and mean realised value by decile of prediction, the lowest first."""
    frame = pd.DataFrame({"decile": _decile(predicted), "predicted": predicted, "realised": value})
    return frame.groupby("decile", as_index=False).mean()


def _decile(predicted: np.ndarray) -> np.ndarray:
    """The tenth of the customers that each is in, from 1 for the lowest; equals by position."""
    return np.argsort(np.argsort(predicted, kind="stable")) * 10 // len(predicted) + 1


def coverage_by_decile(
    predicted: np.ndarray, value: np.ndarray, low: np.ndarray, high: np.ndarray
) -> np.ndarray:
    """Share of realised values inside their interval in each tenth of the predictions, the lowest first."""
    inside = (value >= low) & (value <= high)
    return pd.Series(inside).groupby(_decile(predicted)).mean().to_numpy()


def reliability_slope(probability: np.ndarray, truth: np.ndarray) -> float:
    """Slope of the true log-odds on those of *probability* (Cox 1958): 1 is reliable, below 1 too extreme.

    nan where one side is constant, or membership is told apart perfectly.
    """
    inside = np.clip(probability, 1e-9, 1 - 1e-9)
    log_odds = np.log(inside / (1 - inside))
    if np.ptp(log_odds) == 0 or truth.all() or not truth.any():
        return math.nan
    if log_odds[truth].min() > log_odds[~truth].max():
        return math.nan
    return float(LogisticRegression(C=np.inf).fit(log_odds[:, None], truth).coef_[0, 0])


def bootstrap_captures(
    scores: Sequence[Mapping[str, np.ndarray]],
    values: Sequence[np.ndarray],
    customers: Sequence[np.ndarray],
    share: float,
    seed: int,
    rounds: int = 200,
) -> dict[str, np.ndarray]:
    """Capture of every ranking in resamples of customers (Efron 1979), paired: all rankings see the same.

    A customer who is drawn is drawn at every cutoff, because what they are worth in windows that overlap
    is one story and not several (a cluster bootstrap, Field & Welsh 2007).

    Args:
        scores: at each cutoff, ranking → score of each customer.
        values: at each cutoff, what was realised.
        customers: at each cutoff, the number of each customer, the same at all cutoffs.

    Returns:
        Ranking → rounds × cutoffs; nan where a ranking was not there.
    """
    orders = [
        {name: np.argsort(-score, kind="stable") for name, score in {**own, "": value}.items()}
        for own, value in zip(scores, values, strict=True)
    ]
    names = list(dict.fromkeys(name for own in scores for name in own))
    found = {name: np.full((rounds, len(values)), np.nan) for name in names}
    everybody = max(int(own.max()) for own in customers) + 1
    for i, drawn in enumerate(draws(everybody, seed, rounds)):
        for j, (order, value) in enumerate(zip(orders, values, strict=True)):
            count = drawn[customers[j]]
            places = top_count(share, int(count.sum()))
            best = held(order[""], value, count, places)
            for name in scores[j]:
                if best > 0:
                    found[name][i, j] = held(order[name], value, count, places) / best
    return found


def draws(customers: int, seed: int, rounds: int) -> Iterator[np.ndarray]:
    """How often each of so many *customers* is drawn, *rounds* times."""
    generator = np.random.default_rng(seed)
    for _ in range(rounds):
        yield np.bincount(generator.integers(0, customers, customers), minlength=customers)


def held(order: np.ndarray, value: np.ndarray, times: np.ndarray, places: int) -> float:
    """What the first *places* hold if the customers stand in *order*, each so many *times* in a row."""
    first, number = taken(order, times, places)
    # not as a product of vectors, whose sum hangs on the number of threads
    return float((value[first] * number).sum())


def taken(order: np.ndarray, times: np.ndarray, places: int) -> tuple[np.ndarray, np.ndarray]:
    """Who stands on the first *places*, as in `held`, and on how many of them each (which may be none)."""
    first = order[: 3 * places + 100]  # far more than are drawn, but for rare bad luck
    number = times[first]
    if number.sum() < places:
        first, number = order, times[order]
    return first, np.clip(places - (np.cumsum(number) - number), 0, number)
