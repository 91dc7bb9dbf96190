"""The spend of referred customers, credited to who referred them: a record, not an estimate.

The referrer gets, with probability 1, what the referred customer spends within `referral_days` of joining
(the one-year window of Kumar, Petersen & Leone 2007).
"""

from __future__ import annotations

from datetime import datetime

import ibis
import ibis.expr.types as ir

from ripple.features.expressions import SECONDS_PER_DAY, epoch_seconds, sum_or_zero
from ripple.features.tables.tables import Tables


def referrals(tables: Tables, end: datetime) -> ir.Table:
    """`source_id`, `target_id` and the target's `joined_at` of the referrals recorded up to *end*."""
    interactions, customers = tables["interactions"], tables["customers"]
    recorded = (interactions.kind == "referral") & (interactions.occurred_at <= end)
    pairs = interactions.filter(recorded).select("source_id", "target_id")
    joined = customers.select("joined_at", target_id=customers.customer_id)
    return pairs.join(joined, "target_id")


def referral_credits(referrals: ir.Table, orders: ir.Table, referral_days: float) -> ir.Table:
    """One row per referrer, referred customer and product, of the *orders* of a window."""
    spent = orders.join(referrals, orders.customer_id == referrals.target_id)
    spent = spent.filter(days_between(spent.joined_at, spent.ordered_at) <= referral_days)
    return spent.group_by("source_id", "target_id", "product").aggregate(
        probability=ibis.literal(1.0),
        purchases=spent.count(where=spent.revenue > 0).cast("float64"),
        value=nonnegative_revenue(spent),
    )


def nonnegative_revenue(orders: ir.Table) -> ir.FloatingScalar:
    """Sum of revenue, never below zero: nobody is debited with the refund of an earlier order."""
    return ibis.greatest(sum_or_zero(orders.revenue), ibis.literal(0.0))


def days_between(earlier: ir.Value, later: ir.Value) -> ir.FloatingValue:
    """Days from one moment to another, to the second."""
    return (epoch_seconds(later) - epoch_seconds(earlier)).cast("float64") / SECONDS_PER_DAY
