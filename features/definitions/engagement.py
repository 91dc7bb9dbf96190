"""Engagement: how recently, how often and how steadily a customer uses the product."""

from __future__ import annotations

from datetime import datetime

import ibis
import ibis.expr.types as ir

from ripple.features.definition import feature
from ripple.features.expressions import bit_or, ratio

MAX_WEEKS = 52


@feature("engagement", "days", empty=None)
def days_since_last_use(usage: ir.Table, as_of: datetime) -> ir.Value:
    """Days since the customer last used anything, 1 on the last day. Those who have stopped reach nobody."""
    return usage.age.min()


@feature("engagement", "days", empty=None)
def days_since_first_use(usage: ir.Table, as_of: datetime) -> ir.Value:
    """Days since the customer first used anything. Experience takes time to become advice."""
    return usage.age.max()


@feature("engagement", "events")
def events(usage: ir.Table, as_of: datetime, days: int) -> ir.Value:
    """Usage events in the last {days} days. Volume moderates contagion (Iyengar et al. 2011)."""
    return _events(usage, days)


@feature("engagement", "days")
def active_days(usage: ir.Table, as_of: datetime, days: int) -> ir.Value:
    """Distinct days with any use in the last {days} days: a habit rather than a burst."""
    return usage.count(where=usage.fresh & (usage.age <= days))


@feature("engagement", "users", needs=("user_id",))
def active_users(users: ir.Table, as_of: datetime, days: int) -> ir.Value:
    """Distinct people at the customer with any use in the last {days} days: how deep it is rooted."""
    return users.count(where=users.age <= days)


@feature("engagement", "ratio", empty=None)
def usage_trend(usage: ir.Table, as_of: datetime, days: int) -> ir.Value:
    """Events of the last {days} days ÷ those of the last two times {days}: 0.5 is steady, 0 has stopped."""
    return ratio(_events(usage, days), _events(usage, 2 * days))


@feature("engagement", "weeks")
def weeks_in_a_row(usage: ir.Table, as_of: datetime) -> ir.Value:
    """Weeks in a row with any use, counted back from the cutoff, 52 at most: a habit that holds."""
    bit = (ibis.literal(2.0) ** ((usage.age - 1) // 7)).cast("int64")
    used = bit_or(ibis.ifelse(usage.age <= 7 * MAX_WEEKS, bit, 0)).fill_null(0)
    # the lowest bit that is not set comes after as many weeks
    return ((used + 1) & ~used).cast("float64").log2().round()


@feature("engagement", "share", needs=("active_days_{days}d",))
def engagement_percentile(matrix: ir.Table, as_of: datetime, days: int) -> ir.Value:
    """Share of customers with fewer active days in the last {days} days."""
    return ibis.percent_rank().over(order_by=matrix[f"active_days_{days}d"])


def _events(usage: ir.Table, days: int) -> ir.Value:
    return usage.events.sum(where=usage.age <= days).fill_null(0)
