"""Why the model scores as it does: SHAP values of a sample of customers, by family and by feature."""

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

FEATURES = 20
CLEAR = 0.4
"""Rank correlation between a feature and its effect from which the table names a direction."""


@dataclass(frozen=True)
class Sampled:
    """Customers drawn at random, and the effects of their features under both heads.

    Attributes:
        x: features, customers × features of the bundle.
        value, top: SHAP values of the same shape, on the log scale of the value and of the odds.
    """

    bundle: Bundle
    x: np.ndarray
    value: np.ndarray
    top: np.ndarray
    customers: int

    @classmethod
    def of(cls, result: TrainingResult) -> Sampled:
        """The sample of *result*, the same that is kept beside the page."""
        bundle = result.bundle
        x = bundle.matrix(sample(result.features, result.settings.seed))
        value, top = (bundle.contributions(head, x)[0] for head in ("value", "top"))
        return cls(bundle, x, value, top, len(result.features))

    @property
    def strongest(self) -> list[int]:
        """Positions of the features, the one that moves the value score most first."""
        return [int(i) for i in np.argsort(-shares(self.value), kind="stable")]

    def named(self, i: int) -> str:
        """The name of a feature as words."""
        return words.spoken(self.bundle.spec.names[i])


@dataclass(frozen=True)
class Importance:
    """One feature's part in moving the value head's scores, over the sample."""

    feature: FeatureSpec
    name: str
    unit: str
    share: Cell
    width: float
    direction: str


def explanation(result: TrainingResult, sampled: Sampled) -> dict[str, Any]:
    """Importance by family for both heads, beeswarm and table of features for the value head."""
    bundle = result.bundle
    own = shares(sampled.value)
    families = by_family(bundle, own)
    top_families = by_family(bundle, shares(sampled.top)).reindex(families.index)
    strongest = sampled.strongest[0]
    size = len(sampled.x)
    return {
        "finding": (
            f"The family “{families.index[0]}” carries {words.percent(families.iloc[0])} of what moves "
            f"expected network value; the strongest single feature is {sampled.named(strongest)} with "
            f"{words.percent(own[strongest])}"
        ),
        "sampled": size,
        "everybody": size == sampled.customers,
        "value_families": figures.families(families, "Expected network value"),
        "top_families": figures.families(
            top_families, f"Odds of being in the top {words.share_name(result.settings.top_share)}"
        ),
        "beeswarm": beeswarm(
            sampled.value,
            sampled.x,
            [words.spoken(name) for name in bundle.spec.names],
            result.settings.seed,
        ),
        "features": _importances(sampled, own),
        "total": len(bundle.spec.names),
    }


def shares(effects: np.ndarray) -> np.ndarray:
    """Mean absolute SHAP value of every feature ÷ the sum of them."""
    size = np.abs(effects).mean(axis=0)
    return size / size.sum() if size.sum() > 0 else size


def by_family(bundle: Bundle, shares: np.ndarray) -> pd.Series:
    """Sums by family of features, the largest first."""
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
        for i in sampled.strongest[:FEATURES]
    ]


def direction(feature: np.ndarray, effect: np.ndarray) -> str:
    """Whether more of a feature raises or lowers the score, by rank correlation with its effect."""
    known = ~np.isnan(feature)
    feature, effect = feature[known], effect[known]
    if len(feature) < 3 or np.ptp(feature) == 0 or np.ptp(effect) == 0:
        return "none seen"
    ranks = np.corrcoef(pd.Series(feature).rank(), pd.Series(effect).rank())[0, 1]
    return "more raises" if ranks > CLEAR else "more lowers" if ranks < -CLEAR else "mixed"
