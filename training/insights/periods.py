"""What customers did and made others do in one closed period, and what was known of them when it began."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from ripple.features.dataset import Dataset
from ripple.training.examples.cutoffs import Schedule
from ripple.training.examples.examples import Examples, frame, labels_at
from ripple.training.insights.spend import spent


@dataclass(frozen=True)
class Period:
    """One entry per customer who was there at `start`.

    Attributes:
        start, days: when it began and how long it was.
        spent, orders: what each customer paid, and how often they bought.
        brought, purchases, influenced: network value, and expected numbers of purchases and of customers,
            that are credited to each.
        engagement: share of customers who were less engaged at `start`; None without usage.
        advanced: who used more than 80 % of the advanced features by `start`; None without tiers.
    """

    start: datetime
    days: int
    spent: np.ndarray
    orders: np.ndarray
    brought: np.ndarray
    purchases: np.ndarray
    influenced: np.ndarray
    engagement: np.ndarray | None
    advanced: np.ndarray | None


def period(dataset: Dataset, known: Examples, days: int) -> Period:
    """The *days* from the cutoff of *known*, in the order of its rows."""
    start, features = known.cutoff, known.features
    horizon = dataset.settings.model_copy(update={"horizon_days": days})
    labels = frame(labels_at(replace(dataset, settings=horizon), start)).reindex(features.index)
    inside = dataset.tables.orders_in(start, start + timedelta(days=days))
    counted = inside.group_by("customer_id").aggregate(orders=inside.count(where=inside.revenue > 0))
    orders = frame(counted)["orders"].reindex(features.index).fillna(0)
    engagement = f"engagement_percentile_{max(dataset.settings.features.windows_days)}d"
    return Period(
        start,
        days,
        spent(labels),
        orders.to_numpy(np.float64),
        labels["network_value"].to_numpy(),
        labels["influenced_purchases"].to_numpy(),
        labels["influenced_customers"].to_numpy(),
        _column(features, engagement) if engagement in features else None,
        _column(features, "advanced_power_user") > 0 if "advanced_power_user" in features else None,
    )


def _column(features: pd.DataFrame, name: str) -> np.ndarray:
    return features[name].fillna(0.0).to_numpy()


def begun(plan: Schedule, end: datetime, days: int) -> datetime | None:
    """The latest cutoff that teaches and has so many *days* of data after it; None if there is none."""
    return max((cutoff for cutoff in plan.grid if cutoff + timedelta(days=days) <= end), default=None)
