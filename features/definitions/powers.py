"""The three powers of the Gartner note: referent, informational and expert (French & Raven 1959)."""

from __future__ import annotations

from datetime import datetime

import ibis.expr.types as ir

from ripple.features.definition import feature
from ripple.features.expressions import ratio, sum_or_zero


@feature("power", "customers")
def reach(contacts: ir.Table, as_of: datetime, power: str) -> ir.Value:
    """Distinct customers reached by {power} interactions. Reach is not strength (Hinz et al. 2011)."""
    return contacts[f"{power}_reach"]


@feature("power", "recent contacts")
def strength(contacts: ir.Table, as_of: datetime, power: str) -> ir.Value:
    """Decayed weight of the customer's {power} interactions: how often and how lately they reach others."""
    return contacts[f"{power}_strength"]


@feature("power", "share", empty=None)
def reciprocity(contacts: ir.Table, as_of: datetime, power: str) -> ir.Value:
    """Share of those reached by {power} interactions who also reach back: peers rather than an audience."""
    return ratio(contacts[f"{power}_mutual"], contacts[f"{power}_reach"])


@feature("referent", "customers")
def referrals(invited: ir.Table, as_of: datetime) -> ir.Value:
    """Customers brought in by a referral of this customer."""
    return invited.count()


@feature("referent", "customers")
def recent_referrals(invited: ir.Table, as_of: datetime, days: int) -> ir.Value:
    """Customers brought in during the last {days} days."""
    return invited.count(where=invited.age <= days)


@feature("referent", "customers")
def paying_referrals(invited: ir.Table, as_of: datetime) -> ir.Value:
    """Customers brought in who have spent anything: some newcomers never buy."""
    return invited.count(where=invited.revenue > 0)


@feature("referent", "customers")
def buying_referrals(invited: ir.Table, as_of: datetime, days: int) -> ir.Value:
    """Customers brought in who bought in the last {days} days: value to come rests on those still there."""
    return invited.count(where=(invited.last_order_age <= days).fill_null(False))


@feature("referent", "customers", needs=("last_use_age",))
def active_referrals(invited: ir.Table, as_of: datetime, days: int) -> ir.Value:
    """Customers brought in who used anything in the last {days} days."""
    return invited.count(where=(invited.last_use_age <= days).fill_null(False))


@feature("referent", "currency")
def referral_revenue(invited: ir.Table, as_of: datetime) -> ir.Value:
    """What the customers brought in have spent so far."""
    return sum_or_zero(invited.revenue)


@feature("referent", "currency")
def recent_referral_revenue(invited: ir.Table, as_of: datetime, days: int) -> ir.Value:
    """What the customers brought in spent in the last {days} days."""
    return sum_or_zero(invited[f"revenue_{days}d"])


@feature("referent", "currency")
def best_referral(invited: ir.Table, as_of: datetime) -> ir.Value:
    """What the best customer brought in has spent: value rests on few."""
    return invited.revenue.max()
