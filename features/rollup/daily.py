"""Daily tables: what happened, rolled up by customer and day, from which every cutoff is answered.

Each function rolls up one table, named by its parameter: a table of the contract, or another daily table.
Customers go by number; `day` is the day of the event and `known` the day on which it was known, both as whole
days since 1970 (UTC). A cutoff at midnight sees the rows whose `known` lies before it.

They are made month by month. What is made of a table of the contract is split by the month in which its rows
became known, so that a late row changes no month before; what is made of a daily table, by the month of their
day. A function sees the rows of one month only and, if it has a second parameter, what it made of the months
before. A row that holds only until another one is known has that day in `until`. Rows are in the order of
customers, which makes grouping by customer four times as cheap.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from ripple.features.expressions import fixed, total

WHEN = ("day", "known")
ALWAYS, NEVER = (ibis.literal(day, "int32") for day in (-(2**31), 2**31 - 1))
"""The days that stand for "known since ever" and "known for ever"."""


def members(customers: ir.Table) -> ir.Table:
    """Customers, with their id and the day they joined."""
    return customers.select("customer", "customer_id", *WHEN)


def releases(catalog: ir.Table) -> ir.Table:
    """Features of the catalogue: whether each is advanced and, where it is known, the day of its release."""
    released = {"released": catalog.day} if "released_at" in catalog.columns else {}
    known = catalog.known.fill_null(ALWAYS)
    return catalog.select("feature", "day", known=known, advanced=catalog.tier == "advanced", **released)


def used(usage: ir.Table) -> ir.Table:
    """The rows of usage that tell of any use: those of a quantity of zero do not."""
    if "quantity" not in usage.columns:
        return usage
    return usage.filter(usage.quantity.isnull() | (usage.quantity > 0))


def feature_days(usage: ir.Table) -> ir.Table:
    """Events by customer and feature: the sum of quantities, where they are given; else each row is one."""
    usage = used(usage)
    events = _sum(usage.quantity.fill_null(1.0)) if "quantity" in usage.columns else usage.count()
    return usage.group_by("customer", "feature", *WHEN).aggregate(events=events)


def active_days(feature_days: ir.Table) -> ir.Table:
    """Events by customer; `fresh` where no row of the same customer and day was known before."""
    events = feature_days.events.sum()
    if feature_days.events.type().is_decimal():
        events = fixed(events)
    days = feature_days.group_by("customer", *WHEN).aggregate(events=events)
    on_time, late = _by_delay(days)
    first = late.known.min().over(ibis.window(group_by=["customer", "day"]))
    late = late.mutate(first=late.known == first)
    on_time_days = on_time.select("customer", "day", on_time=True)
    late = late.left_join(on_time_days, ["customer", "day"]).select(
        *days.columns, fresh=lambda joined: joined.first & joined.on_time.isnull()
    )
    return on_time.mutate(fresh=True).union(late)


def user_days(usage: ir.Table) -> ir.Table:
    """People at the customer with any use."""
    return used(usage).filter(usage.user_id.notnull()).select("customer", "user_id", *WHEN).distinct()


def first_uses(feature_days: ir.Table, before: ir.Table | None) -> ir.Table:
    """The first use of a feature by a customer, as far as was known then."""
    return _first(feature_days, before, "customer", "feature")


def order_days(orders: ir.Table) -> ir.Table:
    """Paid orders, revenue and margin by customer and product; `margin_revenue` is that of known margin.

    Lines of one order of a day are one order, which counts with the first of its products.
    """
    margin, starts_order = {}, orders.revenue > 0
    if "order_id" in orders.columns:
        lines = ibis.window(group_by=["customer", "order_id", *WHEN, starts_order], order_by="product")
        starts_order &= orders.order_id.isnull() | (ibis.row_number().over(lines) == 0)
    orders = orders.mutate(starts_order=starts_order)
    if "margin" in orders.columns:
        margin["margin"] = _sum(orders.margin)
        margin["margin_revenue"] = _sum(orders.revenue, orders.margin.notnull())
    return orders.group_by("customer", "product", *WHEN).aggregate(
        orders=orders.count(where=orders.starts_order),
        revenue=_sum(orders.revenue),
        **margin,
    )


def first_purchases(order_days: ir.Table, before: ir.Table | None) -> ir.Table:
    """The first purchase of a product by a customer, as far as was known then."""
    return _first(order_days, before, "customer", "product")


def contact_days(interactions: ir.Table) -> ir.Table:
    """Weight of the interactions, referrals apart, by source (`customer`), target and kind."""
    weight = interactions.weight.fill_null(1.0) if "weight" in interactions.columns else 1.0
    contacts = interactions.filter(interactions.kind != "referral").mutate(weight=weight)
    return contacts.group_by("customer", "target", "kind", *WHEN).aggregate(weight=total(contacts.weight))


def referrals(interactions: ir.Table) -> ir.Table:
    """The referrals: `customer` brought in `target`."""
    return interactions.filter(interactions.kind == "referral").select("customer", "target", *WHEN)


def feedback_days(feedback: ir.Table) -> ir.Table:
    """Scores by customer: how many, their sum and the worst."""
    return feedback.group_by("customer", *WHEN).aggregate(
        given=feedback.count(), total=_sum(feedback.score), worst=feedback.score.min()
    )


def _sum(value: ir.Value, where: ir.BooleanValue | None = None) -> ir.DecimalScalar:
    """Sum in fixed point, kept in it."""
    return fixed(fixed(value).sum(where=where))


def _first(rows: ir.Table, before: ir.Table | None, *pair: str) -> ir.Table:
    """By pair, the rows with an earlier day than all that were known before: one of them holds at a time."""
    first = rows.group_by(*pair).aggregate(day=rows.day.min(), known=rows.known.min())
    on_time, late = _by_delay(first)
    days = rows.semi_join(late, pair).group_by(*pair, "known").aggregate(day=lambda days: days.day.min())
    earliest = days.day.min().over(ibis.window(group_by=pair, order_by="known", preceding=(None, 1)))
    days = days.mutate(earliest=earliest).filter(
        lambda days: days.earliest.isnull() | (days.day < days.earliest)
    )
    following = days.known.lead().over(ibis.window(group_by=pair, order_by="known"))
    firsts = on_time.mutate(until=NEVER).union(
        days.select(*on_time.columns, until=following.fill_null(NEVER))
    )
    if before is None:
        return firsts
    before_on_time, before_late = _by_delay(before)
    since = before_late.group_by(*pair).aggregate(since=before_late.known.min())
    firsts = firsts.anti_join(before_on_time, pair).left_join(since, pair)
    since = firsts.since.fill_null(NEVER)
    return firsts.filter(firsts.known < since).select(*on_time.columns, until=ibis.least(firsts.until, since))


def _by_delay(rows: ir.Table) -> tuple[ir.Table, ir.Table]:
    """Rows known on their day, and those known later, which are few: nothing is known before its day."""
    return rows.filter(rows.known == rows.day), rows.filter(rows.known > rows.day)


@dataclass(frozen=True)
class Daily:
    """The definition of one daily table.

    Attributes:
        build: the function that rolls up the rows of a month.
        needs: optional columns without which the table does not exist.
        order: the columns by which its rows are ordered; its first column if none is given.
    """

    build: Callable[..., ir.Table]
    needs: tuple[str, ...] = ()
    order: tuple[str, ...] = ()

    @property
    def source(self) -> str:
        """The name of the table that is rolled up."""
        return next(iter(inspect.signature(self.build).parameters))

    @property
    def by(self) -> str:
        """Which column of `WHEN` decides the month of a row."""
        return "day" if self.source in DAILY else "known"

    def roll_up(self, rows: ir.Table, before: ir.Table | None = None) -> ir.Table:
        """The daily table of *rows*, given what was made of the months *before* if it looks back."""
        return self.build(rows, before) if self.looks_back else self.build(rows)

    @property
    def looks_back(self) -> bool:
        """Whether the rows of a month depend on those of the months before."""
        return len(inspect.signature(self.build).parameters) > 1


DAILY: Mapping[str, Daily] = {
    daily.build.__name__: daily
    for daily in (
        Daily(members),
        Daily(releases),
        Daily(feature_days),
        Daily(active_days),
        Daily(user_days, needs=("user_id",)),
        Daily(first_uses),
        Daily(order_days),
        Daily(first_purchases),
        Daily(contact_days, order=("customer", "target")),
        Daily(referrals),
        Daily(feedback_days),
    )
}
