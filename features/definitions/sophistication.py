"""Sophistication: how much of the product a customer has mastered, how widely and how early."""

from __future__ import annotations

from datetime import datetime

import ibis
import ibis.expr.types as ir

from ripple.features.definition import feature
from ripple.features.expressions import DECIMALS, ratio, total

POWER_USER_SHARE = 0.8


@feature("sophistication", "features")
def features_ever_used(first_use: ir.Table, as_of: datetime) -> ir.Value:
    """Distinct features ever used: breadth."""
    return first_use.count()


@feature("sophistication", "features", needs=("advanced",))
def advanced_features_used(first_use: ir.Table, as_of: datetime) -> ir.Value:
    """Distinct advanced features ever used."""
    return first_use.count(where=first_use.advanced)


@feature("sophistication", "features")
def features_used(feature_use: ir.Table, as_of: datetime, days: int) -> ir.Value:
    """Distinct features used in the last {days} days: breadth of what is in use now."""
    return feature_use.count(where=feature_use[f"events_{days}d"] > 0)


@feature("sophistication", "share", needs=("advanced",))
def advanced_share(feature_use: ir.Table, as_of: datetime, days: int) -> ir.Value:
    """Share of the events of the last {days} days that used an advanced feature: depth (0 without any)."""
    events = feature_use[f"events_{days}d"]
    return ratio(events.sum(where=feature_use.advanced).fill_null(0), events.sum()).fill_null(0.0)


@feature("sophistication", "share", needs=("advanced",))
def advanced_coverage(first_use: ir.Table, as_of: datetime) -> ir.Value:
    """Advanced features used ÷ advanced features anybody could have used: those released by the cutoff."""
    return ratio(first_use.count(where=first_use.advanced), first_use.advanced_released.max()).fill_null(0.0)


@feature("sophistication", "flag", needs=("advanced",))
def advanced_power_user(first_use: ir.Table, as_of: datetime) -> ir.Value:
    """1 for a customer who has used more than 80 % of the advanced features, else 0."""
    return ibis.ifelse(advanced_coverage(first_use, as_of) > POWER_USER_SHARE, 1.0, 0.0)


@feature("sophistication", "nats", empty=None)
def usage_entropy(feature_use: ir.Table, as_of: datetime, days: int) -> ir.Value:
    """Shannon entropy of the last {days} days' events over features: 0 is one feature only (Shannon 1948)."""
    events = feature_use[f"events_{days}d"].cast("float64")
    count = events.sum()
    weighted = events * events.nullif(0.0).ln().fill_null(0.0)
    # rounded, so that what total() rounds leaves exactly 0 for one feature
    entropy = (count.nullif(0.0).ln() - ratio(total(weighted), count)).round(DECIMALS)
    return ibis.ifelse(entropy <= 0, 0.0, entropy)  # nor below it, nor −0


@feature("sophistication", "days", empty=None, needs=("delay",))
def days_from_release(first_use: ir.Table, as_of: datetime) -> ir.Value:
    """Mean days from a feature's release to the customer's first use of it: innovators are quick."""
    return ratio(first_use.delay.sum(), first_use.delay.count())


@feature("sophistication", "share", empty=None)
def earliness(first_use: ir.Table, as_of: datetime) -> ir.Value:
    """Mean share of a feature's other users who did not start before the customer: 1 is always first."""
    return ratio(total(first_use.earliness), first_use.count())
