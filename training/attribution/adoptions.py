"""What happened up to the end of a window, as arrays: customers, their adoptions, and who was in touch.

Days are counted from the start of the window; customers, products and levels of attributes are numbered.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa

from ripple.arrays import Bools, Floats, Ints
from ripple.features.expressions import SECONDS_PER_DAY, age_days, epoch_seconds, sum_or_zero
from ripple.features.tables.contract import CONTRACT
from ripple.features.tables.tables import Tables, union
from ripple.settings import Credit
from ripple.training.attribution.referral_credit import referred

NEVER = np.inf
MOST_LEVELS = 50
"""A text with more levels than this is a name rather than an attribute."""


@dataclass(frozen=True)
class Adoptions:
    """First purchases of a product by a customer, ordered by customer, then product."""

    customer: Ints
    product: Ints
    at: Floats
    value: Floats
    """What the customer paid for the product in the window, refunds subtracted, never below zero."""
    referred: Bools
    """Whether a referral explains it, so that nobody is credited with it as influence."""

    @property
    def size(self) -> int:
        """Number of adoptions."""
        return self.at.size


@dataclass(frozen=True)
class Events:
    """Customers, one entry each, and what they did up to the end of the window."""

    ids: pa.Array
    joined: Floats
    present_until: Floats
    """Last day in sight: last seen, plus the customer's mean gap between events; −∞ if never seen."""
    attributes: Ints
    """Level of each attribute (second axis)."""
    products: int
    adoptions: Adoptions
    since: float
    """Day, at most 0, from which adoptions are looked at to learn how influence works."""
    days: float
    """Length of the window."""

    @property
    def customers(self) -> int:
        """Number of customers."""
        return self.joined.size

    @property
    def cases(self) -> Ints:
        """Positions of the adoptions that are looked at: those in the window, and before it since `since`."""
        at = self.adoptions.at
        return np.flatnonzero((at > self.since) & (at <= self.days))

    @cached_property
    def _keys(self) -> Ints:
        """Ascending customer·products + product of all adoptions, and a last one that is none."""
        return np.append(self.adoptions.customer * self.products + self.adoptions.product, -1)

    def adoption_of(self, customer: Ints, product: Ints) -> Ints:
        """Position of the adoption of each (customer, product), or −1."""
        wanted = customer * self.products + product
        position = np.searchsorted(self._keys[:-1], wanted)
        return np.where(self._keys[position] == wanted, position, -1)

    def with_times(self, at: Floats) -> Events:
        """The same, adopted on other days."""
        return replace(self, adoptions=replace(self.adoptions, at=at))


def read(tables: Tables, start: datetime, end: datetime, credit: Credit) -> Events:
    """Read everything up to *end*, of a window that begins at *start*."""
    customers = _customers(tables, start, end)
    orders = tables["orders"].filter(tables["orders"].ordered_at <= end)
    bought = orders.group_by("customer_id", "product").aggregate(
        at=-age_days(orders.ordered_at.min(), start),
        value=sum_or_zero(orders.revenue, orders.ordered_at > start),
    )
    bought = bought.to_pyarrow()
    ids = pd.Index(customers["customer_id"])
    products, names = pd.factorize(bought["product"].to_pandas(), sort=True)
    customer = ids.get_indexer(bought["customer_id"].to_pandas())
    known = np.flatnonzero(customer >= 0)
    order = known[np.lexsort((products[known], customer[known]))]
    customer, at = customer[order], bought["at"].to_numpy()[order]
    joined = customers["joined"].to_numpy(np.float64)
    brought_in = np.zeros(len(ids), dtype=bool)
    if "interactions" in tables:
        brought_in = ids.isin(referred(tables, end).target_id.to_pyarrow().to_pandas())
    return Events(
        ids=pa.array(customers["customer_id"], type=pa.string()),
        joined=joined,
        present_until=_present_until(customers),
        attributes=_attributes(tables, ids),
        products=len(names),
        adoptions=Adoptions(
            customer,
            products[order],
            at,
            np.maximum(bought["value"].to_numpy()[order], 0.0),
            brought_in[customer] & (at - joined[customer] <= credit.referral_days),
        ),
        since=max(-credit.lookback_days, min(float(at.min(initial=0.0)), 0.0) - 1.0),
        days=(end - start).total_seconds() / SECONDS_PER_DAY,
    )


def _customers(tables: Tables, start: datetime, end: datetime) -> pd.DataFrame:
    """One row per customer who had joined by *end*, in an order that does not hang on the ids."""
    customers, seen = tables["customers"], _seen(tables, end)
    activity = seen.group_by("customer_id").aggregate(
        events=seen.count(), last=-age_days(seen.at.max(), start), spread=epoch_seconds(seen.at).sum()
    )
    joined = customers.filter(customers.joined_at <= end)
    rows = joined.left_join(activity, "customer_id").select(
        joined.customer_id,
        "events",
        "last",
        "spread",
        joined=-age_days(joined.joined_at, start),
    )
    frame = rows.to_pyarrow().to_pandas()
    return frame.sort_values(["joined", "events", "last", "spread", "customer_id"], ignore_index=True)


def _seen(tables: Tables, end: datetime) -> ir.Table:
    """Every sign of life of a customer: orders, use, and interactions they began."""
    orders = tables["orders"]
    parts = [orders.select("customer_id", at=orders.ordered_at)]
    if "usage" in tables:
        parts.append(tables["usage"].select("customer_id", at=tables["usage"].occurred_at))
    if "interactions" in tables:
        begun = tables["interactions"]
        parts.append(begun.select(customer_id=begun.source_id, at=begun.occurred_at))
    seen = union(parts)
    return seen.filter(seen.at <= end)


def _present_until(customers: pd.DataFrame) -> Floats:
    last, joined = customers["last"].to_numpy(np.float64), customers["joined"].to_numpy(np.float64)
    events = customers["events"].fillna(0).to_numpy(np.float64)
    gap = np.maximum(last - joined, 0.0) / np.maximum(events, 1)
    return np.where(events > 0, last + gap, -NEVER)


def _attributes(tables: Tables, ids: pd.Index) -> Ints:
    contract = {column.name for column in CONTRACT["customers"].columns}
    names = [name for name in tables["customers"].columns if name not in contract]
    frame = tables["customers"].select("customer_id", *names).to_pyarrow().to_pandas()
    frame = frame.set_index("customer_id").reindex(ids)
    levels = [level for name in names if (level := _levels(frame[name])) is not None]
    return np.stack(levels, axis=1) if levels else np.empty((len(ids), 0), dtype=np.int64)


def _levels(column: pd.Series) -> Ints | None:
    """The level of each customer: numbers by fifths, null as a level of its own; None for a mere name."""
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        numbers = column.to_numpy(np.float64, na_value=np.nan)
        given = np.isfinite(numbers)
        if not given.any():
            return None
        fifths = np.quantile(numbers[given], (0.2, 0.4, 0.6, 0.8))
        return np.where(given, 1 + np.searchsorted(fifths, numbers, side="right"), 0)
    try:
        codes, names = pd.factorize(column)
    except TypeError:
        return None
    return codes.astype(np.int64) + 1 if len(names) <= MOST_LEVELS else None
