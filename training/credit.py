"""The label: whose revenue would not have come without whom.

Network value = referral value + influence value (CRV and CIV of Kumar et al. 2010), kept apart and added up.
Referral value is what a referred customer spends within `referral_days` of joining (Kumar, Petersen & Leone
2007). Influence value is, for now, *time-decayed credit* (Goyal, Bonchi & Lakshmanan 2011): it measures
popularity along with influence, and every report says so.
"""

from __future__ import annotations

from datetime import datetime

import ibis
import ibis.expr.types as ir

from features.measures import DECIMALS, decayed, epoch_seconds, sum_or_zero
from features.tables import Tables
from settings import Credit, Settings

INFLUENCE_METHOD = "time-decayed credit"
LABEL_COLUMNS = (
    "network_value",
    "referral_value",
    "influence_value",
    "direct_value",
    "influenced_purchases",
    "influenced_customers",
)


def network_value(tables: Tables, start: datetime, end: datetime, settings: Settings) -> ir.Table:
    """Credit for the revenue in (start, end], one row per customer who had joined before *start*.

    Args:
        tables: what may be looked at; pass `Tables.before(cutoff)` to be blind to what came later.
        start, end: the window, UTC.

    Returns:
        `customer_id` and the columns of `LABEL_COLUMNS`, zeros included, ordered by customer. Values are in
        the dataset's currency; `influenced_purchases` and `influenced_customers` are expected numbers.
    """
    orders = tables["orders"]
    inside = orders.filter((orders.ordered_at > start) & (orders.ordered_at <= end))
    alive = tables["customers"].filter(tables["customers"].joined_at < start).select("customer_id")
    direct = inside.group_by("customer_id").aggregate(direct_value=sum_or_zero(inside.revenue))
    labels = _left(alive, direct)
    credits = _credits(tables, inside, start, settings)
    if credits is not None:
        labels = _left(labels, _per_source(credits))
    known = {
        name: labels[name].fill_null(0.0) if name in labels.columns else ibis.literal(0.0)
        for name in LABEL_COLUMNS[1:]
    }
    return labels.select(
        "customer_id", network_value=known["referral_value"] + known["influence_value"], **known
    ).order_by("customer_id")


def _credits(tables: Tables, inside: ir.Table, start: datetime, settings: Settings) -> ir.Table | None:
    """One row per source, target and product: probability that the source is the cause, and value."""
    if "interactions" not in tables:
        return None
    referred = _referred(tables)
    by_referral = _referral_credits(referred, inside, settings.credit)
    by_influence = _influence_credits(tables, referred, inside, start, settings.credit)
    return by_referral.union(by_influence)


def _referred(tables: Tables) -> ir.Table:
    """Referrer, referred customer and when the latter joined."""
    interactions, customers = tables["interactions"], tables["customers"]
    referrals = interactions.filter(interactions.kind == "referral").select("source_id", "target_id")
    joined = customers.select("joined_at", target_id=customers.customer_id)
    return referrals.join(joined, "target_id")


def _referral_credits(referred: ir.Table, inside: ir.Table, credit: Credit) -> ir.Table:
    spent = inside.join(referred, inside.customer_id == referred.target_id)
    spent = spent.filter(_days_between(spent.joined_at, spent.ordered_at) <= credit.referral_days)
    grouped = spent.group_by("source_id", "target_id", "product").aggregate(
        probability=ibis.literal(1.0), purchases=spent.count(where=spent.revenue > 0), value=_paid(spent)
    )
    return grouped.mutate(purchases=grouped.purchases.cast("float64"), referral=True)


def _influence_credits(
    tables: Tables, referred: ir.Table, inside: ir.Table, start: datetime, credit: Credit
) -> ir.Table:
    """Each adoption in the window is shared among those who adopted before and had reached the adopter."""
    adoptions = _adoptions(tables["orders"])
    value = inside.group_by("customer_id", "product").aggregate(value=_paid(inside))
    fresh = adoptions.filter(adoptions.adopted_at > start).join(value, ["customer_id", "product"])
    fresh = _not_by_referral(fresh, referred, credit)
    exposures = _exposures(tables, adoptions, fresh, credit)
    shares = exposures.mutate(
        probability=exposures.pull / sum_or_zero(exposures.pull).over(group_by=["target_id", "product"])
    )
    return shares.select(
        "source_id",
        "target_id",
        "product",
        "probability",
        purchases=shares.probability,
        value=shares.probability * shares.value,
        referral=False,
    )


def _adoptions(orders: ir.Table) -> ir.Table:
    """First purchase of each product by each customer."""
    return orders.group_by("customer_id", "product").aggregate(adopted_at=orders.ordered_at.min())


def _not_by_referral(fresh: ir.Table, referred: ir.Table, credit: Credit) -> ir.Table:
    """Leave out what a referral already explains."""
    joined = fresh.left_join(referred, fresh.customer_id == referred.target_id)
    explained = joined.target_id.notnull() & (
        _days_between(joined.joined_at, joined.adopted_at) <= credit.referral_days
    )
    return joined.filter(~explained.fill_null(False)).select(*fresh.columns)


def _exposures(tables: Tables, adoptions: ir.Table, fresh: ir.Table, credit: Credit) -> ir.Table:
    """Adoptions × those who adopted before within the window and had reached the adopter by then.

    `pull` is the decayed weight of the tie × the decay of the earlier adoption.
    """
    interactions = tables["interactions"]
    interactions = interactions.filter(interactions.kind != "referral")
    seen = interactions.join(fresh, interactions.target_id == fresh.customer_id)
    seen = seen.filter(seen.occurred_at < seen.adopted_at)
    weight = seen.weight.fill_null(1.0) if "weight" in interactions.columns else ibis.literal(1.0)
    tied = seen.group_by("source_id", "target_id", "product", "adopted_at", "value").aggregate(
        tie=sum_or_zero(
            weight * decayed(_days_between(seen.occurred_at, seen.adopted_at), credit.half_life_days)
        )
    )
    earlier = adoptions.select("product", source_id=adoptions.customer_id, source_adopted_at="adopted_at")
    pairs = tied.join(earlier, ["source_id", "product"])
    pairs = pairs.mutate(delay=_days_between(pairs.source_adopted_at, pairs.adopted_at))
    pairs = pairs.filter((pairs.source_adopted_at < pairs.adopted_at) & (pairs.delay <= credit.window_days))
    pull = pairs.tie * decayed(pairs.delay, credit.half_life_days)
    # rounded as sums are (see `total`), so that no share exceeds one and a pull too small to count is none
    pairs = pairs.mutate(pull=pull.round(DECIMALS))
    return pairs.filter(pairs.pull > 0)


def _per_source(credits: ir.Table) -> ir.Table:
    missed = ibis.greatest(1.0 - credits.probability, ibis.literal(1e-12)).ln()
    targets = credits.group_by("source_id", "target_id").aggregate(
        referral_value=sum_or_zero(credits.value, credits.referral),
        influence_value=sum_or_zero(credits.value, ~credits.referral),
        purchases=sum_or_zero(credits.purchases),
        influenced=1.0 - sum_or_zero(missed).exp(),
    )
    sources = targets.group_by("source_id").aggregate(
        referral_value=sum_or_zero(targets.referral_value),
        influence_value=sum_or_zero(targets.influence_value),
        influenced_purchases=sum_or_zero(targets.purchases),
        influenced_customers=sum_or_zero(targets.influenced),
    )
    return sources.rename(customer_id="source_id")


def _paid(rows: ir.Table) -> ir.FloatingScalar:
    """Revenue, never below zero: a refund of an earlier order is nobody's doing."""
    return ibis.greatest(sum_or_zero(rows.revenue), ibis.literal(0.0))


def _days_between(earlier: ir.Value, later: ir.Value) -> ir.FloatingValue:
    return (epoch_seconds(later) - epoch_seconds(earlier)).cast("float64") / 86_400


def _left(left: ir.Table, right: ir.Table) -> ir.Table:
    """Left join on the customer, whose id is kept once."""
    joined = left.left_join(right, "customer_id")
    return joined.select(*left.columns, *[name for name in right.columns if name not in left.columns])
