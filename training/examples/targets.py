"""The amounts that heads are fitted to and evaluated against, read off labels."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ripple.settings import Settings


def winsorised(value: np.ndarray, quantile: float) -> np.ndarray:
    """*value* capped at the *quantile* of its positive entries; a quantile of 1 caps nothing."""
    positive = value[value > 0]
    if quantile >= 1 or not len(positive):
        return value
    return np.minimum(value, np.quantile(positive, quantile))


def network_value_target(labels: pd.DataFrame, settings: Settings) -> np.ndarray:
    """The network value in *labels* in currency, winsorised at the quantile `model.winsorise`."""
    return winsorised(labels["network_value"].to_numpy(np.float64), settings.model.winsorise)


def direct_value_target(labels: pd.DataFrame) -> np.ndarray:
    """The direct value in *labels* in currency; a customer with more refunds than purchases has zero."""
    return np.maximum(labels["direct_value"].to_numpy(np.float64), 0.0)
