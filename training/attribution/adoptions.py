"""First purchases or first uses up to the end of a window, and the customers who could make them, as arrays.

Days are counted from the start of the window. Customers, products and levels of attributes are numbered from
0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa

from ripple.arrays import Bools, Floats, Ints
from ripple.features.expressions import SECONDS_PER_DAY, age_days, epoch_seconds, sum_or_zero
from ripple.features.rollup.daily import used
from ripple.features.tables.contract import CONTRACT
from ripple.features.tables.tables import Tables, union
from ripple.settings import Credit
from ripple.training.attribution.referral_credit import referrals

MAX_LEVELS = 50
"""The number of levels up to which a text column counts as an attribute; with more it is a name."""


@dataclass(frozen=True)
class Outcome:
    """What is adopted: products by a first purchase, or features of a product by a first use.

    The words are those of purchases; for `FEATURE_USES`, a product is a feature and its value a count of one.
    """

    adoptions: Callable[[Tables, datetime, datetime], ir.Table]
    """The first time up to the end of a window that each customer has each product: `customer_id`, `product`,
    `day` since the start of the window, and `value`."""
    explained_by_referrals: bool
    """Whether the referrer of a customer is credited with their adoptions already."""
    counted: bool
    """Whether the value of an adoption comes with it, rather than over the rest of the window."""
    by_tenure: bool
    """Whether the model of who adopts looks at time since joining: who has just come tries much at once, and
    is exposed to all who are there."""


def _first_purchases(tables: Tables, start: datetime, end: datetime) -> ir.Table:
    orders = tables["orders"].filter(tables["orders"].ordered_at <= end)
    return orders.group_by("customer_id", "product").aggregate(
        day=-age_days(orders.ordered_at.min(), start),
        value=sum_or_zero(orders.revenue, orders.ordered_at > start),
    )


def _first_uses(tables: Tables, start: datetime, end: datetime) -> ir.Table:
    usage = used(tables["usage"].filter(tables["usage"].occurred_at <= end))
    return usage.group_by("customer_id", product="feature").aggregate(
        day=-age_days(usage.occurred_at.min(), start), value=ibis.literal(1.0)
    )


PURCHASES = Outcome(_first_purchases, explained_by_referrals=True, counted=False, by_tenure=False)
FEATURE_USES = Outcome(_first_uses, explained_by_referrals=False, counted=True, by_tenure=True)


@dataclass(frozen=True)
class Adoptions:
    """First purchases of a product by a customer, one entry each, ordered by customer, then product."""

    customer: Ints
    product: Ints
    day: Floats
    value: Floats
    """The amount that the customer paid for the product in the window, refunds subtracted, at least zero."""
    referred: Bools
    """A mask of the adoptions that a referral explains, so that nobody is credited with them as influence."""

    @property
    def size(self) -> int:
        """Number of adoptions."""
        return self.day.size


@dataclass(frozen=True)
class AdoptionHistory:
    """Customers, one entry each, and their adoptions up to the end of the window."""

    customer_ids: pa.Array
    joined: Floats
    """Day on which each customer joined."""
    observed_until: Floats
    """Last day at risk: of the last event, plus the customer's mean gap between events; −∞ without events."""
    attribute_levels: Ints
    """Level of each customer (first axis) in each attribute (second axis)."""
    product_count: int
    adoptions: Adoptions
    estimation_start: float
    """Day, at most 0, after which adoptions are cases from which influence is estimated."""
    window_length: float
    """Length of the window in days, and so the day on which it ends."""
    studied: Bools | None = None
    """A mask of the customers whose adoptions may be cases, where not those of all may."""
    outcome: Outcome = PURCHASES
    product_names: tuple[str, ...] = ()
    """Name of each product, by its number; empty where they are not known."""

    @property
    def customer_count(self) -> int:
        """Number of customers."""
        return self.joined.size

    @cached_property
    def cases(self) -> Ints:
        """Indices of the adoptions after `estimation_start` and up to the end of the window."""
        day = self.adoptions.day
        inside = (day > self.estimation_start) & (day <= self.window_length)
        if self.studied is not None:
            inside &= self.studied[self.adoptions.customer]
        return np.flatnonzero(inside)

    @cached_property
    def _keys(self) -> Ints:
        """Ascending customer × product_count + product of all adoptions, and a last one that is none."""
        return np.append(self.adoptions.customer * self.product_count + self.adoptions.product, -1)

    def adoption_index(self, customer: Ints, product: Ints) -> Ints:
        """Index of the adoption of each (customer, product), or −1."""
        key = customer * self.product_count + product
        index = np.searchsorted(self._keys[:-1], key)
        return np.where(self._keys[index] == key, index, -1)

    def of_customers(self, studied: Bools) -> AdoptionHistory:
        """The same history, in which only customers of this mask are at risk; any may be the cause."""
        return replace(self, studied=studied, observed_until=np.where(studied, self.observed_until, -np.inf))

    def with_adoption_days(self, day: Floats) -> AdoptionHistory:
        """The same history with each adoption on another day."""
        return replace(self, adoptions=replace(self.adoptions, day=day))


def read_history(
    tables: Tables, start: datetime, end: datetime, credit: Credit, outcome: Outcome = PURCHASES
) -> AdoptionHistory:
    """Everything up to *end*, of a window that begins at *start*."""
    customers = _customers(tables, start, end)
    purchases = outcome.adoptions(tables, start, end).to_pyarrow()
    ids = pd.Index(customers["customer_id"])
    products, product_names = pd.factorize(purchases["product"].to_pandas(), sort=True)
    customer = ids.get_indexer(purchases["customer_id"].to_pandas())
    known = np.flatnonzero(customer >= 0)
    order = known[np.lexsort((products[known], customer[known]))]
    customer, day = customer[order], purchases["day"].to_numpy()[order]
    joined = customers["joined"].to_numpy(np.float64)
    was_referred = np.zeros(len(ids), dtype=bool)
    if outcome.explained_by_referrals and "interactions" in tables:
        was_referred = ids.isin(referrals(tables, end).target_id.to_pyarrow().to_pandas())
    return AdoptionHistory(
        customer_ids=pa.array(customers["customer_id"], type=pa.string()),
        joined=joined,
        observed_until=_observed_until(customers),
        attribute_levels=_attribute_levels(tables, ids),
        product_count=len(product_names),
        adoptions=Adoptions(
            customer,
            products[order],
            day,
            np.maximum(purchases["value"].to_numpy()[order], 0.0),
            was_referred[customer] & (day - joined[customer] <= credit.referral_days),
        ),
        estimation_start=max(-credit.lookback_days, min(float(day.min(initial=0.0)), 0.0) - 1.0),
        window_length=(end - start).total_seconds() / SECONDS_PER_DAY,
        outcome=outcome,
        product_names=tuple(map(str, product_names)),
    )


def _customers(tables: Tables, start: datetime, end: datetime) -> pd.DataFrame:
    """One row per customer who had joined by *end*, in an order that does not depend on the ids."""
    customers, events = tables["customers"], _activity(tables, end)
    activity = events.group_by("customer_id").aggregate(
        events=events.count(), last=-age_days(events.at.max(), start), spread=epoch_seconds(events.at).sum()
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


def _activity(tables: Tables, end: datetime) -> ir.Table:
    """Every event that shows that a customer is active: orders, use, and interactions they began."""
    orders = tables["orders"]
    parts = [orders.select("customer_id", at=orders.ordered_at)]
    if "usage" in tables:
        usage = used(tables["usage"])
        parts.append(usage.select("customer_id", at=usage.occurred_at))
    if "interactions" in tables:
        interactions = tables["interactions"]
        parts.append(interactions.select(customer_id=interactions.source_id, at=interactions.occurred_at))
    events = union(parts)
    return events.filter(events.at <= end)


def _observed_until(customers: pd.DataFrame) -> Floats:
    last, joined = customers["last"].to_numpy(np.float64), customers["joined"].to_numpy(np.float64)
    events = customers["events"].fillna(0).to_numpy(np.float64)
    gap = np.maximum(last - joined, 0.0) / np.maximum(events, 1)
    return np.where(events > 0, last + gap, -np.inf)


def _attribute_levels(tables: Tables, ids: pd.Index) -> Ints:
    contract = {column.name for column in CONTRACT["customers"].columns}
    names = [name for name in tables["customers"].columns if name not in contract]
    frame = tables["customers"].select("customer_id", *names).to_pyarrow().to_pandas()
    frame = frame.set_index("customer_id").reindex(ids)
    columns = [levels for name in names if (levels := _levels(frame[name])) is not None]
    return np.stack(columns, axis=1) if columns else np.empty((len(ids), 0), dtype=np.int64)


def _levels(column: pd.Series) -> Ints | None:
    """Level of each customer: numbers by fifths, null as level 0; None for a column that is no attribute."""
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        numbers = column.to_numpy(np.float64, na_value=np.nan)
        finite = np.isfinite(numbers)
        if not finite.any():
            return None
        edges = np.quantile(numbers[finite], (0.2, 0.4, 0.6, 0.8))
        return np.where(finite, 1 + np.searchsorted(edges, numbers, side="right"), 0)
    try:
        codes, names = pd.factorize(column)
    except TypeError:
        return None
    return codes.astype(np.int64) + 1 if len(names) <= MAX_LEVELS else None
