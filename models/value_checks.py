"""Values of features that are impossible, or that no customer of training had.

What training saw is what LightGBM keeps with its trees: the lowest and the highest value of each feature,
among 200,000 rows drawn at random where there were more.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import lightgbm as lgb
import numpy as np

from .bundle import Bundle, FeatureSpec

Rule = Literal["impossible", "unseen"]

COUNTED = frozenset(
    ("days", "events", "users", "weeks", "features", "customers", "orders", "products", "purchases", "scores")
)
"""The units of whole numbers that are not negative."""
NOT_NEGATIVE = COUNTED | {"recent contacts", "ratio", "nats", "contacts of contacts", "times the average"}
"""The units of numbers that are not negative."""
POSSIBLE = {"share": (0.0, 1.0), "flag": (0.0, 1.0), "score": (-1.0, 1.0)}
"""The lowest and the highest number of a unit."""
SIGNED = ("margin_share", "neighbour_lack")
"""Features that can be negative although their unit is not: goods sold at a loss, and differences."""


@dataclass(frozen=True)
class Flag:
    """A value that is impossible, or that training did not see.

    Attributes:
        row: The row of the value.
        column: The column of the feature.
        low, high: The lowest and the highest value that is possible, or that training saw.
    """

    row: int
    column: int
    rule: Rule
    low: float
    high: float


class ValueChecks:
    """Checks of values of the features of a *bundle*.

    Attributes:
        seen: Lowest and highest value that training saw; features × 2, −∞ and ∞ where that is not known.
        possible: Lowest and highest value that is possible; likewise.
    """

    def __init__(self, bundle: Bundle) -> None:
        features = bundle.spec.features
        self.seen = seen_ranges(bundle.value)
        self.possible = np.array([_possible(feature) for feature in features])
        self._low = np.maximum(self.seen[:, 0], self.possible[:, 0])
        self._high = np.minimum(self.seen[:, 1], self.possible[:, 1])
        self._levels = {
            bundle.spec.names.index(one.feature): np.array([*(value for _, value in one.levels), one.other])
            for one in bundle.spec.categories
        }
        self._flags = [place for place, feature in enumerate(features) if feature.unit == "flag"]

    def flags(self, x: np.ndarray) -> Iterator[Flag]:
        """The values in *x* (rows × features, nan where undefined) that are impossible or unseen."""
        wrong = (x < self._low) | (x > self._high)
        for column in self._flags:
            wrong[:, column] |= (x[:, column] != 0) & (x[:, column] != 1) & ~np.isnan(x[:, column])
        for column, values in self._levels.items():
            wrong[:, column] = ~np.isin(x[:, column], values) & ~np.isnan(x[:, column])
        if not wrong.any():
            return
        for row, column in zip(*map(np.ndarray.tolist, np.nonzero(wrong)), strict=True):
            yield self._flag(row, column, float(x[row, column]))

    def _flag(self, row: int, column: int, value: float) -> Flag:
        low, high = self.possible[column].tolist()
        whole = column not in self._flags or value == math.floor(value)
        if column not in self._levels and not (low <= value <= high and whole):
            return Flag(row, column, "impossible", low, high)
        return Flag(row, column, "unseen", *self.seen[column].tolist())


def seen_ranges(booster: lgb.Booster) -> np.ndarray:
    """Lowest and highest value of each feature that training saw, as the booster's text has them.

    Returns:
        Features × 2; −∞ and ∞ for a feature of one value, of which LightGBM keeps nothing.
    """
    header = booster.model_to_string(num_iteration=1).partition("feature_infos=")[2].partition("\n")[0]
    ranges = np.full((booster.num_feature(), 2), (-np.inf, np.inf))
    for place, info in enumerate(header.split(" ")):
        if info.startswith("["):
            ranges[place] = [float(end) for end in info.strip("[]").split(":")]
    return ranges


def _possible(feature: FeatureSpec) -> tuple[float, float]:
    low, high = POSSIBLE.get(feature.unit, (0.0 if feature.unit in NOT_NEGATIVE else -math.inf, math.inf))
    return (-math.inf if feature.name in SIGNED else low), high
