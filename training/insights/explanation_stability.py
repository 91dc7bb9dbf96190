"""Stability of explanations: today's customers explained by the heads of every evaluation cutoff."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

import numpy as np
import pandas as pd

from ripple.models.bundle import Bundle
from ripple.training.evaluation.backtest import RollingOriginBacktester
from ripple.training.insights.shap_sample import sample


def earlier_effects(
    backtester: RollingOriginBacktester, cutoffs: Iterable[datetime], bundle: Bundle, features: pd.DataFrame
) -> Mapping[str, np.ndarray]:
    """SHAP values on the value head, as the heads fitted as of each of *cutoffs* would have them.

    Only the heads differ: the customers and their features are those of today, drawn by `shap_sample.sample`.

    Returns:
        Day of the cutoff, oldest first → customers × features of *bundle*, on the log scale.
    """
    x = bundle.matrix(sample(features, backtester.settings.seed))
    effects = {}
    for cutoff in cutoffs:
        heads = backtester.heads(cutoff)
        effects[f"{cutoff:%Y-%m-%d}"] = replace(bundle, value=heads.value.booster).contributions("value", x)[
            0
        ]
    return effects
