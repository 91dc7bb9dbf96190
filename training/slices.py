"""How well the model does among customers of a kind: by tenure, by reach, by segment, and those new to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from training import metrics

TENURE_DAYS = (180.0, 365.0)
MOST_SEGMENTS = 12
"""An attribute of more levels than this is a name rather than a segment."""
COLD_START = "new since training"
"""Customers who had not joined by any cutoff that the heads were trained on."""


def slices(
    features: pd.DataFrame, attributes: pd.DataFrame, cold: np.ndarray
) -> Iterator[tuple[str, np.ndarray]]:
    """Name and mask of every kind of customer.

    Args:
        features: one row per customer; kinds are read off `tenure_days` and `out_degree`, if they are there.
        attributes: text attributes of the same customers, in the same order.
        cold: who is new since training.
    """
    yield COLD_START, cold
    yield "known in training", ~cold
    if "tenure_days" in features:
        band = np.digitize(features["tenure_days"], TENURE_DAYS)
        for i, name in enumerate(("under 180", "180 to 365", "over 365")):
            yield f"tenure {name} days", band == i
    if "out_degree" in features:
        degree = features["out_degree"].to_numpy()
        decile = np.argsort(np.argsort(degree, kind="stable")) * 10 // len(degree) + 1
        for i in range(1, 11):
            yield f"degree decile {i}", decile == i
    for attribute, column in attributes.items():
        levels = column.dropna().unique()
        if len(levels) <= MOST_SEGMENTS:
            for level in sorted(levels):
                yield f"{attribute} {level}", (column == level).fillna(False).to_numpy(dtype=bool)


def judge_slice(
    mask: np.ndarray, scores: Mapping[str, np.ndarray], value: np.ndarray, predicted: np.ndarray, share: float
) -> dict[str, float]:
    """Customers and value of a slice, capture of each ranking inside it, and predicted ÷ realised."""
    inside = value[mask]
    total = inside.sum()
    return {
        "customers": float(mask.sum()),
        "realised": float(total),
        "predicted_share": float(predicted[mask].sum() / total) if total > 0 else np.nan,
    } | {name: metrics.capture(score[mask], inside, share) for name, score in scores.items()}
