"""Drift of features and scores since training: the population stability index (PSI).

PSI = Σ (q − p)·ln(q / p) over bins that hold the share p of the training customers and q of those today
(Siddiqi 2006, who calls less than 0.1 stable and more than 0.25 a shift). Where nothing has changed it is
still above zero by chance: about χ², with one degree less than there are bins, times 1/n + 1/m (Yurdakul &
Naranjo 2020).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import chi2

from ripple.models.bundle import Bundle, Category
from ripple.training.examples.examples import Examples

STABLE, SHIFTED = 0.1, 0.25
"""The PSI below which a feature is called stable, and the one above which it has shifted."""
BINS = 10
MAX_CUSTOMERS_PER_CUTOFF = 5_000
"""The number of customers of one cutoff in the training sample, drawn at random where there are more."""
SCORES = ["network_value", "top_probability"]
HISTOGRAMS, HISTOGRAM_BINS = 6, 10
"""The number of features that have moved most, whose histograms are kept, and of the bins of each."""
MIN_SKEW = 20
"""The ratio of the largest to the median value above which bins are even on a logarithmic scale."""


def stability_index(
    then: np.ndarray, now: np.ndarray, category: Category | None = None
) -> tuple[float, float]:
    """The PSI of *now* against *then*, and its 95 % quantile under no change.

    Bins are deciles of *then*, fewer where values are equal, and one of undefined values where there are any.
    Those of a *category* are the values of its levels: levels of one value are one, as no score tells them
    apart.
    """
    known = then[~np.isnan(then)]
    if category is not None:
        edges = np.unique([category.other, *category.value_by_level.values()])
    else:
        edges = np.unique(np.quantile(known, np.arange(1, BINS) / BINS)) if known.size else np.empty(0)
    counts = np.stack([_counts(one, edges) for one in (then, now)])
    counts = counts[:, counts.any(axis=0)]
    # half a customer in every bin, so that an empty one does not make the index infinite
    p, q = (counts + 0.5) / (counts + 0.5).sum(axis=1, keepdims=True)
    if counts.shape[1] < 2:
        return 0.0, 0.0
    by_chance = chi2.ppf(0.95, counts.shape[1] - 1) * (1 / then.size + 1 / now.size)
    return float(((q - p) * np.log(q / p)).sum()), float(by_chance)


def _counts(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    known = values[~np.isnan(values)]
    bins = np.bincount(np.searchsorted(edges, known, side="left"), minlength=len(edges) + 1)
    return np.append(bins, values.size - known.size)


def training_features(examples: Sequence[Examples], seed: int, bundle: Bundle) -> pd.DataFrame:
    """The features that heads were trained on, up to `MAX_CUSTOMERS_PER_CUTOFF` rows of each cutoff.

    Levels of categories have the values of *bundle*, so that what differs is the customers and not the value.
    """
    random = np.random.default_rng(seed)
    samples = []
    for one in examples:
        size = len(one.rows)
        chosen = np.sort(random.choice(size, min(size, MAX_CUSTOMERS_PER_CUTOFF), replace=False))
        rows = pd.DataFrame(one.rows[chosen.tolist()], one.rows.index[chosen], one.rows.names)
        samples.append(bundle.encode(rows, one.attributes))
    return pd.concat(samples, ignore_index=True)


def drift(bundle: Bundle, then: pd.DataFrame, now: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    """The drift of each feature of *bundle* and of both scores between training and now.

    Args:
        then: a sample of the features that the heads were trained on.
        now: features of all customers; *scores* are theirs.

    Returns:
        Indexed by the feature, or by the score's name: `psi` and its bound `by_chance`, the medians
        `median_then` and `median_now` (of a category the values of the most frequent level; nan where nobody
        has a value), and `undefined_then` and `undefined_now`, shares of the customers.
    """
    before = then[bundle.spec.names].join(bundle.score(then)[SCORES])
    today = now[bundle.spec.names].join(scores[SCORES])
    rows = {}
    for name in [*SCORES, *bundle.spec.names]:
        one, other = (frame[name].to_numpy(np.float64) for frame in (before, today))
        category = bundle.spec.category_by_feature.get(name)
        middle = _median if category is None else _most_frequent
        index, by_chance = stability_index(one, other, category)
        rows[name] = {
            "psi": index,
            "by_chance": by_chance,
            "median_then": middle(before[name]),
            "median_now": middle(today[name]),
            "undefined_then": float(np.isnan(one).mean()),
            "undefined_now": float(np.isnan(other).mean()),
        }
    return pd.DataFrame.from_dict(rows, orient="index").astype(float)


def histograms(table: pd.DataFrame, then: pd.DataFrame, now: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The distributions of the features that have moved most, in training and now.

    Args:
        table: the result of `drift`.
        then, now: as for `drift`.

    Returns:
        By feature, a row per bin with its bounds `low` and `high`, and the shares `then` and `now` of the
        customers who have a value. The outermost bins hold what lies beyond them too.
    """
    moved = table.drop(index=SCORES)["psi"].sort_values(ascending=False, kind="stable").index[:HISTOGRAMS]
    made = {
        str(name): _histogram(*(frame[name].to_numpy(np.float64) for frame in (then, now))) for name in moved
    }
    return {name: histogram for name, histogram in made.items() if len(histogram)}


def _histogram(then: np.ndarray, now: np.ndarray) -> pd.DataFrame:
    then, now = (values[~np.isnan(values)] for values in (then, now))
    if not (then.size and now.size):
        return pd.DataFrame()
    low, middle, high = np.quantile(np.concatenate([then, now]), (0.01, 0.5, 0.99))
    if low == high:
        return pd.DataFrame()
    if low >= 0 and high > MIN_SKEW * middle:
        edges = np.expm1(np.linspace(np.log1p(low), np.log1p(high), HISTOGRAM_BINS + 1))
    else:
        edges = np.linspace(low, high, HISTOGRAM_BINS + 1)
    shares = {
        name: np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0] / values.size
        for name, values in (("then", then), ("now", now))
    }
    return pd.DataFrame({"low": edges[:-1], "high": edges[1:], **shares})


def _median(values: pd.Series) -> float:
    return float(values.median())


def _most_frequent(values: pd.Series) -> float:
    counts = values.value_counts()
    return float("nan") if counts.empty else float(counts.index[0])
