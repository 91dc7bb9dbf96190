"""SHAP values of a sample of customers, by family of features and by feature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ripple.models.bundle import Bundle, FeatureSpec
from ripple.training.insights.shap_sample import sample
from ripple.training.report.plots import figures
from ripple.training.report.plots.beeswarm import beeswarm
from ripple.training.report.text import words
from ripple.training.report.text.words import Cell
from ripple.training.result import TrainingResult

MAX_FEATURES = 20
MIN_CORRELATION = 0.4
"""The rank correlation between a feature and its effect from which a direction is named."""


@dataclass(frozen=True)
class Sampled:
    """A random sample of customers, and the effects of their features under both models.

    Attributes:
        x: feature values, customers × features of the bundle.
        value, top: SHAP values of the same shape, on the log scale of the value and in log-odds.
        customers: the number of customers from which the sample was drawn.
    """

    bundle: Bundle
    x: np.ndarray
    value: np.ndarray
    top: np.ndarray
    customers: int

    @classmethod
    def of(cls, result: TrainingResult) -> Sampled:
        """The sample of *result*, the same that is stored with the page."""
        bundle = result.population.bundle
        x = bundle.matrix(sample(result.population.features, result.settings.seed))
        value, top = (bundle.contributions(head, x)[0] for head in ("value", "top"))
        return cls(bundle, x, value, top, len(result.population.features))

    @property
    def strongest(self) -> list[int]:
        """Indices of the features, the one that moves the value score most first."""
        return [int(i) for i in np.argsort(-shares(self.value), kind="stable")]

    def named(self, i: int) -> str:
        """The name of a feature as words."""
        return words.feature_words(self.bundle.spec.names[i])


@dataclass(frozen=True)
class Importance:
    """The importance of one feature for the value model, over the sample."""

    feature: FeatureSpec
    name: str
    unit: str
    share: Cell
    width: float
    direction: str


def explanation_section(result: TrainingResult, sampled: Sampled) -> dict[str, Any]:
    """Importance by family for both models; beeswarm and table of features for the value model."""
    bundle = result.population.bundle
    importance = shares(sampled.value)
    families = by_family(bundle, importance)
    top_families = by_family(bundle, shares(sampled.top)).reindex(families.index)
    strongest = sampled.strongest[0]
    size = len(sampled.x)
    return {
        "finding": (
            f"{words.percent(families.iloc[0])} of the movement of expected network value comes from the "
            f"family “{families.index[0]}”; the strongest single feature is {sampled.named(strongest)} with "
            f"{words.percent(importance[strongest])}"
        ),
        "sampled": size,
        "all_customers": size == sampled.customers,
        "value_families": figures.families(families, "Expected network value"),
        "top_families": figures.families(
            top_families, f"Probability of being in the top {words.exact_percent(result.settings.top_share)}"
        ),
        "beeswarm": beeswarm(
            sampled.value,
            sampled.x,
            [words.feature_words(name) for name in bundle.spec.names],
            result.settings.seed,
        ),
        "features": _importances(sampled, importance),
        "total": len(bundle.spec.names),
    }


def shares(effects: np.ndarray) -> np.ndarray:
    """The mean absolute SHAP value of every feature ÷ the sum of these."""
    magnitude = np.abs(effects).mean(axis=0)
    return magnitude / magnitude.sum() if magnitude.sum() > 0 else magnitude


def by_family(bundle: Bundle, shares: np.ndarray) -> pd.Series:
    """The sums of *shares* by family of features, the largest first."""
    families = [feature.family for feature in bundle.spec.features]
    return pd.Series(shares).groupby(families).sum().sort_values(ascending=False, kind="stable")


def _importances(sampled: Sampled, shares: np.ndarray) -> list[Importance]:
    spec = sampled.bundle.spec
    return [
        Importance(
            feature := spec.features[i],
            sampled.named(i),
            spec.currency if feature.unit == "currency" else feature.unit,
            Cell(words.percent(shares[i], 1), float(shares[i])),
            100 * float(shares[i] / max(shares.max(), 1e-12)),
            direction(sampled.x[:, i], sampled.value[:, i]),
        )
        for i in sampled.strongest[:MAX_FEATURES]
    ]


def direction(feature: np.ndarray, effect: np.ndarray) -> str:
    """Whether more of a feature raises or lowers the score, by its rank correlation with its effect."""
    known = ~np.isnan(feature)
    feature, effect = feature[known], effect[known]
    if len(feature) < 3 or np.ptp(feature) == 0 or np.ptp(effect) == 0:
        return "none seen"
    ranks = np.corrcoef(pd.Series(feature).rank(), pd.Series(effect).rank())[0, 1]
    return (
        "more raises" if ranks > MIN_CORRELATION else "more lowers" if ranks < -MIN_CORRELATION else "mixed"
    )
