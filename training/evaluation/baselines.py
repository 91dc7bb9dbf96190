"""Baselines that a model must beat: simple rules, each of which ranks customers by their features."""

from __future__ import annotations

import numpy as np
import pandas as pd

BASELINES = {
    "last label": "past_network_value",
    "own revenue": "total_revenue",
    "number of referrals": "referrals",
    "revenue of own referrals": "referral_revenue",
    "degree": "out_degree",
    "weighted degree": "out_strength",
    "PageRank": "pagerank",
}


def baselines(features: pd.DataFrame, credited: pd.Series | None = None) -> dict[str, np.ndarray]:
    """The score of every customer by each baseline whose feature exists and differs between customers.

    Args:
        credited: time-decayed credit of the same customers for the last window (Goyal, Bonchi &
            Lakshmanan 2011), which is no feature.
    """
    scores = {
        name: features[column].fillna(0.0).to_numpy()
        for name, column in BASELINES.items()
        if column in features.columns
    }
    scores |= _rfm(features)
    if credited is not None:
        scores["time-decayed credit"] = credited.to_numpy()
    return {name: score for name, score in scores.items() if np.ptp(score) > 0}


def _rfm(features: pd.DataFrame) -> dict[str, np.ndarray]:
    """Sum of the percentile ranks of recency, frequency and monetary value (Hughes 1994)."""
    frequency = [name for name in features.columns if name.startswith("order_count_")]
    if not frequency:
        return {}
    recency = -features["days_since_last_order"].fillna(np.inf)
    parts = pd.DataFrame({"r": recency, "f": features[frequency[-1]], "m": features["total_revenue"]})
    return {"RFM": parts.rank(pct=True).sum(axis=1).to_numpy()}
