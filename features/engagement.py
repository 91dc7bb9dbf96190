"""Engagement: how recently, how often and how steadily a customer uses the product."""

from __future__ import annotations

from datetime import datetime

import ibis
import ibis.expr.types as ir

from features.registry import feature


@feature("engagement", "days", empty=None)
def days_since_last_use(usage: ir.Table, as_of: datetime) -> ir.Value:
    """Days since the customer last used anything. Those who have stopped reach nobody."""
    return usage.age.min()


@feature("engagement", "days", empty=None)
def days_since_first_use(usage: ir.Table, as_of: datetime) -> ir.Value:
    """Days since the customer first used anything. Experience takes time to become advice."""
    return usage.age.max()


@feature("engagement", "events")
def events(usage: ir.Table, as_of: datetime, days: int) -> ir.Value:
    """Usage events in the last {days} days. Volume moderates contagion (Iyengar et al. 2011)."""
    return usage.count(where=usage.age <= days)


@feature("engagement", "days")
def active_days(usage: ir.Table, as_of: datetime, days: int) -> ir.Value:
    """Distinct days with any use in the last {days} days: a habit rather than a burst."""
    return usage.day.nunique(where=usage.age <= days)


@feature("engagement", "users", needs=("user_id",))
def active_users(usage: ir.Table, as_of: datetime, days: int) -> ir.Value:
    """Distinct people at the customer with any use in the last {days} days: how deep it is rooted."""
    return usage.user_id.nunique(where=usage.age <= days)


@feature("engagement", "ratio", empty=None)
def usage_trend(usage: ir.Table, as_of: datetime, days: int) -> ir.Value:
    """Events of the last {days} days ÷ those of the last two times {days}: 0.5 is steady, 0 has stopped."""
    recent = usage.count(where=usage.age <= days)
    both = usage.count(where=usage.age <= 2 * days)
    return recent.cast("float64") / both.cast("float64").nullif(0.0)


@feature("engagement", "share", needs=("active_days_{days}d",))
def engagement_percentile(matrix: ir.Table, as_of: datetime, days: int) -> ir.Value:
    """Share of customers with fewer active days in the last {days} days."""
    return ibis.percent_rank().over(order_by=matrix[f"active_days_{days}d"])
