"""The rows features are computed from.

Each view has a `customer_id` and is made from what was known at a cutoff. A view exists where the tables it
needs exist; its features go with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import ibis
import ibis.expr.types as ir

from features.measures import age_days, decayed, sum_or_zero
from features.tables import Tables
from settings import Settings

View = Callable[[Tables, datetime, Settings], ir.Table | None]


def customers(past: Tables, as_of: datetime, settings: Settings) -> ir.Table:
    """One row per customer alive at the cutoff."""
    return past["customers"].select("customer_id", "joined_at")


def orders(past: Tables, as_of: datetime, settings: Settings) -> ir.Table:
    """One row per order, with its age in days."""
    table = past["orders"]
    return table.mutate(age=age_days(table.ordered_at, as_of))


def usage(past: Tables, as_of: datetime, settings: Settings) -> ir.Table | None:
    """One row per usage event, with its age in days, its calendar day and whether its feature is advanced."""
    if "usage" not in past:
        return None
    table = past["usage"]
    table = table.mutate(age=age_days(table.occurred_at, as_of), day=table.occurred_at.date())
    if "catalog" not in past:
        return table
    tiers = past["catalog"].select("feature", advanced=past["catalog"].tier == "advanced")
    return table.left_join(tiers, "feature").select(
        *table.columns, advanced=lambda joined: joined.advanced.fill_null(False)
    )


def feature_use(past: Tables, as_of: datetime, settings: Settings) -> ir.Table | None:
    """One row per customer and feature they ever used: events, earliness among the feature's users, and,
    from the catalogue, whether it is advanced, how many advanced ones there are, and days from release."""
    if "usage" not in past:
        return None
    table = past["usage"]
    used = table.group_by("customer_id", "feature").aggregate(
        events=table.count(), first_used=table.occurred_at.min()
    )
    used = used.mutate(
        earliness=1.0 - ibis.percent_rank().over(group_by=used.feature, order_by=used.first_used)
    )
    if "catalog" not in past:
        return used
    catalog = past["catalog"]
    known = catalog.select(
        "feature",
        advanced=catalog.tier == "advanced",
        **({"released_at": catalog.released_at} if "released_at" in catalog.columns else {}),
    )
    joined = used.left_join(known, "feature")
    extra = {"advanced": joined.advanced.fill_null(False)}
    if "released_at" in known.columns:
        extra["delay"] = age_days(joined.released_at, as_of) - age_days(joined.first_used, as_of)
    released = known.aggregate(advanced_released=known.count(where=known.advanced))
    return joined.select(*used.columns, **extra).cross_join(released)


def ties(past: Tables, as_of: datetime, settings: Settings) -> ir.Table | None:
    """One row per ordered pair (customer → target) and power: interactions and decayed weight.

    A referral is told apart: it brings a customer in, the other kinds reach one who is there.
    """
    if "interactions" not in past:
        return None
    table = past["interactions"]
    table = table.mutate(
        customer_id=table.source_id,
        power=table.kind.cases(*settings.powers.items(), else_=None),
        weight=(table.weight.fill_null(1.0) if "weight" in table.columns else ibis.literal(1.0))
        * decayed(age_days(table.occurred_at, as_of), settings.features.half_life_days),
    )
    table = table.filter(table.kind != "referral")
    pairs = table.group_by("customer_id", "target_id", "power").aggregate(
        interactions=table.count(), weight=sum_or_zero(table.weight)
    )
    back = (
        pairs.select(customer_id=pairs.target_id, target_id=pairs.customer_id).distinct().mutate(mutual=True)
    )
    return pairs.left_join(back, ["customer_id", "target_id"]).select(
        *pairs.columns, mutual=lambda joined: joined.mutual.fill_null(False)
    )


def received(past: Tables, as_of: datetime, settings: Settings) -> ir.Table | None:
    """The same ties seen from the other end: who reaches the customer."""
    pairs = ties(past, as_of, settings)
    if pairs is None:
        return None
    return pairs.select("interactions", "weight", customer_id=pairs.target_id, source_id=pairs.customer_id)


def neighbours(past: Tables, as_of: datetime, settings: Settings) -> ir.Table | None:
    """One row per customer and customer they reach, with the weight of the tie and what the target spent."""
    pairs = ties(past, as_of, settings)
    if pairs is None:
        return None
    reached = pairs.group_by("customer_id", "target_id").aggregate(weight=sum_or_zero(pairs.weight))
    spent = past["orders"]
    spent = spent.group_by("customer_id").aggregate(
        revenue=sum_or_zero(spent.revenue), products=spent["product"].nunique()
    )
    spent = spent.select("revenue", "products", target_id=spent.customer_id)
    return reached.left_join(spent, "target_id").select(
        *reached.columns,
        revenue=lambda joined: joined.revenue.fill_null(0.0),
        products=lambda joined: joined.products.fill_null(0),
    )


def invited(past: Tables, as_of: datetime, settings: Settings) -> ir.Table | None:
    """One row per customer brought in by a referral, under the referrer, with what the newcomer has done:
    revenue and days since the last order and, where there is usage, since the last use."""
    if "interactions" not in past:
        return None
    table = past["interactions"]
    table = table.filter(table.kind == "referral")
    referrals = table.select("target_id", customer_id=table.source_id, age=age_days(table.occurred_at, as_of))
    spent = orders(past, as_of, settings)
    spent = spent.group_by("customer_id").aggregate(
        revenue=sum_or_zero(spent.revenue),
        last_order_age=spent.age.min(where=spent.revenue > 0),
        **{
            f"revenue_{days}d": sum_or_zero(spent.revenue, spent.age <= days)
            for days in settings.features.windows_days
        },
    )
    done = [spent]
    used = usage(past, as_of, settings)
    if used is not None:
        done.append(used.group_by("customer_id").aggregate(last_use_age=used.age.min()))
    joined = referrals
    for each in done:
        columns = [name for name in each.columns if name != "customer_id"]
        each = each.rename(target_id="customer_id")
        joined = joined.left_join(each, "target_id").select(*joined.columns, *columns)
    return joined.mutate(
        **{name: joined[name].fill_null(0.0) for name in joined.columns if name.startswith("revenue")}
    )


def feedback(past: Tables, as_of: datetime, settings: Settings) -> ir.Table | None:
    """One row per feedback given, with its age in days and whether the customer has given a later one."""
    if "feedback" not in past:
        return None
    table = past["feedback"]
    table = table.mutate(age=age_days(table.occurred_at, as_of))
    return table.mutate(latest=table.age == table.age.min().over(group_by="customer_id"))


VIEWS: Mapping[str, View] = {
    view.__name__: view
    for view in (customers, orders, usage, feature_use, ties, received, neighbours, invited, feedback)
}
