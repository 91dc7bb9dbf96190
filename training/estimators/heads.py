"""The two heads of a model: expected network value, and the log-odds of being at the top."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
import pandas as pd

from ripple.errors import InputError
from ripple.settings import Settings
from ripple.training.estimators.boosting import (
    lightgbm_dataset,
    lightgbm_parameters,
    train,
    tweedie_objective,
)
from ripple.training.estimators.distillation import distil
from ripple.training.examples.examples import Examples
from ripple.training.examples.feature_sequence import Rows
from ripple.training.examples.membership import top_members
from ripple.training.examples.targets import network_value_target


@dataclass(frozen=True)
class Heads:
    """Two boosters over the same features, and the level of the first.

    Attributes:
        value: predicts the logarithm of network value relative to the mean.
        top: predicts the log-odds of being at the top.
        names: the features, in the order of the boosters' columns.
        scale: currency per unit of the exponentiated output of `value`; it sets the mean prediction to the
            mean label of the latest closed window.
    """

    value: lgb.Booster
    top: lgb.Booster
    names: list[str]
    scale: float

    def predict_value(self, features: pd.DataFrame) -> np.ndarray:
        """Expected network value of every row, in currency."""
        return self.scale * np.exp(self.value.predict(self._matrix(features), raw_score=True))

    def predict_log_odds(self, features: pd.DataFrame) -> np.ndarray:
        """Uncalibrated log-odds of being at the top of every row."""
        return np.asarray(self.top.predict(self._matrix(features), raw_score=True))

    def _matrix(self, features: pd.DataFrame) -> np.ndarray:
        return features[self.names].to_numpy(np.float64)


def fit(examples: Sequence[Examples], settings: Settings, inference_rows: Rows | None = None) -> Heads:
    """Fit both heads on all rows of *examples*, oldest cutoff first.

    The value head is a Tweedie regression with log link (Jørgensen 1987; by default Poisson, power 1), by
    trees and by a linear model, whose weighted geometric mean student trees learn (`distillation`); the top
    head is a logistic regression at the natural base rate, membership defined by rank within each cutoff.
    Values are taken relative to their cutoff's mean, so that heads distinguish customers and not one market
    from another; the mean of the latest cutoff then sets the level. Later cutoffs weigh more. Past
    credit may only raise a score.

    Args:
        inference_rows: features of the customers who are to be predicted, if they are known.

    Raises:
        InputError: no customer is credited with anything at any cutoff.
    """
    names = examples[0].rows.names
    targets = [network_value_target(one.labels, settings) for one in examples]
    labelled = [(one, value) for one, value in zip(examples, targets, strict=True) if value.sum() > 0]
    if not labelled:
        raise InputError(
            "Every label is zero: in no window is any customer credited with revenue of others. Check that "
            "interactions hold referrals, or ties between customers who buy the same products."
        )
    at_top = np.concatenate([top_members(value, settings.top_share) for _, value in labelled])
    constraints = {"monotone_constraints": [int(is_monotone(name)) for name in names]}
    shared = lightgbm_parameters(settings, at_top.size) | constraints
    # both heads learn from the same bins, a byte for each cell
    data = lightgbm_dataset(labelled, shared, settings)
    trees = train(tweedie_objective(settings) | shared, data, settings.model.trees)
    binary = shared | {"objective": "binary"}
    top = train(binary, data.set_label(at_top.astype(np.float64)), settings.model.trees)
    value, mean = distil(trees, labelled, inference_rows, shared, settings)
    return Heads(value, top, names, float(labelled[-1][1].mean()) / mean)


def is_monotone(name: str) -> bool:
    """Whether a feature counts referrals or past credit, by its name: more of it must never lower a score."""
    return name.startswith("past_") or "referral" in name
