"""Why the model scores as it does: SHAP values of a sample of customers, by family and by feature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from models.bundle import Bundle, FeatureSpec
from training.evidence import Evidence
from training.report import plots, words
from training.report.beeswarm import beeswarm
from training.report.words import Cell
from training.shap_values import sample

FEATURES = 20
CLEAR = 0.4
"""Rank correlation between a feature and its effect from which the table names a direction."""


@dataclass(frozen=True)
class Importance:
    """One feature's part in moving the value head's scores, over the sample."""

    feature: FeatureSpec
    name: str
    unit: str
    share: Cell
    width: float
    direction: str


def explanation(evidence: Evidence) -> dict[str, Any]:
    """Importance by family for both heads, beeswarm and table of features for the value head."""
    bundle, seed = evidence.bundle, evidence.settings.seed
    sampled = sample(evidence.features, seed)
    x = bundle.matrix(sampled)
    effects, _ = bundle.contributions("value", x)
    shares = _shares(effects)
    families = _by_family(bundle, shares)
    top_families = _by_family(bundle, _shares(bundle.contributions("top", x)[0])).reindex(families.index)
    strongest = int(np.argmax(shares))
    first = str(families.index[0])
    return {
        "finding": (
            f"The family “{first}” carries {words.percent(families.iloc[0])} of what moves expected network "
            f"value; the strongest single feature is {words.spoken(bundle.spec.names[strongest])} with "
            f"{words.percent(shares[strongest])}"
        ),
        "sampled": len(sampled),
        "everybody": len(sampled) == len(evidence.features),
        "value_families": plots.families(families, "Expected network value"),
        "top_families": plots.families(
            top_families, f"Odds of being in the top {words.share_name(evidence.settings.top_share)}"
        ),
        "beeswarm": beeswarm(effects, x, [words.spoken(name) for name in bundle.spec.names], seed),
        "features": _importances(bundle, x, effects, shares),
        "total": len(bundle.spec.names),
    }


def _shares(effects: np.ndarray) -> np.ndarray:
    """Mean absolute SHAP value of every feature ÷ the sum of them."""
    size = np.abs(effects).mean(axis=0)
    return size / size.sum() if size.sum() > 0 else size


def _by_family(bundle: Bundle, shares: np.ndarray) -> pd.Series:
    families = [feature.family for feature in bundle.spec.features]
    return pd.Series(shares).groupby(families).sum().sort_values(ascending=False, kind="stable")


def _importances(bundle: Bundle, x: np.ndarray, effects: np.ndarray, shares: np.ndarray) -> list[Importance]:
    order = np.argsort(-shares, kind="stable")[:FEATURES]
    return [
        Importance(
            feature := bundle.spec.features[i],
            words.spoken(feature.name),
            bundle.spec.currency if feature.unit == "currency" else feature.unit,
            Cell(words.percent(shares[i], 1), float(shares[i])),
            100 * float(shares[i] / max(shares.max(), 1e-12)),
            _direction(x[:, i], effects[:, i]),
        )
        for i in order
    ]


def _direction(feature: np.ndarray, effect: np.ndarray) -> str:
    known = ~np.isnan(feature)
    feature, effect = feature[known], effect[known]
    if len(feature) < 3 or np.ptp(feature) == 0 or np.ptp(effect) == 0:
        return "none seen"
    ranks = np.corrcoef(pd.Series(feature).rank(), pd.Series(effect).rank())[0, 1]
    return "more raises" if ranks > CLEAR else "more lowers" if ranks < -CLEAR else "mixed"
