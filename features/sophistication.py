"""Sophistication: how much of the product a customer has mastered, how widely and how early."""

from __future__ import annotations

from datetime import datetime

import ibis
import ibis.expr.types as ir

from features.measures import DECIMALS, ratio, total
from features.registry import feature

POWER_USER_SHARE = 0.8


@feature("sophistication", "features")
def features_used(feature_use: ir.Table, as_of: datetime) -> ir.Value:
    """Distinct features ever used: breadth."""
    return feature_use.count()


@feature("sophistication", "features", needs=("advanced",))
def advanced_features_used(feature_use: ir.Table, as_of: datetime) -> ir.Value:
    """Distinct advanced features ever used."""
    return feature_use.count(where=feature_use.advanced)


@feature("sophistication", "share", needs=("advanced",))
def advanced_share(usage: ir.Table, as_of: datetime, days: int) -> ir.Value:
    """Share of the events of the last {days} days that used an advanced feature: depth (0 without any)."""
    recent = usage.age <= days
    return ratio(usage.count(where=recent & usage.advanced), usage.count(where=recent)).fill_null(0.0)


@feature("sophistication", "share", needs=("advanced",))
def advanced_coverage(feature_use: ir.Table, as_of: datetime) -> ir.Value:
    """Advanced features used ÷ advanced features anybody could have used: those released by the cutoff."""
    return ratio(
        feature_use.count(where=feature_use.advanced), feature_use.advanced_released.max()
    ).fill_null(0.0)


@feature("sophistication", "flag", needs=("advanced",))
def advanced_power_user(feature_use: ir.Table, as_of: datetime) -> ir.Value:
    """1 for a customer who has used more than 80 % of the advanced features, else 0."""
    return ibis.ifelse(advanced_coverage(feature_use, as_of) > POWER_USER_SHARE, 1.0, 0.0)


@feature("sophistication", "nats", empty=None)
def usage_entropy(feature_use: ir.Table, as_of: datetime) -> ir.Value:
    """Shannon entropy of the customer's events over features: 0 is one feature only (Shannon 1948)."""
    count = feature_use.events.sum().cast("float64")
    weighted = feature_use.events.cast("float64") * feature_use.events.cast("float64").ln()
    # rounded, so that what total() rounds leaves exactly 0 for one feature
    return ibis.greatest(count.ln() - total(weighted) / count, ibis.literal(0.0)).round(DECIMALS)


@feature("sophistication", "days", empty=None, needs=("delay",))
def days_from_release(feature_use: ir.Table, as_of: datetime) -> ir.Value:
    """Mean days from a feature's release to the customer's first use of it: innovators are quick."""
    return total(feature_use.delay) / feature_use.delay.count().cast("float64").nullif(0.0)


@feature("sophistication", "share", empty=None)
def earliness(feature_use: ir.Table, as_of: datetime) -> ir.Value:
    """Mean share of a feature's other users who did not start before the customer: 1 is always first."""
    return total(feature_use.earliness) / feature_use.count().cast("float64")
