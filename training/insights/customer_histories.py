"""Histories of the customers whom the report lists: features, credit, and whom they influenced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pandas as pd

from ripple.features.dataset import Dataset
from ripple.models.bundle import Bundle
from ripple.training.attribution.credited_pairs import credited_pairs
from ripple.training.examples.examples import Examples

MIN_LISTED, MAX_LISTED = 25, 200
"""The numbers of customers that are listed at least and at most; between them, all of the top are listed."""


@dataclass(frozen=True)
class CustomerHistories:
    """The histories of the listed customers: all that is known of them apart from their scores.

    Attributes:
        features, labels: indexed by customer_id and cutoff, without rows for cutoffs before the customer
            joined.
        influenced: see `attribution.credited_pairs`; of the latest closed window, from `start` to `end`, whom
            they influenced.
        influencers: the same table of those who influenced them, whoever these are.
    """

    features: pd.DataFrame = field(default_factory=pd.DataFrame)
    labels: pd.DataFrame = field(default_factory=pd.DataFrame)
    influenced: pd.DataFrame = field(default_factory=pd.DataFrame)
    start: datetime | None = None
    end: datetime | None = None
    influencers: pd.DataFrame = field(default_factory=pd.DataFrame)


def listed_customers(scores: pd.DataFrame) -> pd.DataFrame:
    """The rows of *scores* of the customers that are listed one by one, the best first."""
    members = int(scores["top_member"].sum())
    return scores.nsmallest(min(max(members, MIN_LISTED), MAX_LISTED), "rank")


def customer_histories(
    dataset: Dataset,
    examples: Mapping[datetime, Examples],
    latest: datetime,
    customers: Sequence[str],
    bundle: Bundle,
) -> CustomerHistories:
    """The histories of *customers*; *latest* is the last cutoff whose window has closed.

    Levels of categories have the values of *bundle*.
    """
    parts = {cutoff: _rows_of(one, customers, bundle) for cutoff, one in sorted(examples.items())}
    features, labels = (
        pd.concat({cutoff: part[i] for cutoff, part in parts.items()}, names=["cutoff"])
        .swaplevel()
        .sort_index()
        for i in (0, 1)
    )
    end = latest + timedelta(days=dataset.settings.horizon_days)
    pairs = credited_pairs(dataset.tables.until(end), latest, end, dataset.settings, customers, customers)
    influenced, influencers = (
        pairs[pairs[side].isin(list(customers))].reset_index(drop=True) for side in ("source_id", "target_id")
    )
    return CustomerHistories(features, labels, influenced, latest, end, influencers)


def _rows_of(
    examples: Examples, customers: Sequence[str], bundle: Bundle
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Features and labels of those of *customers* who are among *examples*."""
    mask = examples.rows.index.isin(list(customers))
    features = bundle.encode(examples.rows.where(mask).frame(), examples.attributes)
    return features, examples.labels[mask]
