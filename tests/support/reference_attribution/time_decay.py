"""Time-decayed credit, pair by pair."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from ripple.settings import Credit
from tests.support.reference_attribution.history import Row, days, purchases_inside, six_decimals


def decayed_credit(
    customers: list[Row],
    orders: list[Row],
    interactions: list[Row],
    start: datetime,
    end: datetime,
    credit: Credit,
    half_life_days: float = 30.0,
) -> dict[str, float]:
    """customer_id → time-decayed credit for the adoptions in the window, for everybody who has any."""
    credits: dict[str, float] = defaultdict(float)
    for (customer, product), rows in purchases_inside(orders, start, end).items():
        adopted_at = first_purchase(orders, customer, product)
        assert adopted_at is not None
        if adopted_at <= start:
            continue
        weights = {}
        for row in customers:
            weight = influence_weight(
                row["customer_id"], customer, product, orders, interactions, credit, half_life_days
            )
            if weight > 0:
                weights[row["customer_id"]] = weight
        paid = max(sum(row["revenue"] for row in rows), 0.0)
        for source, weight in weights.items():
            credits[source] += six_decimals(weight / sum(weights.values()) * paid)
    return dict(credits)


def influence_weight(
    source: str,
    target: str,
    product: str,
    orders: list[Row],
    interactions: list[Row],
    credit: Credit,
    half_life_days: float,
) -> float:
    """Weight of the influence of *source* on the adoption of *product* by *target*; 0 for none."""
    adopted_at, source_adopted_at = (
        first_purchase(orders, customer, product) for customer in (target, source)
    )
    assert adopted_at is not None
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
            tie += six_decimals(weight * 2 ** max(-age / half_life_days, -50))
    return six_decimals(tie * 2 ** max(-delay / half_life_days, -50))


def first_purchase(orders: list[Row], customer: str, product: str) -> datetime | None:
    """When *customer* first bought *product*."""
    return min(
        (row["ordered_at"] for row in orders if row["customer_id"] == customer and row["product"] == product),
        default=None,
    )
