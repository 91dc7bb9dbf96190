"""Platt scaling: calibrated log-odds as a linear function of uncalibrated ones (Platt 1999)."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression

MIN_MEMBERS = 10
"""The number of members and of others, each, without which log-odds are left as they are."""


def platt(log_odds: np.ndarray, member: np.ndarray) -> tuple[float, float]:
    """Slope and intercept of the log-odds; the identity where there is too little to fit or no relation."""
    if min(member.sum(), (~member).sum()) < MIN_MEMBERS:
        return 1.0, 0.0
    model = LogisticRegression(C=1e6).fit(log_odds[:, None], member)
    slope, intercept = float(model.coef_[0, 0]), float(model.intercept_[0])
    return (slope, intercept) if slope > 0 else (1.0, 0.0)
