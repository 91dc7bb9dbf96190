"""The label once more, order by order, in plain Python: slow, and meant to be read beside SCIENCE.

Tables are lists of dicts. Every sum is of numbers with six decimals, as everywhere in Ripple.
"""

from __future__ import annotations

import math
from collections import defaultdict
from datetime import datetime
from typing import Any

from settings import Credit

Row = dict[str, Any]


def network_value(
    customers: list[Row],
    orders: list[Row],
    interactions: list[Row],
    start: datetime,
    end: datetime,
    credit: Credit,
) -> dict[str, Row]:
    """customer_id → the columns of the label, for everybody who had joined before *start*."""
    joined_at = {row["customer_id"]: row["joined_at"] for row in customers}
    referrer = {row["target_id"]: row["source_id"] for row in interactions if row["kind"] == "referral"}
    bought = purchases_inside(orders, start, end)
    labels = {
        customer: dict.fromkeys(
            (
                "network_value",
                "referral_value",
                "influence_value",
                "direct_value",
                "influenced_purchases",
                "influenced_customers",
            ),
            0.0,
        )
        for customer, joined in joined_at.items()
        if joined < start
    }
    # source, target → probability that the source caused none of what the target did
    innocent: dict[tuple[str, str], float] = defaultdict(float)

    def give(source: str, target: str, kind: str, probability: float, purchases: float, value: float) -> None:
        innocent[source, target] += six_decimals(math.log(max(1 - probability, 1e-12)))
        if source in labels:
            labels[source][kind] += six_decimals(value)
            labels[source]["influenced_purchases"] += six_decimals(purchases)

    for (customer, _), rows in bought.items():
        if customer in labels:
            labels[customer]["direct_value"] += sum(row["revenue"] for row in rows)

    for (customer, product), rows in bought.items():
        if customer in referrer:
            explained = [
                row for row in rows if days(joined_at[customer], row["ordered_at"]) <= credit.referral_days
            ]
            if explained:
                paid = max(sum(row["revenue"] for row in explained), 0.0)
                count = sum(row["revenue"] > 0 for row in explained)
                give(referrer[customer], customer, "referral_value", 1.0, count, paid)

        adopted_at = adoption(orders, customer, product)
        assert adopted_at is not None
        if adopted_at <= start:
            continue
        if customer in referrer and days(joined_at[customer], adopted_at) <= credit.referral_days:
            continue
        paid = max(sum(row["revenue"] for row in rows), 0.0)
        pulls = {
            source: pull
            for source in joined_at
            if (pull := pull_of(source, customer, product, adopted_at, orders, interactions, credit)) > 0
        }
        for source, pull in pulls.items():
            share = pull / sum(pulls.values())
            give(source, customer, "influence_value", share, share, share * paid)

    for (source, _), log in innocent.items():
        if source in labels:
            labels[source]["influenced_customers"] += six_decimals(1 - math.exp(log))
    for label in labels.values():
        label["network_value"] = label["referral_value"] + label["influence_value"]
    return labels


def purchases_inside(orders: list[Row], start: datetime, end: datetime) -> dict[tuple[str, str], list[Row]]:
    """Orders in (start, end] by customer and product."""
    found: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in orders:
        if start < row["ordered_at"] <= end:
            found[row["customer_id"], row["product"]].append(row)
    return found


def adoption(orders: list[Row], customer: str, product: str) -> datetime | None:
    """When *customer* first bought *product*."""
    return min(
        (row["ordered_at"] for row in orders if row["customer_id"] == customer and row["product"] == product),
        default=None,
    )


def pull_of(
    source: str,
    target: str,
    product: str,
    adopted_at: datetime,
    orders: list[Row],
    interactions: list[Row],
    credit: Credit,
) -> float:
    """How strongly *source* pulled *target* towards *product* when *target* bought it; 0 is not at all."""
    source_adopted_at = adoption(orders, source, product)
    if source_adopted_at is None or source_adopted_at >= adopted_at:
        return 0.0
    delay = days(source_adopted_at, adopted_at)
    if delay > credit.window_days:
        return 0.0
    tie = 0.0
    for row in interactions:
        reached = (row["source_id"], row["target_id"]) == (source, target) and row["kind"] != "referral"
        if reached and row["occurred_at"] < adopted_at:
            weight = 1.0 if row["weight"] is None else row["weight"]
            age = days(row["occurred_at"], adopted_at)
            tie += six_decimals(weight * 2 ** max(-age / credit.half_life_days, -50))
    return six_decimals(tie * 2 ** max(-delay / credit.half_life_days, -50))


def days(earlier: datetime, later: datetime) -> float:
    """Days between two moments at whole seconds."""
    return (later - earlier).total_seconds() / 86_400


def six_decimals(value: float) -> float:
    """*value* as it is added up."""
    return round(value, 6)
