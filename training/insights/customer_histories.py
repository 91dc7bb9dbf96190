"""The past of the customers whom the report lists: features and credit by cutoff, and whom they moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pandas as pd

from ripple.features.dataset import Dataset
from ripple.training.attribution.credited_pairs import credited_pairs
from ripple.training.examples.examples import Examples

FEWEST, MOST = 25, 200
"""Customers that are listed at least and at most; between them, all of the top."""


@dataclass(frozen=True)
class Histories:
    """What is known of the listed customers beside their scores.

    Attributes:
        features, labels: indexed by customer_id and cutoff; a customer has no row where they had not joined.
        influenced: of the latest closed window, from *start* to *end*; see `attribution.credited_pairs`.
    """

    features: pd.DataFrame = field(default_factory=pd.DataFrame)
    labels: pd.DataFrame = field(default_factory=pd.DataFrame)
    influenced: pd.DataFrame = field(default_factory=pd.DataFrame)
    start: datetime | None = None
    end: datetime | None = None


def listed(scores: pd.DataFrame) -> pd.DataFrame:
    """Scores of the customers that are listed one by one, the best first."""
    members = int(scores["top_member"].sum())
    return scores.nsmallest(min(max(members, FEWEST), MOST), "rank")


def histories(
    dataset: Dataset, examples: Mapping[datetime, Examples], latest: datetime, customers: Sequence[str]
) -> Histories:
    """The past of *customers*; *latest* is the last cutoff whose window has closed."""
    parts = {cutoff: _of(one, customers) for cutoff, one in sorted(examples.items())}
    features, labels = (
        pd.concat({cutoff: part[i] for cutoff, part in parts.items()}, names=["cutoff"])
        .swaplevel()
        .sort_index()
        for i in (0, 1)
    )
    end = latest + timedelta(days=dataset.settings.horizon_days)
    moved = credited_pairs(dataset.tables.until(end), latest, end, dataset.settings, customers)
    return Histories(features, labels, moved, latest, end)


def _of(one: Examples, customers: Sequence[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    there = one.rows.index.isin(list(customers))
    return one.rows.where(there).frame(), one.labels[there]
