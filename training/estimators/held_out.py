"""Predictions at a cutoff by heads that were fitted before it, with the labels they are held against."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ripple.models.value_range import RangeScores
from ripple.settings import Settings
from ripple.training.estimators.heads import Heads
from ripple.training.examples.examples import Examples
from ripple.training.examples.membership import top_members
from ripple.training.examples.targets import network_value_target


@dataclass(frozen=True)
class HeldOutPredictions:
    """Predictions for the customers of one cutoff, and what was realised; one entry per customer.

    Attributes:
        predicted: expected network value, in currency.
        log_odds: uncalibrated log-odds of being at the top.
        range_scores: raw output of the heads of the range.
        realised: network value after the cutoff, in currency, winsorised.
        at_top: mask of the customers who truly were at the top.
    """

    predicted: np.ndarray
    log_odds: np.ndarray
    range_scores: RangeScores
    realised: np.ndarray
    at_top: np.ndarray


def predict_held_out(heads: Heads, examples: Examples, settings: Settings) -> HeldOutPredictions:
    """Predictions of *heads* for *examples*, with the labels as they were known when the window closed."""
    realised, features = network_value_target(examples.labels, settings), examples.features
    return HeldOutPredictions(
        heads.predict_value(features),
        heads.predict_log_odds(features),
        heads.predict_range(features),
        realised,
        top_members(realised, settings.top_share),
    )
