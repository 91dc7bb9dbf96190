"""Network value of every customer, in its parts."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from ripple.settings import Credit
from tests.support.reference_attribution.history import (
    Adoption,
    History,
    Row,
    days,
    purchases_inside,
    six_decimals,
)
from tests.support.reference_attribution.influence import Attribution, InfluenceModel

COLUMNS = (
    "network_value",
    "referral_value",
    "influence_value",
    "one_step_value",
    "direct_value",
    "influenced_purchases",
    "influenced_customers",
)


def network_value(
    customers: list[Row],
    orders: list[Row],
    interactions: list[Row],
    start: datetime,
    end: datetime,
    credit: Credit,
    stratum: Mapping[str, int] | None = None,
    usage: Sequence[Row] = (),
) -> dict[str, Row]:
    """customer_id → the columns of the label, for everybody who had joined before *start*."""
    labels = {
        row["customer_id"]: dict.fromkeys(COLUMNS, 0.0) for row in customers if row["joined_at"] < start
    }
    # source, target → log of the probability that the source caused none of what the target did
    log_complement: dict[tuple[str, str], float] = defaultdict(float)

    def add(source: str, column: str, amount: float) -> None:
        if source in labels:
            labels[source][column] += amount

    def influenced(source: str, target: str, probability: float, number: float) -> None:
        log_complement[source, target] += six_decimals(math.log(max(1 - probability, 1e-12)))
        add(source, "influenced_purchases", six_decimals(number))

    purchases = purchases_inside(orders, start, end)
    for (customer, _), rows in purchases.items():
        add(customer, "direct_value", sum(row["revenue"] for row in rows))
    joined_at = {row["customer_id"]: row["joined_at"] for row in customers}
    referrer = {
        row["target_id"]: row["source_id"]
        for row in interactions
        if row["kind"] == "referral" and row["occurred_at"] <= end
    }
    for (customer, _), rows in purchases.items():
        if customer in referrer:
            explained = [
                row for row in rows if days(joined_at[customer], row["ordered_at"]) <= credit.referral_days
            ]
            if explained:
                add(referrer[customer], "referral_value", max(sum(row["revenue"] for row in explained), 0.0))
                influenced(referrer[customer], customer, 1.0, sum(row["revenue"] > 0 for row in explained))

    history = History(customers, orders, interactions, usage, start, end, credit, stratum or {})
    model = InfluenceModel(history)
    model.estimate()
    attributions = list(model.attributions())
    for adoption, source, probability, share in attributions:
        if not history.referred(adoption):
            add(source, "one_step_value", probability * share * history.value(adoption))
            influenced(source, adoption[0], probability, probability)
    for adoption, value in with_descendants(history, attributions).items():
        add(adoption[0], "influence_value", value)

    for (source, _), log in log_complement.items():
        add(source, "influenced_customers", 1 - math.exp(log))
    for label in labels.values():
        label["network_value"] = label["referral_value"] + label["influence_value"]
    return labels


def with_descendants(history: History, attributions: list[Attribution]) -> dict[Adoption, float]:
    """Credit of each adoption for its effects, their effects, and so on."""
    by_adoption: dict[Adoption, list[Attribution]] = defaultdict(list)
    for attribution in attributions:
        (_, product), source, _, _ = attribution
        by_adoption[source, product].append(attribution)

    def credit(adoption: Adoption) -> float:
        return sum(
            probability
            * (share * (0.0 if history.referred(effect) else history.value(effect)) + credit(effect))
            for effect, _, probability, share in by_adoption.get(adoption, ())
        )

    return {adoption: credit(adoption) for adoption in by_adoption}


def feature_adoptions(
    customers: list[Row],
    orders: list[Row],
    interactions: list[Row],
    usage: Sequence[Row],
    start: datetime,
    end: datetime,
    credit: Credit,
    stratum: Mapping[str, int],
) -> dict[str, Row]:
    """customer_id → the columns of the label of features, for everybody who had joined before *start*."""
    history = History(customers, orders, interactions, usage, start, end, credit, stratum, of_features=True)
    model = InfluenceModel(history)
    model.estimate()
    attributions = list(model.attributions())
    # source, target → probability that the source caused none of what the target did
    complement: dict[tuple[str, str], float] = defaultdict(lambda: 1.0)
    for (target, _), source, probability, share in attributions:
        complement[source, target] *= 1 - probability * share
    labels = {
        row["customer_id"]: {"influenced_feature_adoptions": 0.0, "influenced_adopters": 0.0}
        for row in customers
        if row["joined_at"] < start
    }
    for (source, _), value in with_descendants(history, attributions).items():
        if source in labels:
            labels[source]["influenced_feature_adoptions"] += value
    for (source, _), none in complement.items():
        if source in labels:
            labels[source]["influenced_adopters"] += 1 - none
    return labels
