"""Purchases of customers, and what they caused, in one closed period, and what was known at its start."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from ripple.features.dataset import Dataset
from ripple.training.attribution.feature_adoptions import FeatureAdoptions, feature_adoptions
from ripple.training.examples.cutoffs import Schedule
from ripple.training.examples.examples import Examples, frame, labels_at
from ripple.training.examples.targets import direct_value_target


@dataclass(frozen=True)
class Period:
    """One entry per customer who had joined by `start`.

    Attributes:
        start, days: when it began and how long it was.
        direct_value: what each customer paid, in currency.
        orders: number of orders of each that are no refunds.
        network_value: what is credited to each of what others paid, in currency.
        influenced_purchases, influenced_customers: expected numbers that are credited to each.
        engagement: share of customers who were less engaged at `start`; None without usage.
        advanced: mask of those who used more than 80 % of the advanced features by `start`; None without
            tiers.
        influenced_adopters: expected number of distinct others whom each moved to use a feature.
        feature_adoptions: the label that they come from, with placebos. Both are None without usage, and
            where they were not wanted.
    """

    start: datetime
    days: int
    direct_value: np.ndarray
    orders: np.ndarray
    network_value: np.ndarray
    influenced_purchases: np.ndarray
    influenced_customers: np.ndarray
    engagement: np.ndarray | None
    advanced: np.ndarray | None
    influenced_adopters: np.ndarray | None = None
    feature_adoptions: FeatureAdoptions | None = None


def period(dataset: Dataset, examples: Examples, days: int, with_features: bool = False) -> Period:
    """The *days* from the cutoff of *examples*, in the order of its rows.

    Args:
        with_features: whether to credit first uses of features too, which takes a label and two placebos.
    """
    start, features = examples.cutoff, examples.features
    horizon = dataset.settings.model_copy(update={"horizon_days": days})
    labels = frame(labels_at(replace(dataset, settings=horizon), start)).reindex(features.index)
    inside = dataset.tables.orders_in(start, start + timedelta(days=days))
    counts = inside.group_by("customer_id").aggregate(orders=inside.count(where=inside.revenue > 0))
    orders = frame(counts)["orders"].reindex(features.index).fillna(0)
    end = start + timedelta(days=days)
    adopted = (
        feature_adoptions(dataset.tables, start, end, dataset.settings, placebos=True)
        if with_features
        else None
    )
    engagement = f"engagement_percentile_{max(dataset.settings.features.windows_days)}d"
    return Period(
        start,
        days,
        direct_value_target(labels),
        orders.to_numpy(np.float64),
        labels["network_value"].to_numpy(),
        labels["influenced_purchases"].to_numpy(),
        labels["influenced_customers"].to_numpy(),
        _column(features, engagement) if engagement in features else None,
        _column(features, "advanced_power_user") > 0 if "advanced_power_user" in features else None,
        _column(adopted.credited.reindex(features.index), "influenced_adopters") if adopted else None,
        adopted,
    )


def _column(features: pd.DataFrame, name: str) -> np.ndarray:
    return features[name].fillna(0.0).to_numpy()


def latest_start(schedule: Schedule, end: datetime, days: int) -> datetime | None:
    """The latest cutoff of the grid with so many *days* of data after it; None if there is none."""
    return max((cutoff for cutoff in schedule.grid if cutoff + timedelta(days=days) <= end), default=None)
