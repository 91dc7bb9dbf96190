"""The heads of a model: expected network value, its range, and the log-odds of being at the top."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd

from ripple.errors import InputError
from ripple.features.attribute_features import PREFIX
from ripple.models.value_range import RangeScores
from ripple.settings import Settings
from ripple.training.estimators.boosting import (
    LabelledExamples,
    lightgbm_dataset,
    lightgbm_parameters,
    relative_amounts,
    train,
    tweedie_objective,
)
from ripple.training.estimators.distillation import distil, student_parameters, student_trees
from ripple.training.estimators.range_heads import RANGE_PARAMS, RANGE_TREES, RangeHeads, fit_range_heads
from ripple.training.examples.examples import Examples
from ripple.training.examples.feature_sequence import Rows
from ripple.training.examples.membership import top_members
from ripple.training.examples.targets import network_value_target

BINARY = {"objective": "binary"}
"""The objective of the top head."""


@dataclass(frozen=True)
class ValueHead:
    """A booster that predicts the logarithm of network value relative to the mean.

    Attributes:
        names: the features, in the order of the booster's columns.
        scale: currency per unit of the exponentiated output; it sets the mean prediction to the mean label
            of the latest closed window.
    """

    booster: lgb.Booster
    names: list[str]
    scale: float

    def predict(self, features: pd.DataFrame) -> np.ndarray:
        """Expected network value of every row, in currency."""
        matrix = features[self.names].to_numpy(np.float64)
        return self.scale * np.exp(self.booster.predict(matrix, raw_score=True))


@dataclass(frozen=True)
class Heads:
    """All boosters of a model, over the same features.

    Attributes:
        value: predicts the expected network value.
        top: predicts the log-odds of being at the top.
        ranges: predict the range of the network value.
        parameters: the LightGBM parameters of each head, by name, and of the trees that teach the value head
            (``value_teacher``).
    """

    value: ValueHead
    top: lgb.Booster
    ranges: RangeHeads
    parameters: dict[str, dict[str, Any]]

    @property
    def names(self) -> list[str]:
        """The features, in the order of the boosters' columns."""
        return self.value.names

    def predict_value(self, features: pd.DataFrame) -> np.ndarray:
        """Expected network value of every row, in currency."""
        return self.value.predict(features)

    def predict_log_odds(self, features: pd.DataFrame) -> np.ndarray:
        """Uncalibrated log-odds of being at the top of every row."""
        return np.asarray(self.top.predict(self._matrix(features), raw_score=True))

    def predict_range(self, features: pd.DataFrame) -> RangeScores:
        """The raw output of the heads of the range for every row."""
        return self.ranges.predict(self._matrix(features))

    def _matrix(self, features: pd.DataFrame) -> np.ndarray:
        return features[self.names].to_numpy(np.float64)


def fit(examples: Sequence[Examples], settings: Settings, inference_rows: Rows | None = None) -> Heads:
    """Fit all heads on all rows of *examples*, oldest cutoff first.

    The value head is that of `fit_value`; the top head is a logistic regression at the natural base rate,
    membership defined by rank within each cutoff; see `range_heads` for those of the range.

    Args:
        inference_rows: features of the customers who are to be predicted, if they are known.

    Raises:
        InputError: no customer is credited with anything at any cutoff.
    """
    training = _Training.of(examples, settings)
    value = training.value_head(inference_rows)
    at_top = np.concatenate([top_members(value, settings.top_share) for _, value in training.labelled])
    top = training.fit(BINARY, at_top)
    ranges = fit_range_heads(training.labelled, training.data, training.parameters, settings)
    return Heads(value, top, ranges, training.parameters_by_head())


def fit_value(
    examples: Sequence[Examples], settings: Settings, inference_rows: Rows | None = None
) -> ValueHead:
    """Fit only the value head: a Tweedie regression with log link (Jørgensen 1987; by default Poisson).

    It is done by trees and by a linear model, whose weighted geometric mean student trees learn
    (`distillation`). Values are taken relative to their cutoff's mean, so that the head distinguishes
    customers and not one market from another; the mean of the latest cutoff then sets the level. Later
    cutoffs weigh more. Past credit may only raise a score.

    Args, Raises: see `fit`.
    """
    return _Training.of(examples, settings).value_head(inference_rows)


@dataclass(frozen=True)
class _Training:
    """What the heads have in common: rows and their bins, a byte for each cell, and parameters."""

    labelled: list[LabelledExamples]
    parameters: dict[str, Any]
    data: lgb.Dataset
    settings: Settings

    @classmethod
    def of(cls, examples: Sequence[Examples], settings: Settings) -> _Training:
        targets = [network_value_target(one.labels, settings) for one in examples]
        labelled = [(one, value) for one, value in zip(examples, targets, strict=True) if value.sum() > 0]
        if not labelled:
            raise InputError(
                "Every label is zero: in no window is any customer credited with revenue of others. Check "
                "that interactions hold referrals, or ties between customers who buy the same products."
            )
        constraints = [int(is_monotone(name)) for name in examples[0].rows.names]
        rows = sum(len(value) for _, value in labelled)
        parameters = lightgbm_parameters(settings, rows) | {"monotone_constraints": constraints}
        return cls(labelled, parameters, lightgbm_dataset(labelled, parameters, settings), settings)

    def fit(self, objective: dict[str, Any], label: np.ndarray) -> lgb.Booster:
        data = self.data.set_label(label.astype(np.float64))
        return train(self.parameters | objective, data, self.settings.model.trees)

    def parameters_by_head(self) -> dict[str, dict[str, Any]]:
        """`Heads.parameters`."""
        shared = self.parameters | {"num_iterations": self.settings.model.trees}
        return {
            "value_head": student_parameters(shared) | {"num_iterations": student_trees(self.settings)},
            "value_teacher": shared | tweedie_objective(self.settings),
            "top_head": shared | BINARY,
            "range_heads": shared | RANGE_PARAMS | {"num_iterations": RANGE_TREES},
        }

    def value_head(self, inference_rows: Rows | None) -> ValueHead:
        amounts, _ = relative_amounts(self.labelled, self.settings)
        trees = self.fit(tweedie_objective(self.settings), amounts)
        booster, mean = distil(trees, self.labelled, inference_rows, self.parameters, self.settings)
        return ValueHead(booster, self.labelled[0][0].rows.names, float(self.labelled[-1][1].mean()) / mean)


def is_monotone(name: str) -> bool:
    """Whether a feature counts referrals or past credit, by its name: more of it must never lower a score."""
    return name.startswith("past_") or ("referral" in name and not name.startswith(PREFIX))
