"""Time-decayed credit, the rule that the label is compared with (Goyal, Bonchi & Lakshmanan 2011).

Each adoption in the window is shared among those who adopted before and had reached the adopter, by decayed
tie × decayed age. It measures popularity along with influence: nothing is subtracted for what would have
happened anyway.
"""

from __future__ import annotations

from datetime import datetime

import ibis.expr.types as ir

from ripple.features.expressions import DECIMALS, decayed, sum_or_zero
from ripple.features.tables.tables import Tables
from ripple.settings import Settings
from ripple.training.attribution.referral_credit import days_between, nonnegative_revenue

HALF_LIFE_DAYS = 30.0
"""The half-life of a contact, and of the influence of an adoption."""


def decayed_credit(tables: Tables, start: datetime, end: datetime, settings: Settings) -> ir.Table:
    """`customer_id` and `influence_value` of everybody credited in (start, end]; needs interactions."""
    orders = tables["orders"]
    adoptions = orders.group_by("customer_id", "product").aggregate(adopted_at=orders.ordered_at.min())
    inside = tables.orders_in(start, end)
    value = inside.group_by("customer_id", "product").aggregate(value=nonnegative_revenue(inside))
    in_window = adoptions.filter(adoptions.adopted_at > start).join(value, ["customer_id", "product"])
    pairs = _weighted_pairs(tables["interactions"], adoptions, in_window, settings.credit.window_days)
    share = pairs.weight / sum_or_zero(pairs.weight).over(group_by=["target_id", "product"])
    shares = pairs.select(customer_id="source_id", value=share * pairs.value)
    return shares.group_by("customer_id").aggregate(influence_value=sum_or_zero(shares.value))


def _weighted_pairs(
    interactions: ir.Table, adoptions: ir.Table, in_window: ir.Table, window_days: float
) -> ir.Table:
    """Each adoption in the window with every earlier adopter in touch, and the weight of their influence."""
    interactions = interactions.filter(interactions.kind != "referral")
    contacts = interactions.join(in_window, interactions.target_id == in_window.customer_id)
    contacts = contacts.filter(contacts.occurred_at < contacts.adopted_at)
    weight = contacts.weight.fill_null(1.0) if "weight" in interactions.columns else 1.0
    tie = weight * decayed(days_between(contacts.occurred_at, contacts.adopted_at), HALF_LIFE_DAYS)
    ties = contacts.group_by("source_id", "target_id", "product", "adopted_at", "value").aggregate(
        tie=sum_or_zero(tie)
    )
    earlier = adoptions.select("product", source_id=adoptions.customer_id, source_adopted_at="adopted_at")
    pairs = ties.join(earlier, ["source_id", "product"])
    pairs = pairs.mutate(delay=days_between(pairs.source_adopted_at, pairs.adopted_at))
    pairs = pairs.filter((pairs.source_adopted_at < pairs.adopted_at) & (pairs.delay <= window_days))
    # rounded as sums are (see `total`), so that no share exceeds one and a weight too small to count is none
    pairs = pairs.mutate(weight=(pairs.tie * decayed(pairs.delay, HALF_LIFE_DAYS)).round(DECIMALS))
    return pairs.filter(pairs.weight > 0)
