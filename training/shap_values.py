"""SHAP values of a sample of customers: what the report explains from, and what is kept beside it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from models.bundle import Head
from training.evidence import Evidence

SAMPLE = 1000


def sample(features: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Up to `SAMPLE` rows of *features*, drawn at random, in order of id."""
    chosen = np.random.default_rng(seed).choice(len(features), min(SAMPLE, len(features)), replace=False)
    return features.sort_index().iloc[np.sort(chosen)]


def shap_values(evidence: Evidence, head: Head) -> pd.DataFrame:
    """Contributions to one head's score, by customer: `base` and a column per feature, on the log scale.

    A row adds up to the logarithm of network value, or to the log-odds of being at the top.
    """
    features = sample(evidence.features, evidence.settings.seed)
    values, base = evidence.bundle.contributions(head, evidence.bundle.matrix(features))
    found = pd.DataFrame(values, columns=evidence.bundle.spec.names, index=features.index)
    found.insert(0, "base", base)
    return found
