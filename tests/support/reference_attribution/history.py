"""What is known at the end of a window: customers, adoptions, contacts and exposures."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ripple.settings import Credit

Row = dict[str, Any]
Exposure = tuple[str, int, float]
"""Source, bin of age, and strength of the tie."""
AGES = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1)
"""The upper edges of the bins of an exposure's age, in credit windows."""
Adoption = tuple[str, str]
"""Customer and product."""


class History:
    """What is known at the end of the window, in days since its start."""

    def __init__(
        self,
        customers: list[Row],
        orders: list[Row],
        interactions: list[Row],
        usage: Sequence[Row],
        start: datetime,
        end: datetime,
        credit: Credit,
        stratum: Mapping[str, int],
        of_features: bool = False,
    ) -> None:
        self.credit, self.of_features = credit, of_features
        self.days = days(start, end)
        customers = [row for row in customers if row["joined_at"] <= end]
        orders = [row for row in orders if row["ordered_at"] <= end]
        interactions = [row for row in interactions if row["occurred_at"] <= end]
        self.joined = {row["customer_id"]: days(start, row["joined_at"]) for row in customers}
        by_stratum = credit.baseline in ("strata", "joined")
        self.stratum = {customer: stratum[customer] if by_stratum else 0 for customer in self.joined}

        events: dict[str, list[float]] = defaultdict(list)
        for row in orders:
            events[row["customer_id"]].append(days(start, row["ordered_at"]))
        for row in usage:
            if row["occurred_at"] <= end:
                events[row["customer_id"]].append(days(start, row["occurred_at"]))
        for row in interactions:
            events[row["source_id"]].append(days(start, row["occurred_at"]))
        self.observed_until = {
            customer: max(events[customer]) + max(max(events[customer]) - joined, 0.0) / len(events[customer])
            if events[customer]
            else -math.inf
            for customer, joined in self.joined.items()
        }

        self.adopted: dict[Adoption, float] = {}
        self.revenue: dict[Adoption, float] = defaultdict(float)
        adoptions = [(row["customer_id"], row["product"], row["ordered_at"]) for row in orders]
        if of_features:
            adoptions = [(row["customer_id"], row["feature"], row["occurred_at"]) for row in usage]
        for customer, product, at in adoptions:
            if at <= end:
                day = days(start, at)
                self.adopted[customer, product] = min(day, self.adopted.get((customer, product), day))
        self.products = sorted({product for _, product in self.adopted})
        for row in orders:
            if row["ordered_at"] > start:
                self.revenue[row["customer_id"], row["product"]] += six_decimals(row["revenue"])
        earliest = min(self.adopted.values(), default=0.0)
        self.estimation_start = max(-credit.lookback_days, min(earliest, 0.0) - 1)

        self.referred_customers = {row["target_id"] for row in interactions if row["kind"] == "referral"}
        # target → source → contacts, each the day and the weight
        self.contacts: dict[str, dict[str, list[tuple[float, float]]]] = defaultdict(
            lambda: defaultdict(list)
        )
        for row in interactions:
            if row["kind"] != "referral" and row["source_id"] != row["target_id"]:
                weight = 1.0 if row.get("weight") is None else row["weight"]
                when = days(start, row["occurred_at"])
                self.contacts[row["target_id"]][row["source_id"]].append((when, weight))
        self.levels = attributes(customers)
        self.reach_group = self._by_reach(interactions)

    def _by_reach(self, interactions: list[Row]) -> dict[str, int]:
        """Customer → tenth by the number of others they have been in touch with, by mean rank."""
        targets: dict[str, set[str]] = defaultdict(set)
        for row in interactions:
            if row["source_id"] != row["target_id"]:
                targets[row["source_id"]].add(row["target_id"])
        reach = {customer: len(targets[customer]) for customer in self.joined}
        groups = {}
        for customer, number in reach.items():
            fewer = sum(other < number for other in reach.values())
            equal = sum(other == number for other in reach.values())
            rank = fewer + (equal + 1) / 2
            groups[customer] = min(int(rank * 10 / (len(reach) + 1)), 9)
        return groups

    def value(self, adoption: Adoption) -> float:
        return 1.0 if self.of_features else max(self.revenue[adoption], 0.0)

    def referred(self, adoption: Adoption) -> bool:
        """Whether a referral explains the adoption."""
        customer, _ = adoption
        soon = self.adopted[adoption] - self.joined[customer] <= self.credit.referral_days
        return not self.of_features and customer in self.referred_customers and soon

    def tenure(self, customer: str, day: float) -> list[float]:
        """1 in the bin, of those of an exposure's age, of the days since the customer joined; else 0."""
        edges = [-math.inf, *(edge * self.credit.window_days for edge in AGES)]
        return [float(low < day - self.joined[customer] <= high) for low, high in itertools.pairwise(edges)]

    def at_risk(self, customer: str, product: str, day: float) -> bool:
        """Observed just before *day*, and no adopter of the product by then."""
        observed = self.joined[customer] < day <= self.observed_until[customer]
        return observed and self.adopted.get((customer, product), math.inf) >= day

    def exposures(self, customer: str, product: str, day: float) -> list[Exposure]:
        """Earlier adopters of the product who had been in touch with *customer* before that day."""
        exposures = []
        for source, contacts in self.contacts[customer].items():
            adopted = self.adopted.get((source, product), math.inf)
            half_life = self.credit.half_life_days
            before = [(when, weight) for when, weight in contacts if when < day]
            age = day - max(adopted, self.joined[customer])
            if before and adopted < day and 0 <= age <= self.credit.window_days:
                tie = sum(
                    six_decimals(weight * 2 ** max(-(day - when) / half_life, -50.0))
                    for when, weight in before
                )
                if tie > 0:
                    age_bin = sum(age > edge * self.credit.window_days for edge in AGES)
                    exposures.append((source, age_bin, math.sqrt(tie)))
        return exposures


def attributes(customers: list[Row]) -> list[dict[str, Any]]:
    """For each column that is an attribute, customer → level; numbers by fifths."""
    columns = []
    for name in customers[0] if customers else ():
        values = {row["customer_id"]: row[name] for row in customers}
        known = [value for value in values.values() if value is not None]
        if name in ("customer_id", "joined_at"):
            continue
        if known and all(type(value) in (int, float) for value in known):
            edges = [quantile(sorted(known), part) for part in (0.2, 0.4, 0.6, 0.8)]
            columns.append(
                {
                    customer: None if value is None else sum(edge <= value for edge in edges)
                    for customer, value in values.items()
                }
            )
        elif all(type(value) in (str, bool) for value in known) and len(set(known)) <= 50:
            columns.append(values)
    return columns


def quantile(ascending: list[float], part: float) -> float:
    """The quantile at *part*, by linear interpolation."""
    position = part * (len(ascending) - 1)
    low = math.floor(position)
    high = min(low + 1, len(ascending) - 1)
    return ascending[low] + (ascending[high] - ascending[low]) * (position - low)


def days(earlier: datetime, later: datetime) -> float:
    """Days between two moments, cut to whole seconds."""
    return (later.replace(microsecond=0) - earlier.replace(microsecond=0)).total_seconds() / 86_400


def six_decimals(value: float) -> float:
    """*value* as it is added up."""
    return round(value, 6)


def purchases_inside(orders: list[Row], start: datetime, end: datetime) -> dict[Adoption, list[Row]]:
    """Orders in (start, end] by customer and product."""
    purchases: dict[Adoption, list[Row]] = defaultdict(list)
    for row in orders:
        if start < row["ordered_at"] <= end:
            purchases[row["customer_id"], row["product"]].append(row)
    return purchases
