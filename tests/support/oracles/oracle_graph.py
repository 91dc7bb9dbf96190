"""Slow and clear features of the graph of contacts, part of `feature_oracle`."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from tests.support.oracles.oracle_rows import Column, Pair, Row, Value, exact_sum, mean, rows_by, share_true

POWERS = ("referent", "informational", "expert")
DAMPING = 0.85


def network_columns(
    past: dict[str, list[Row]], windows: Sequence[int], half_life_days: float, powers: dict[str, str]
) -> dict[str, Column]:
    """Features of the graph of contacts: network, the three powers and susceptibility."""
    orders, usage = rows_by(past["orders"], "customer_id"), rows_by(past.get("usage", []), "customer_id")
    contacts = [row for row in past["interactions"] if row["kind"] != "referral"]
    ties = _weights(contacts, half_life_days)
    by_power = {
        power: _weights((row for row in contacts if powers.get(row["kind"]) == power), half_life_days)
        for power in POWERS
    }
    begun: dict[Pair, int] = {}
    """The age of the first contact, which is the largest."""
    for row in contacts:
        pair = row["source_id"], row["target_id"]
        begun[pair] = max(begun.get(pair, 0), row["age"])
    bought: dict[str, dict[str, int]] = defaultdict(dict)
    """By customer and product, the age of the first purchase, which is the largest."""
    for row in past["orders"]:
        own = bought[row["customer_id"]]
        own[row["product"]] = max(own.get(row["product"], 0), row["age"])
    targets, sources = defaultdict(set), defaultdict(set)
    for source, target in ties:
        targets[source].add(target)
        sources[target].add(source)
    ranks = _pagerank(ties, [row["customer_id"] for row in past["customers"]])
    cores = _cores({frozenset(pair) for pair, weight in ties.items() if weight >= 0.25})

    def strength(end: int, customer: str, ties: dict[Pair, float] = ties) -> float:
        return exact_sum(weight for pair, weight in ties.items() if pair[end] == customer)

    def reached(customer: str, power: str) -> set[str]:
        return {target for source, target in by_power[power] if source == customer}

    def reciprocity(customer: str, power: str) -> Value:
        targets = reached(customer, power)
        return sum((target, customer) in ties for target in targets) / len(targets) if targets else None

    def second_hand_reach(customer: str) -> float:
        return sum(len(targets[target] - {customer}) for target in targets[customer])

    def neighbour_revenue(customer: str) -> Value:
        spent = [exact_sum(row["revenue"] for row in orders[target]) for target in targets[customer]]
        return mean(spent)

    def neighbour_products(customer: str) -> Value:
        weight = strength(0, customer)
        held = exact_sum(ties[customer, target] * len(bought[target]) for target in targets[customer])
        return held / weight if weight else None

    def neighbour_lack(customer: str) -> Value:
        own = len(bought[customer])
        return mean([max(own - len(bought[target]), 0) for target in targets[customer]])

    def neighbour_activity(customer: str) -> Value:
        return share_true(
            any(row["age"] <= max(windows) for row in orders[target] + usage[target])
            for target in targets[customer]
        )

    def leads(source: str, target: str, product: str) -> bool:
        """Whether *source* had the product, and had been in touch, before *target* bought it first."""
        day = bought[target][product]
        return bought[source].get(product, 0) > day and begun[source, target] >= day

    def first_purchases(customer: str, days: int) -> list[str]:
        return [product for product, age in bought[customer].items() if age <= days]

    def led_purchases(customer: str, days: int) -> float:
        return sum(
            leads(customer, target, product)
            for target in targets[customer]
            for product in first_purchases(target, days)
        )

    def followed_purchases(customer: str, days: int) -> Value:
        return share_true(
            any(leads(source, customer, product) for source in sources[customer])
            for product in first_purchases(customer, days)
        )

    def open_purchases(source: str, target: str, days: float = math.inf) -> int:
        return sum(age <= days and product not in bought[target] for product, age in bought[source].items())

    def to_lead(customer: str, days: float = math.inf) -> float:
        return sum(open_purchases(customer, target, days) for target in targets[customer])

    def to_follow(customer: str, days: float = math.inf) -> float:
        return sum(open_purchases(source, customer, days) for source in sources[customer])

    columns: dict[str, Column] = {
        "out_degree": lambda customer: len(targets[customer]),
        "out_strength": lambda customer: strength(0, customer),
        "in_degree": lambda customer: len(sources[customer]),
        "in_strength": lambda customer: strength(1, customer),
        "second_hand_reach": second_hand_reach,
        "pagerank": lambda customer: ranks[customer],
        "core_number": lambda customer: cores.get(customer, 0),
        "neighbour_revenue": neighbour_revenue,
        "neighbour_products": neighbour_products,
        "neighbour_lack": neighbour_lack,
        "neighbour_activity": neighbour_activity,
        "purchases_to_lead": to_lead,
        "purchases_to_follow": to_follow,
    }
    for days in windows:
        columns[f"recent_purchases_to_lead_{days}d"] = lambda customer, days=days: to_lead(customer, days)
        columns[f"recent_purchases_to_follow_{days}d"] = lambda customer, days=days: to_follow(customer, days)
        columns[f"led_purchases_{days}d"] = lambda customer, days=days: led_purchases(customer, days)
        columns[f"followed_purchases_{days}d"] = lambda customer, days=days: followed_purchases(
            customer, days
        )
    for power, own in by_power.items():
        columns[f"{power}_reach"] = lambda customer, power=power: len(reached(customer, power))
        columns[f"{power}_strength"] = lambda customer, own=own: strength(0, customer, own)
        columns[f"{power}_reciprocity"] = lambda customer, power=power: reciprocity(customer, power)
    return columns


def _weights(contacts: Iterable[Row], half_life_days: float) -> dict[Pair, float]:
    """Weight by source and target: that of each kind and day, decayed, to six decimals, added up."""
    together: dict[tuple[str, str, str, int, object], list[float]] = defaultdict(list)
    for row in contacts:
        # what became known later is a row of its own
        known = None if row.get("known_at") is None else max(row["known_at"], row["occurred_at"]).date()
        known = known or row["occurred_at"].date()
        key = row["source_id"], row["target_id"], row["kind"], row["age"], known
        together[key].append(1.0 if row.get("weight") is None else row["weight"])
    decayed: dict[Pair, list[float]] = defaultdict(list)
    for (source, target, _, age, _), weights in together.items():
        decay = 0.5 ** min(age / half_life_days, 50)
        decayed[source, target].append(round(exact_sum(weights) * decay * 1_000_000) / 1_000_000)
    return {pair: exact_sum(weights) for pair, weights in decayed.items()}


def _pagerank(ties: dict[Pair, float], customers: list[str]) -> dict[str, float]:
    """Times the number of customers. Targets vote for sources by weight; those nobody reaches for all."""
    cast: dict[str, float] = defaultdict(float)
    for (_, target), weight in ties.items():
        cast[target] += weight
    rank, change = dict.fromkeys(customers, 1.0), 1.0
    while customers and change > 1e-12:
        votes = dict.fromkeys(customers, 0.0)
        for (source, target), weight in ties.items():
            if cast[target]:
                votes[source] += DAMPING * rank[target] * weight / cast[target]
        rest = 1 - sum(votes.values()) / len(customers)
        updated = {customer: value + rest for customer, value in votes.items()}
        change = max(abs(updated[customer] - rank[customer]) for customer in customers)
        rank = updated
    return rank


def _cores(edges: set[frozenset[str]]) -> dict[str, int]:
    """By customer the largest k such that they are left when, again and again, all with fewer than k go."""
    cores, k = {}, 0
    while edges:
        k += 1
        while True:
            degree = Counter(customer for edge in edges for customer in edge)
            left = {edge for edge in edges if all(degree[customer] >= k for customer in edge)}
            if left == edges:
                break
            edges = left
        cores |= {customer: k for edge in edges for customer in edge}
    return cores
