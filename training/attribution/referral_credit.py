"""What those whom a customer brought in go on to spend: a record, not an estimate.

The referrer gets, with probability 1, what the referred customer spends within `referral_days` of joining
(the one-year window of Kumar, Petersen & Leone 2007).
"""

from __future__ import annotations

from datetime import datetime

import ibis
import ibis.expr.types as ir

from ripple.features.expressions import SECONDS_PER_DAY, epoch_seconds, sum_or_zero
from ripple.features.tables.tables import Tables


def referred(tables: Tables, end: datetime) -> ir.Table:
    """Referrer, referred customer and when the latter joined, of the referrals seen up to *end*."""
    interactions, customers = tables["interactions"], tables["customers"]
    seen = (interactions.kind == "referral") & (interactions.occurred_at <= end)
    referrals = interactions.filter(seen).select("source_id", "target_id")
    joined = customers.select("joined_at", target_id=customers.customer_id)
    return referrals.join(joined, "target_id")


def referral_credits(referrals: ir.Table, inside: ir.Table, referral_days: float) -> ir.Table:
    """One row per referrer, customer they brought in, and product, of the orders *inside* a window."""
    spent = inside.join(referrals, inside.customer_id == referrals.target_id)
    spent = spent.filter(days_between(spent.joined_at, spent.ordered_at) <= referral_days)
    return spent.group_by("source_id", "target_id", "product").aggregate(
        probability=ibis.literal(1.0),
        purchases=spent.count(where=spent.revenue > 0).cast("float64"),
        value=paid(spent),
    )


def paid(rows: ir.Table) -> ir.FloatingScalar:
    """Revenue, never below zero: a refund of an earlier order is nobody's doing."""
    return ibis.greatest(sum_or_zero(rows.revenue), ibis.literal(0.0))


def days_between(earlier: ir.Value, later: ir.Value) -> ir.FloatingValue:
    """Days from one moment to another, to the second."""
    return (epoch_seconds(later) - epoch_seconds(earlier)).cast("float64") / SECONDS_PER_DAY
