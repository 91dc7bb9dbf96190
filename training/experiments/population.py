"""Who may be treated: the customers of the plays, and whom they reach, as known at a date."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import ibis
import numpy as np
import pandas as pd
import scipy.sparse as sp

from ripple.arrays import Ints
from ripple.features.dataset import Dataset
from ripple.features.expressions import sum_or_zero
from ripple.features.graph.centrality import MIN_LIVE_WEIGHT
from ripple.models.bundle import Bundle
from ripple.training.examples.examples import features_at, frame
from ripple.training.insights.plays import chosen_rules, latest_feedback_age, segments

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Population:
    """The customers of some plays at a date, and whom they reach.

    Attributes:
        candidates: by customer_id in order, `play`, and over the horizon of the settings the expected
            `network_value` and `direct_value`, in currency.
        customers: all customers who had joined, in order; the rows and columns of `ties`.
        ties: by source and target, the decayed weight of contacts; only candidates are sources.
    """

    candidates: pd.DataFrame
    customers: pd.Index
    ties: sp.csr_matrix

    @property
    def numbers(self) -> Ints:
        """The positions of the candidates among the customers."""
        return self.customers.get_indexer(self.candidates.index).astype(np.int64)


def population(dataset: Dataset, moment: datetime, candidates: pd.DataFrame) -> Population:
    """The *candidates* and whom they reach by contacts that were known before *moment*.

    A contact counts by half after `features.half_life_days`, and a tie that is weaker than `MIN_LIVE_WEIGHT`
    is over.
    """
    tables = dataset.tables.before(moment)
    customers = pd.Index(
        tables["customers"]
        .select("customer_id")
        .order_by("customer_id")
        .to_pyarrow()["customer_id"]
        .to_pylist(),
        name="customer_id",
    )
    candidates = candidates[candidates.index.isin(customers)].sort_index()
    contacts = tables["interactions"]
    contacts = contacts.semi_join(
        ibis.memtable(pd.DataFrame({"source_id": candidates.index.astype(str)})), "source_id"
    )
    age = ibis.literal(moment).delta(contacts.occurred_at, unit="hour") / 24
    decayed = 0.5 ** (age / dataset.settings.features.half_life_days)
    weight = contacts.weight.fill_null(1.0) * decayed if "weight" in contacts.columns else decayed
    ties = contacts.group_by("source_id", "target_id").aggregate(weight=sum_or_zero(weight))
    rows = (
        ties.filter(ties.weight >= MIN_LIVE_WEIGHT)
        .order_by("source_id", "target_id")
        .to_pyarrow()
        .to_pandas()
    )
    source, target = customers.get_indexer(rows["source_id"]), customers.get_indexer(rows["target_id"])
    known = (source >= 0) & (target >= 0)
    size = len(customers)
    matrix = sp.csr_matrix(
        (np.round(rows["weight"].to_numpy()[known], 9), (source[known], target[known])), shape=(size, size)
    )
    return Population(candidates, customers, matrix)


def past_candidates(dataset: Dataset, moment: datetime, bundle: Bundle, plays: list[str]) -> pd.DataFrame:
    """Who would have had one of *plays* at *moment*, by the rules of the settings; see `Population`.

    Their network value is scored by *bundle*. In place of expected own spend is that of the horizon before.
    """
    settings = dataset.settings
    features = frame(features_at(dataset, moment))
    spent = own_revenue(dataset, moment - settings.horizon_days * DAY, moment, features.index)
    values = pd.DataFrame(
        {"network_value": bundle.score(features)["network_value"], "direct_value": spent},
        index=features.index,
    )
    rules = settings.plays.rules
    properties = segments(features, _Values(values), settings, latest_feedback_age(dataset, moment))
    chosen = chosen_rules(properties, rules)
    names = np.array([*(rule.play for rule in rules), ""], dtype=object)[chosen]
    return values.assign(play=names)[np.isin(names, plays)]


@dataclass(frozen=True)
class _Values:
    """What rules need of customers, where it is not known how much of network value may be chance."""

    customers: pd.DataFrame
    chance_share: float = 0.0


def own_revenue(dataset: Dataset, start: datetime, end: datetime, customers: pd.Index) -> pd.Series:
    """What each of *customers* spent in (*start*, *end*], by what was known at *end*."""
    orders = dataset.tables.until(end).orders_in(start, end)
    spent = frame(orders.group_by("customer_id").aggregate(revenue=sum_or_zero(orders.revenue)))["revenue"]
    return spent.reindex(customers, fill_value=0.0).astype(np.float64)
