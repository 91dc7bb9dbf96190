"""SHAP values of a sample of customers, from which the report explains the model."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ripple.models.bundle import Bundle, Head

SAMPLE = 1000
"""The number of customers in the sample, at most."""


def sample(features: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Up to `SAMPLE` rows of *features*, drawn at random, in order of id."""
    chosen = np.random.default_rng(seed).choice(len(features), min(SAMPLE, len(features)), replace=False)
    return features.sort_index().iloc[np.sort(chosen)]


def shap_values(bundle: Bundle, features: pd.DataFrame, head: Head, seed: int) -> pd.DataFrame:
    """Contributions to one head's score, by customer: `base` and a column per feature, on the log scale.

    A row adds up to the logarithm of network value, or to the log-odds of being at the top.
    """
    sampled = sample(features, seed)
    values, base = bundle.contributions(head, bundle.matrix(sampled))
    table = pd.DataFrame(values, columns=bundle.spec.names, index=sampled.index)
    table.insert(0, "base", base)
    return table
