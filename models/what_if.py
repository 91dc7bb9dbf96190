"""Which change of one feature would raise a customer's network value most, according to the model.

This describes the model, and not what would happen: a feature may go with network value without causing it,
and other features would move along.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np

from .bundle import Bundle, FeatureSpec
from .value_checks import COUNTED, ValueChecks

CONTROLLABLE_FAMILIES = frozenset(
    ("engagement", "sophistication", "referent", "informational", "expert", "feedback")
)
"""The families of what customers do, and of what somebody who looks after them can bring about."""
FIXED = re.compile(
    "days_since_first_use|days_from_release|earliness|engagement_percentile_.*|feedback_count"
    "|.*referral_revenue.*|best_referral|(paying|buying|active)_referrals.*"
)
"""Features of these families that are of the past, relative to others, or what others do and spend."""
MAX_LEVELS = 24
"""The number of values, at most, that are tried for a feature."""


@dataclass(frozen=True)
class Change:
    """Another value of one feature, with all others as they are.

    Attributes:
        column: The column of the feature.
        value: The other value, which lies within what training saw.
        network_value: What the model then expects, in currency.
    """

    column: int
    value: float
    network_value: float


def is_controllable(feature: FeatureSpec) -> bool:
    """Whether somebody can bring about what *feature* is of: by its family, but for those of `FIXED`."""
    return feature.family in CONTROLLABLE_FAMILIES and not FIXED.fullmatch(feature.name)


class WhatIf:
    """Tries other values of the controllable features of a *bundle*.

    Between two splits of the trees the model does not distinguish values, so one value between each two is
    tried: a whole number where the unit is counted, else the middle. Of more than `MAX_LEVELS`, that many are
    tried, evenly spaced among the splits.
    """

    def __init__(self, bundle: Bundle, checks: ValueChecks) -> None:
        self._bundle = bundle
        splits = split_values(bundle.value)
        self.levels = {
            column: _levels(feature, splits[column], *checks.seen[column].tolist())
            for column, feature in enumerate(bundle.spec.features)
            if is_controllable(feature) and np.isfinite(checks.seen[column]).all()
        }

    def changes(self, row: np.ndarray, number: int) -> list[Change]:
        """The changes that raise the network value of a customer most, one for each of *number* features.

        Args:
            row: The customer's features, in the boosters' order, nan where undefined.

        Returns:
            At most *number*, the one that raises it most first; of values that raise it as much, the one
            nearest to the present one.
        """
        columns = np.repeat(list(self.levels), [len(values) for values in self.levels.values()]).astype(int)
        values = np.concatenate([*self.levels.values(), np.empty(0)])
        tried = np.vstack([row, np.tile(row, (len(columns), 1))])
        tried[np.arange(1, len(tried)), columns] = values
        now, *others = self._bundle.score_matrix(tried)["network_value"].tolist()
        distance = np.abs(np.nan_to_num(values - row[columns]))
        order = np.lexsort((distance, -np.array(others)))
        best: dict[int, Change] = {}
        for place in order.tolist():
            column = int(columns[place])
            if others[place] > now and column not in best:
                best[column] = Change(column, float(values[place]), others[place])
        return list(best.values())[:number]


def split_values(booster: lgb.Booster) -> list[np.ndarray]:
    """The values at which the trees of a booster split each feature, ascending, each once."""
    text = booster.model_to_string()
    columns = _numbers(text, "split_feature").astype(int)
    thresholds = _numbers(text, "threshold")
    return [np.unique(thresholds[columns == column]) for column in range(booster.num_feature())]


def _numbers(text: str, name: str) -> np.ndarray:
    lines = re.findall(rf"^{name}=(.*)$", text, re.MULTILINE)
    return np.array(" ".join(lines).split(), dtype=float)


def _levels(feature: FeatureSpec, splits: np.ndarray, low: float, high: float) -> np.ndarray:
    """A value between each two of *splits*, from the lowest to the highest value that training saw."""
    inner = splits[(splits >= low) & (splits < high)]
    begins, ends = np.array([low, *inner]), np.array([*inner, high])
    if feature.unit in COUNTED or feature.unit == "flag":
        # a row goes left at a split up to its value
        values = np.where(np.arange(len(begins)) == 0, np.ceil(begins), np.floor(begins) + 1)
        values = values[values <= ends]
    else:
        values = (begins + ends) / 2
    if len(values) <= MAX_LEVELS:
        return values
    return values[np.linspace(0, len(values) - 1, MAX_LEVELS).round().astype(int)]
