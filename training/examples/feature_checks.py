"""Tests of the features that a user adds, on the user's own data: no look ahead, no chance, some values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import pandas as pd

from ripple.errors import InputError
from ripple.features.dataset import Dataset
from ripple.features.matrix import matrix
from ripple.features.registry import features
from ripple.training.examples.examples import features_at, frame

MIN_CUSTOMERS = 2
"""The number of customers below which a cutoff tells nothing of a feature."""


@dataclass(frozen=True)
class FeatureCheck:
    """One feature at all cutoffs that were tried.

    Attributes:
        name: the name of the feature.
        values: its values at the last cutoff, one for each customer; empty if it does not exist.
        problems: what is wrong with it, in sentences; none if it can be used.
    """

    name: str
    values: pd.Series
    problems: tuple[str, ...]


def check_features(dataset: Dataset, cutoffs: Sequence[datetime]) -> list[FeatureCheck]:
    """Every feature that *dataset* adds, computed at *cutoffs* with and without what came after them.

    Raises:
        InputError: the dataset adds no feature, or nobody had joined before the last cutoff.
    """
    names = list(_added(dataset))
    if not names:
        raise InputError(f"{dataset.place} adds no feature: write some in a features.py beside the data.")
    problems: dict[str, dict[str, None]] = {name: {} for name in names}
    values = pd.DataFrame()
    for cutoff in cutoffs:
        values, again = _features(dataset, cutoff), _features(replace(dataset, cache=None), cutoff)
        past = _features(replace(dataset, tables=dataset.tables.before(cutoff), cache=None), cutoff)
        if len(values) < MIN_CUSTOMERS:
            raise InputError(f"{len(values)} customers had joined before {cutoff:%Y-%m-%d}: too few to test.")
        for name in names:
            if name not in values:
                problems[name]["does not exist: a table or a column that it needs is not there"] = None
                continue
            if not values[name].equals(again[name]):
                problems[name]["differs when it is computed twice"] = None
            elif not values[name].equals(past[name]):
                changed = len(values[name].compare(past[name]))
                problems[name][
                    f"looks ahead: at {cutoff:%Y-%m-%d %H:%M} the values of {changed:,} customers are others "
                    "without what came after"
                ] = None
    for name in names:
        if name in values and values[name].nunique() <= 1:
            problems[name]["is the same for everybody at the last cutoff, so no model can use it"] = None
    empty = pd.Series(dtype="float64")
    return [FeatureCheck(name, values.get(name, empty), tuple(problems[name])) for name in names]


def _added(dataset: Dataset) -> dict[str, str]:
    """The features that *dataset* adds, and the view that each is computed from."""
    settings = dataset.settings.features
    known = {feature.name for feature in features(settings)}
    every = features(settings, dataset.extension.definitions)
    return {feature.name: feature.view for feature in every if feature.name not in known}


def _features(dataset: Dataset, cutoff: datetime) -> pd.DataFrame:
    added = _added(dataset)
    if {"matrix", "credit"} & set(added.values()):  # they follow from all others, or from the last label
        return frame(features_at(dataset, cutoff))
    return frame(matrix(dataset, cutoff, only=added))
