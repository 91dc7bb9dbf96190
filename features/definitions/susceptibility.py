"""Susceptibility: how much a customer follows others (Aral & Walker 2012)."""

from __future__ import annotations

from datetime import datetime

import ibis
import ibis.expr.types as ir

from ripple.features.definition import feature
from ripple.features.expressions import ratio


@feature("susceptibility", "share", empty=None)
def followed_purchases(contacts: ir.Table, as_of: datetime, days: int) -> ir.Value:
    """Share of the first purchases of the last {days} days that somebody in touch had made before."""
    return ratio(contacts[f"followed_{days}d"], contacts[f"made_{days}d"])


@feature("susceptibility", "purchases")
def purchases_to_follow(contacts: ir.Table, as_of: datetime) -> ir.Value:
    """Purchases still to follow: products that a customer who reaches them has and they lack."""
    return contacts.to_follow


@feature("susceptibility", "purchases")
def recent_purchases_to_follow(contacts: ir.Table, as_of: datetime, days: int) -> ir.Value:
    """Purchases still to follow, of what those who reach them first bought in the last {days} days."""
    return contacts[f"to_follow_{days}d"]


@feature("susceptibility", "flag")
def was_referred(referred: ir.Table, as_of: datetime) -> ir.Value:
    """1 for a customer whom another one brought in, else 0."""
    return ibis.ifelse(referred.count() > 0, 1.0, 0.0)
