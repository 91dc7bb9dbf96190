"""The label once more, in plain Python: slow, and meant to be read beside SCIENCE.

Tables are lists of dicts; the strata are given. Every adopter is compared with all others at risk in the
stratum, as the label does where `credit.controls` is large. Sums of contacts and of money are of numbers with
six decimals, as everywhere in Ripple.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import mul
from typing import Any

from scipy.optimize import minimize

from ripple.settings import Credit

Row = dict[str, Any]
COLUMNS = (
    "network_value",
    "referral_value",
    "influence_value",
    "one_step_value",
    "direct_value",
    "influenced_purchases",
    "influenced_customers",
)
AGES = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1)
"""Upper edges of the bins of age, in windows of credit."""


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
    innocent: dict[tuple[str, str], float] = defaultdict(float)

    def give(source: str, column: str, amount: float) -> None:
        if source in labels:
            labels[source][column] += amount

    def cause(source: str, target: str, probability: float, purchases: float) -> None:
        innocent[source, target] += six_decimals(math.log(max(1 - probability, 1e-12)))
        give(source, "influenced_purchases", six_decimals(purchases))

    bought = purchases_inside(orders, start, end)
    for (customer, _), rows in bought.items():
        give(customer, "direct_value", sum(row["revenue"] for row in rows))
    joined_at = {row["customer_id"]: row["joined_at"] for row in customers}
    referrer = {
        row["target_id"]: row["source_id"]
        for row in interactions
        if row["kind"] == "referral" and row["occurred_at"] <= end
    }
    for (customer, _), rows in bought.items():
        if customer in referrer:
            explained = [
                row for row in rows if days(joined_at[customer], row["ordered_at"]) <= credit.referral_days
            ]
            if explained:
                give(referrer[customer], "referral_value", max(sum(row["revenue"] for row in explained), 0.0))
                cause(referrer[customer], customer, 1.0, sum(row["revenue"] > 0 for row in explained))

    past = Past(customers, orders, interactions, usage, start, end, credit, stratum or {})
    mixture = Mixture(past)
    mixture.estimate()
    causes = list(mixture.causes())
    for adoption, source, probability, loss in causes:
        if not past.referred(adoption):
            give(source, "one_step_value", probability * loss * past.value(adoption))
            cause(source, adoption[0], probability, probability)
    for adoption, value in with_descendants(past, causes).items():
        give(adoption[0], "influence_value", value)

    for (source, _), log in innocent.items():
        give(source, "influenced_customers", 1 - math.exp(log))
    for label in labels.values():
        label["network_value"] = label["referral_value"] + label["influence_value"]
    return labels


def with_descendants(past: Past, causes: list[Cause]) -> dict[Adoption, float]:
    """Adoption → what it led to is worth, all that followed from there included."""
    by_adoption: dict[Adoption, list[Cause]] = defaultdict(list)
    for found in causes:
        adoption, source, _, _ = found
        by_adoption[source, adoption[1]].append(found)

    def down(adoption: Adoption) -> float:
        return sum(
            probability * (loss * (0.0 if past.referred(effect) else past.value(effect)) + down(effect))
            for effect, _, probability, loss in by_adoption.get(adoption, ())
        )

    return {adoption: down(adoption) for adoption in by_adoption}


Adoption = tuple[str, str]
"""Customer and product."""
Cause = tuple[Adoption, str, float, float]
"""Adoption, who caused it, with what probability, and the share of its value that would be missing."""


class Past:
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
    ) -> None:
        self.credit = credit
        self.days = days(start, end)
        customers = [row for row in customers if row["joined_at"] <= end]
        orders = [row for row in orders if row["ordered_at"] <= end]
        interactions = [row for row in interactions if row["occurred_at"] <= end]
        self.joined = {row["customer_id"]: days(start, row["joined_at"]) for row in customers}
        by_stratum = credit.baseline in ("strata", "joined")
        self.stratum = {customer: stratum[customer] if by_stratum else 0 for customer in self.joined}
        self.products = sorted({row["product"] for row in orders})

        seen: dict[str, list[float]] = defaultdict(list)
        for row in orders:
            seen[row["customer_id"]].append(days(start, row["ordered_at"]))
        for row in usage:
            if row["occurred_at"] <= end:
                seen[row["customer_id"]].append(days(start, row["occurred_at"]))
        for row in interactions:
            seen[row["source_id"]].append(days(start, row["occurred_at"]))
        self.present_until = {
            customer: max(seen[customer]) + max(max(seen[customer]) - joined, 0.0) / len(seen[customer])
            if seen[customer]
            else -math.inf
            for customer, joined in self.joined.items()
        }

        self.adopted: dict[Adoption, float] = {}
        self.revenue: dict[Adoption, float] = defaultdict(float)
        for row in orders:
            adoption, day = (row["customer_id"], row["product"]), days(start, row["ordered_at"])
            self.adopted[adoption] = min(day, self.adopted.get(adoption, day))
            if row["ordered_at"] > start:
                self.revenue[adoption] += six_decimals(row["revenue"])
        earliest = min(self.adopted.values(), default=0.0)
        self.since = max(-credit.lookback_days, min(earliest, 0.0) - 1)

        self.brought_in = {row["target_id"] for row in interactions if row["kind"] == "referral"}
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
        return max(self.revenue[adoption], 0.0)

    def referred(self, adoption: Adoption) -> bool:
        """Whether a referral explains it."""
        customer, _ = adoption
        soon = self.adopted[adoption] - self.joined[customer] <= self.credit.referral_days
        return customer in self.brought_in and soon

    def at_risk(self, customer: str, product: str, day: float) -> bool:
        """In sight just before *day*, and had not bought the product by then."""
        present = self.joined[customer] < day <= self.present_until[customer]
        return present and self.adopted.get((customer, product), math.inf) >= day

    def exposures(self, customer: str, product: str, day: float) -> list[tuple[str, int, float]]:
        """Source, bin of age, and mass of whoever could move *customer* on that day."""
        found = []
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
                    which = sum(age > edge * self.credit.window_days for edge in AGES)
                    found.append((source, which, math.sqrt(tie)))
        return found


@dataclass
class Case:
    """An adoption to be explained, and who else could have adopted then."""

    customer: str
    product: str
    at: float
    controls: list[str]
    exposures: list[list[tuple[str, int, float]]]
    """Of the adopter, then of each control."""
    near: list[tuple[int, float]] = field(default_factory=list)
    """Other cases of the product within the bandwidth, each with its kernel."""
    near_in_stratum: list[tuple[int, float]] = field(default_factory=list)

    @property
    def used(self) -> bool:
        return len(self.controls) >= 2


class Mixture:
    """What moved each adopter: themselves, or one of those who had adopted before."""

    def __init__(self, past: Past) -> None:
        self.past = past
        self.cases = [
            self._case(customer, product, at)
            for (customer, product), at in sorted(past.adopted.items())
            if past.since < at <= past.days
        ]
        width = past.credit.bandwidth_days
        for case in self.cases:
            for k, other in enumerate(self.cases):
                kernel = 1 - abs(case.at - other.at) / width
                if other is not case and other.product == case.product and kernel > 0:
                    case.near.append((k, kernel))
                    if past.stratum[other.customer] == past.stratum[case.customer]:
                        case.near_in_stratum.append((k, kernel))
        self.by_model = past.credit.baseline in ("model", "joined")
        self.affinity = Affinity(past) if self.by_model else None
        self.theta = [0.0] * (self.affinity.size if self.affinity else 0)
        self.kernel = [1e-3] * len(AGES)
        self.strength: dict[str, float] = defaultdict(lambda: 1.0)
        self.usual = [1.0] * 10
        self.alone = [1.0] * len(self.cases)
        self._count_at_risk()

    def _case(self, customer: str, product: str, at: float) -> Case:
        past = self.past
        controls = [
            other
            for other, stratum in past.stratum.items()
            if stratum == past.stratum[customer]
            and other != customer
            and past.at_risk(other, product, at)
            and past.adopted.get((other, product), math.inf) > at
        ]
        exposures = [past.exposures(member, product, at) for member in (customer, *controls)]
        return Case(customer, product, at, controls, exposures)

    def _count_at_risk(self) -> None:
        past, width = self.past, self.past.credit.bandwidth_days
        whole = past.days - past.since

        def number(product: str, day: float, stratum: int | None = None) -> int:
            return sum(
                past.at_risk(customer, product, day)
                for customer, of in past.stratum.items()
                if stratum in (None, of)
            )

        self.reach, self.reach_in_stratum = [], []
        for case in self.cases:
            before, after = (
                min(part / width, 1.0) for part in (case.at - past.since, whole - (case.at - past.since))
            )
            mass = before - before**2 / 2 + after - after**2 / 2
            stratum = past.stratum[case.customer]
            self.reach.append(max(number(case.product, case.at), 1) * mass * width)
            self.reach_in_stratum.append(number(case.product, case.at, stratum) * mass * width)
        # box, product → number at risk, by stratum and among all
        self.boxes = max(math.ceil(whole / width), 1)
        self.tiles = {}
        for box in range(self.boxes):
            middle = past.since + (box + 0.5) * width
            for product in past.products:
                by_stratum = {
                    stratum: number(product, middle, stratum) for stratum in set(past.stratum.values())
                }
                self.tiles[box, product] = by_stratum, max(number(product, middle), 1)

    def estimate(self) -> None:
        for _ in range(8):
            self._improve()
        if not self._matters():
            self.kernel = [0.0] * len(AGES)
            return
        for _ in range(3):
            self._weigh_sources()
            self._improve()

    def causes(self) -> Iterator[Cause]:
        for case, own in zip(self.cases, self._baseline(self.alone), strict=True):
            whole = own[0] + self._pull(case.exposures[0])
            for exposure in case.exposures[0]:
                pull = self._pull([exposure])
                if pull > 0 and case.at > 0:
                    later = (whole - pull) * (self.past.days - case.at)
                    lost = -math.expm1(-later) / later if later > 1e-9 else 1.0
                    loss = lost if self.past.credit.expansion else 1.0
                    yield (case.customer, case.product), exposure[0], pull / whole, loss

    def _rates(self, alone: list[float]) -> list[float]:
        shape = self._shape(alone)
        rates = []
        for case, reach, reach_in_stratum in zip(self.cases, self.reach, self.reach_in_stratum, strict=True):
            of_product = max(sum(alone[k] * kernel for k, kernel in case.near), 1e-9) / reach
            near = sum(alone[k] * kernel for k, kernel in case.near_in_stratum)
            rates.append(of_product * (shape + near) / (shape + of_product * reach_in_stratum))
        return rates

    def _shape(self, alone: list[float]) -> float:
        past, squares, beyond = self.past, 0.0, 0.0
        count: dict[tuple[int, str, int], float] = defaultdict(float)
        for case, weight in zip(self.cases, alone, strict=True):
            box = min(int((case.at - past.since) // past.credit.bandwidth_days), self.boxes - 1)
            count[box, case.product, past.stratum[case.customer]] += weight
        for (box, product), (by_stratum, everybody) in self.tiles.items():
            together = sum(count[box, product, stratum] for stratum in by_stratum)
            for stratum, number in by_stratum.items():
                expected = together / everybody * number
                squares += expected**2
                beyond += (count[box, product, stratum] - expected) ** 2 - expected
        return min(max(squares / max(beyond, 1e-12), 0.01), 1e4)

    def _baseline(self, alone: list[float]) -> list[list[float]]:
        """Of each case, the hazard of the adopter and of each control if nobody had influence."""
        rates = self._rates(alone)
        if self.affinity is None:
            return [[rate] * (1 + len(case.controls)) for case, rate in zip(self.cases, rates, strict=True)]
        of = self.affinity
        sets = [
            [of(customer, case.product) for customer in (case.customer, *case.controls)]
            for case in self.cases
        ]
        used = [i for i, case in enumerate(self.cases) if case.used]
        self.theta = conditional_logit([sets[i] for i in used], [alone[i] for i in used], self.theta)
        found = []
        for case, members, rate in zip(self.cases, sets, rates, strict=True):
            risk = [math.exp(dot(member, self.theta)) for member in members]
            mean = sum(risk[1:]) / len(risk[1:]) if case.used else risk[0]
            found.append([rate * one / mean for one in risk])
        return found

    def _pull(self, exposures: list[tuple[str, int, float]]) -> float:
        return sum(self.kernel[which] * mass * self.strength[source] for source, which, mass in exposures)

    def _improve(self) -> None:
        baseline = self._baseline(self.alone)
        self.kernel = self._steps(
            self.kernel, baseline, lambda source, which, mass: (which, mass * self.strength[source])
        )
        self.alone = [
            hazards[0] / (hazards[0] + self._pull(case.exposures[0]))
            for case, hazards in zip(self.cases, baseline, strict=True)
        ]

    def _steps(
        self,
        factors: list[float],
        baseline: list[list[float]],
        part: Callable[[str, int, float], tuple[int, float]],
        prior: float = 0.0,
    ) -> list[float]:
        """Nearer to the likeliest factors of the parts of influence; *part*: an exposure's, and its pull."""
        # of each used case: hazards without influence, and pull by part, of the adopter and of the whole set
        rows = []
        for case, hazards in zip(self.cases, baseline, strict=True):
            if case.used:
                own, everybody = [0.0] * len(factors), [0.0] * len(factors)
                for member, exposures in enumerate(case.exposures):
                    for exposure in exposures:
                        which, pull = part(*exposure)
                        everybody[which] += pull
                        if member == 0:
                            own[which] += pull
                rows.append((hazards[0], own, sum(hazards), everybody))
        for _ in range(10):
            gained, expected = [prior] * len(factors), [prior] * len(factors)
            for own_hazard, own, set_hazard, everybody in rows:
                own_total = own_hazard + dot(own, factors)
                set_total = set_hazard + dot(everybody, factors)
                for which, factor in enumerate(factors):
                    gained[which] += factor * own[which] / own_total
                    expected[which] += everybody[which] / set_total
            factors = [up / down if down > 0 else 0.0 for up, down in zip(gained, expected, strict=True)]
        return factors

    def _matters(self) -> bool:
        with_influence = self._likelihood(self.alone)
        kernel, self.kernel = self.kernel, [0.0] * len(AGES)
        without = self._likelihood([1.0] * len(self.cases))
        self.kernel = kernel
        return abs(with_influence - without) > 1e-3

    def _likelihood(self, alone: list[float]) -> float:
        return sum(
            math.log(hazards[0]) - math.log(sum(hazards))
            for case, hazards in zip(self.cases, self._hazards(alone), strict=True)
            if case.used
        )

    def _hazards(self, alone: list[float]) -> list[list[float]]:
        return [
            [
                hazard + self._pull(exposures)
                for hazard, exposures in zip(hazards, case.exposures, strict=True)
            ]
            for case, hazards in zip(self.cases, self._baseline(alone), strict=True)
        ]

    def _weigh_sources(self) -> None:
        group = self.past.reach_group
        self.usual = self._steps(
            self.usual,
            self._baseline(self.alone),
            lambda source, which, mass: (group[source], mass * self.kernel[which]),
            prior=2,
        )
        caused: dict[str, float] = defaultdict(float)
        expected: dict[str, float] = defaultdict(float)
        for case, hazards in zip(self.cases, self._hazards(self.alone), strict=True):
            for member, exposures in enumerate(case.exposures):
                for exposure in exposures:
                    source, which, mass = exposure
                    expected[source] += self.kernel[which] * mass / sum(hazards)
                    if member == 0:
                        caused[source] += self._pull([exposure]) / hazards[0]
        for source in group:
            usual = self.usual[group[source]]
            self.strength[source] = usual * (2 + caused[source]) / (2 + usual * expected[source])


class Affinity:
    """How much more than others a customer takes to a product, by what came before the cases."""

    def __init__(self, past: Past) -> None:
        self.past = past
        before = [adoption for adoption, at in past.adopted.items() if at < past.since]
        self.had: dict[str, list[str]] = defaultdict(list)
        self.buyers: dict[str, list[str]] = defaultdict(list)
        for customer, product in before:
            self.had[customer].append(product)
            self.buyers[product].append(customer)
        self.members = [customer for customer, joined in past.joined.items() if joined < past.since]
        self.years = {
            customer: min(max(past.since - joined, 0.0) / 365, 3.0)
            for customer, joined in past.joined.items()
        }
        self.size = len(past.levels) + 2
        self.known: dict[Adoption, list[float]] = {}

    def __call__(self, customer: str, product: str) -> list[float]:
        if (customer, product) not in self.known:
            self.known[customer, product] = [
                *(self._level(level, customer, product) for level in self.past.levels),
                self._activity(customer),
                self._related(customer, product),
            ]
        return self.known[customer, product]

    def _level(self, level: Mapping[str, Any], customer: str, product: str) -> float:
        alike = [other for other in self.members if level[other] == level[customer]]
        share = len(alike) / max(len(self.members), 1)
        bought = sum(level[other] == level[customer] for other in self.buyers[product])
        return math.log((bought + 5) / (len(self.buyers[product]) * share + 5))

    def _activity(self, customer: str) -> float:
        years, number = sum(self.years.values()), sum(map(len, self.had.values()))
        usual = self.years[customer] * number / years if years else 0.0
        return math.log((len(self.had[customer]) + 1) / (usual + 1))

    def _related(self, customer: str, product: str) -> float:
        everybody = max(sum(bool(products) for products in self.had.values()), 1)
        found = 0.0
        for other in self.had[customer]:
            if other != product:
                both = len(set(self.buyers[other]) & set(self.buyers[product]))
                chance = len(self.buyers[other]) * len(self.buyers[product]) / everybody
                found += math.log((both + 5) / (chance + 5))
        return found / max(len(self.had[customer]), 1)


def attributes(customers: list[Row]) -> list[dict[str, Any]]:
    """Customer → level, of each column that says something about customers: numbers by fifths."""
    found = []
    for name in customers[0] if customers else ():
        values = {row["customer_id"]: row[name] for row in customers}
        given = [value for value in values.values() if value is not None]
        if name in ("customer_id", "joined_at"):
            continue
        if given and all(type(value) in (int, float) for value in given):
            edges = [quantile(sorted(given), part) for part in (0.2, 0.4, 0.6, 0.8)]
            found.append(
                {
                    customer: None if value is None else sum(edge <= value for edge in edges)
                    for customer, value in values.items()
                }
            )
        elif all(type(value) in (str, bool) for value in given) and len(set(given)) <= 50:
            found.append(values)
    return found


def quantile(ascending: list[float], part: float) -> float:
    """By linear interpolation."""
    place = part * (len(ascending) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ascending) - 1)
    return ascending[low] + (ascending[high] - ascending[low]) * (place - low)


def conditional_logit(sets: list[list[list[float]]], weights: list[float], start: list[float]) -> list[float]:
    """Coefficients of the first of each set against all of it, with a standard normal prior."""

    columns = [list(zip(*members, strict=True)) for members in sets]

    def loss(theta: Sequence[float]) -> tuple[float, list[float]]:
        value, gradient = dot(theta, theta) / 2, list(theta)
        for members, by_column, weight in zip(sets, columns, weights, strict=True):
            risk = [math.exp(dot(member, theta)) for member in members]
            whole = sum(risk)
            value -= weight * math.log(risk[0] / whole)
            for which, column in enumerate(by_column):
                gradient[which] -= weight * (members[0][which] - dot(column, risk) / whole)
        return value, gradient

    tight = {"ftol": 1e-15, "gtol": 1e-7}
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options=tight)
    return list(map(float, found.x))


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
    found: dict[str, float] = defaultdict(float)
    for (customer, product), rows in purchases_inside(orders, start, end).items():
        adopted_at = adoption(orders, customer, product)
        assert adopted_at is not None
        if adopted_at <= start:
            continue
        pulls = {}
        for row in customers:
            pull = pull_of(
                row["customer_id"], customer, product, orders, interactions, credit, half_life_days
            )
            if pull > 0:
                pulls[row["customer_id"]] = pull
        paid = max(sum(row["revenue"] for row in rows), 0.0)
        for source, pull in pulls.items():
            found[source] += six_decimals(pull / sum(pulls.values()) * paid)
    return dict(found)


def pull_of(
    source: str,
    target: str,
    product: str,
    orders: list[Row],
    interactions: list[Row],
    credit: Credit,
    half_life_days: float,
) -> float:
    """How strongly *source* pulled *target* towards *product* when *target* first bought it."""
    adopted_at, source_adopted_at = (adoption(orders, customer, product) for customer in (target, source))
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


def adoption(orders: list[Row], customer: str, product: str) -> datetime | None:
    """When *customer* first bought *product*."""
    return min(
        (row["ordered_at"] for row in orders if row["customer_id"] == customer and row["product"] == product),
        default=None,
    )


def purchases_inside(orders: list[Row], start: datetime, end: datetime) -> dict[tuple[str, str], list[Row]]:
    """Orders in (start, end] by customer and product."""
    found: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in orders:
        if start < row["ordered_at"] <= end:
            found[row["customer_id"], row["product"]].append(row)
    return found


def dot(left: Sequence[float], right: Sequence[float]) -> float:
    return sum(map(mul, left, right))


def days(earlier: datetime, later: datetime) -> float:
    """Days between two moments, cut to whole seconds."""
    return (later.replace(microsecond=0) - earlier.replace(microsecond=0)).total_seconds() / 86_400


def six_decimals(value: float) -> float:
    """*value* as it is added up."""
    return round(value, 6)
