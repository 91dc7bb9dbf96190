"""What would have happened anyway: the hazard of adopting a product that nobody's influence explains.

The rate of a product in a stratum around the day of each adoption, the adoption itself left out, each counted
as far as it came of itself (stochastic declustering, Zhuang, Ogata & Vere-Jones 2002), and shrunk to the
product's rate among all customers (Gamma–Poisson). Inside a stratum customers differ: their relative risk is
that of a conditional logit of adopters against others at risk on the same day (McFadden 1974; Breslow 1996).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy.optimize import minimize

from ripple.arrays import Bools, Floats, Ints, expand, sums
from ripple.training.attribution.adoptions import NEVER, Events
from ripple.training.attribution.step_functions import KernelSums, Steps

DAYS_PER_YEAR = 365.0
MOST_YEARS = 3.0
PRIOR_ADOPTIONS = 5.0
MOST_TILES = 5_000_000
"""Boxes of a stratum, product and time to look at; where there are more, only every so many strata are."""
MOST_RELATED = 2000
"""Products, those most adopted, of which it is asked how often they go together."""
SMALLEST_SHAPE, LARGEST_SHAPE = 0.01, 1e4
FEWEST = 1e-9
"""Adoptions near a lonely one: a rate is never zero."""


@dataclass(frozen=True)
class AtRisk:
    """How many customers of a stratum are in sight and have not adopted a product, at any day."""

    present: Steps
    adopted: Steps
    products: int

    @classmethod
    def of(cls, events: Events, stratum: Ints) -> AtRisk:
        """In strata numbered by customer."""
        adoptions = events.adoptions
        until = np.maximum(events.present_until, events.joined)
        gone = np.maximum(events.present_until[adoptions.customer], adoptions.at)
        cell = stratum[adoptions.customer] * events.products + adoptions.product
        return cls(
            Steps.of(stratum, events.joined, until), Steps.of(cell, adoptions.at, gone), events.products
        )

    def __call__(self, stratum: Ints, product: Ints, day: Floats) -> Floats:
        """Number at risk just before *day*."""
        adopted = self.adopted.before(stratum * self.products + product, day)
        return np.maximum(self.present.before(stratum, day) - adopted, 0.0)


class Rates:
    """Leave-one-out rates of the adoptions in the window, per day, by stratum and product."""

    def __init__(self, events: Events, stratum: Ints, bandwidth_days: float) -> None:
        cases, adoptions = events.cases, events.adoptions
        self.product, self.day = adoptions.product[cases], adoptions.at[cases] - events.since
        self.stratum = stratum[adoptions.customer[cases]]
        self.width, self.days = bandwidth_days, events.days - events.since
        self.cell = self.stratum * events.products + self.product
        self.near = KernelSums.of(self.cell, self.day, self.width)
        self.near_all = KernelSums.of(self.product, self.day, self.width)
        everybody = np.zeros_like(stratum)
        at_risk, at_risk_all = AtRisk.of(events, stratum), AtRisk.of(events, everybody)
        reach = self._mass() * self.width
        self.risk = at_risk(self.stratum, self.product, adoptions.at[cases]) * reach
        nobody = np.zeros_like(self.product)
        self.risk_all = np.maximum(at_risk_all(nobody, self.product, adoptions.at[cases]), 1.0) * reach
        self._tile(events, stratum, at_risk, at_risk_all)

    def __call__(self, alone: Floats) -> Floats:
        """The rate at each adoption, given the probability that each came of itself."""
        of_product = np.maximum(self.near_all.others(alone), FEWEST) / self.risk_all
        shape = self._shape(alone)
        near = self.near.others(alone)
        return of_product * (shape + near) / (shape + of_product * self.risk)

    def _mass(self) -> Floats:
        """Part of the triangle around each day that lies in the window."""
        before = np.minimum(self.day / self.width, 1.0)
        after = np.minimum((self.days - self.day) / self.width, 1.0)
        return before - before**2 / 2 + after - after**2 / 2

    def _tile(self, events: Events, stratum: Ints, at_risk: AtRisk, at_risk_all: AtRisk) -> None:
        """Cut the window into boxes as wide as the bandwidth, to see how much rates differ between strata."""
        boxes = max(int(np.ceil(self.days / self.width)), 1)
        self.box = np.minimum((self.day // self.width).astype(np.int64), boxes - 1)
        strata, products = int(stratum.max(initial=0)) + 1, events.products
        self.every = -(-boxes * strata * products // MOST_TILES) or 1
        strata = -(-strata // self.every)
        every_stratum, every_product = np.divmod(np.arange(strata * products), max(products, 1))
        every_stratum *= self.every
        self.shape_of_tiles = (boxes, strata, products)
        tiles, everybody = [], []
        for box in range(boxes):
            middle = np.full(every_stratum.size, events.since + (box + 0.5) * self.width)
            tiles.append(at_risk(every_stratum, every_product, middle))
            one_each = np.arange(products)
            everybody.append(at_risk_all(np.zeros_like(one_each), one_each, middle[:1].repeat(products)))
        self.tile_risk = np.reshape(tiles, self.shape_of_tiles)
        self.tile_risk_all = np.maximum(np.reshape(everybody, (boxes, 1, products)), 1.0)

    def _shape(self, alone: Floats) -> float:
        """Shape of the Gamma prior, by the moments of the numbers in the boxes."""
        boxes, strata, products = self.shape_of_tiles
        looked_at = self.stratum % self.every == 0
        tile = (self.box * strata + self.stratum // self.every) * products + self.product
        number = sums(tile[looked_at], alone[looked_at], boxes * strata * products)
        number = number.reshape(self.shape_of_tiles)
        of_product = sums(self.box * products + self.product, alone, boxes * products)
        expected = of_product.reshape(boxes, 1, products) / self.tile_risk_all * self.tile_risk
        beyond_chance = float(((number - expected) ** 2 - expected).sum())
        shape = float((expected**2).sum()) / max(beyond_chance, 1e-12)
        return min(max(shape, SMALLEST_SHAPE), LARGEST_SHAPE)


@dataclass(frozen=True)
class Sets:
    """Each adoption with others of its stratum who were at risk of the same product on the same day."""

    case: Ints
    """The adoption each control belongs to, by its place among the adoptions in the window; ascending."""
    control: Ints
    """A customer."""
    used: Bools
    """Whether an adoption has controls enough to be compared: two."""


def controls(events: Events, stratum: Ints, most: int, rng: np.random.Generator) -> Sets:
    """Up to *most* controls for each adoption in the window; all at risk where the stratum has no more.

    Members of a stratum stand in random order; from a random one on, each adoption takes the first who are
    at risk, and gives up when it has passed four times as many as it needs.
    """
    cases, adoptions = events.cases, events.adoptions
    customer, product, day = adoptions.customer[cases], adoptions.product[cases], adoptions.at[cases]
    shuffled = rng.permutation(events.customers)
    member = shuffled[np.argsort(stratum[shuffled], kind="stable")]
    size = np.bincount(stratum)
    first = (np.cumsum(size) - size)[stratum[customer]]
    size = size[stratum[customer]]
    offset = (rng.random(cases.size) * size).astype(np.int64)
    found = np.zeros(cases.size, dtype=np.int64)
    case_parts, control_parts = [], []
    open_cases = np.arange(cases.size)
    for step in range(int(size.max(initial=0))):
        open_cases = open_cases[
            (found[open_cases] < most)
            & (step < size[open_cases])
            & ((step < 4 * most) | (most >= size[open_cases]))
        ]
        if not open_cases.size:
            break
        who = member[first[open_cases] + (offset[open_cases] + step) % size[open_cases]]
        fits = _at_risk(events, who, product[open_cases], day[open_cases]) & (who != customer[open_cases])
        case_parts.append(open_cases[fits])
        control_parts.append(who[fits])
        found[open_cases[fits]] += 1
    case = np.concatenate([np.empty(0, dtype=np.int64), *case_parts])
    control = np.concatenate([np.empty(0, dtype=np.int64), *control_parts])
    order = np.lexsort((control, case))
    return Sets(case[order], control[order], found >= 2)


def _at_risk(events: Events, customer: Ints, product: Ints, day: Floats) -> Bools:
    adoption = events.adoption_of(customer, product)
    adopted = np.where(adoption >= 0, events.adoptions.at[adoption], NEVER)
    return (events.joined[customer] < day) & (adopted > day) & (events.present_until[customer] >= day)


class Affinity:
    """How much more than others a customer takes to a product, by what was known before the window.

    Logs of ratios, zero where nothing is known: the product's share among customers of the same level of each
    attribute; the customer's adoptions so far for their time as a customer; and how often the product goes
    together with those the customer has (one related earlier behaviour removes most of the bias in Eckles &
    Bakshy 2021).
    """

    def __init__(self, events: Events) -> None:
        before = events.adoptions.at < events.since
        customer, product = events.adoptions.customer[before], events.adoptions.product[before]
        customers, products = events.customers, events.products
        self.attributes = events.attributes
        joined = events.joined < events.since
        number = np.bincount(product, minlength=products).astype(np.float64)
        self.by_level = [
            self._of_levels(level, joined, customer, product, number) for level in events.attributes.T
        ]
        owned = np.bincount(customer, minlength=customers)
        years = np.minimum(np.maximum(events.since - events.joined, 0.0) / DAYS_PER_YEAR, MOST_YEARS)
        pace = owned.sum() / years.sum() if years.any() else 0.0
        self.activity = np.log((owned + 1) / (years * pace + 1))
        self.first = np.cumsum(owned) - owned
        most_adopted = np.argsort(-number, kind="stable")[:MOST_RELATED]
        self.slot = np.full(products, most_adopted.size)
        self.slot[most_adopted] = np.arange(most_adopted.size)
        self.owned, self.slots_owned = owned, self.slot[product]
        buyers = max(int((owned > 0).sum()), 1)
        self.lift = self._lift(
            customer, self.slots_owned, np.append(number[most_adopted], 0.0), buyers, customers
        )

    def __call__(self, customer: Ints, product: Ints) -> Floats:
        """One row per (customer, product), one column per ratio."""
        columns = [
            table[self.attributes[customer, which], product] for which, table in enumerate(self.by_level)
        ]
        which, position = expand(self.first[customer], self.first[customer] + self.owned[customer])
        lift = self.lift[self.slots_owned[position], self.slot[product[which]]]
        related = np.bincount(which, lift, minlength=customer.size) / np.maximum(self.owned[customer], 1)
        return np.stack([*columns, self.activity[customer], related], axis=1)

    @staticmethod
    def _of_levels(level: Ints, joined: Bools, customer: Ints, product: Ints, number: Floats) -> Floats:
        levels = int(level.max(initial=0)) + 1
        share = np.bincount(level[joined], minlength=levels) / max(int(joined.sum()), 1)
        flat = np.bincount(level[customer] * number.size + product, minlength=levels * number.size)
        expected = share[:, None] * number
        return np.log((flat.reshape(levels, number.size) + PRIOR_ADOPTIONS) / (expected + PRIOR_ADOPTIONS))

    @staticmethod
    def _lift(customer: Ints, slot: Ints, number: Floats, buyers: int, customers: int) -> Floats:
        """Of each two products, by slot; the last slot, of all that are not among the most adopted, is 0."""
        owns = sp.csr_matrix((np.ones(customer.size), (customer, slot)), shape=(customers, number.size))
        together = (owns.T @ owns).toarray()
        expected = np.outer(number, number) / buyers
        lift = np.log((together + PRIOR_ADOPTIONS) / (expected + PRIOR_ADOPTIONS))
        np.fill_diagonal(lift, 0.0)
        lift[-1], lift[:, -1] = 0.0, 0.0
        return lift


def relative_risk(cases: Floats, controls: Floats, case_of: Ints, weight: Floats, start: Floats) -> Floats:
    """Coefficients of a conditional logit with a standard normal prior: adopters against their controls.

    Args:
        cases, controls: affinities, one row each.
        case_of: row of `cases` that each control belongs to.
        weight: of each case; zero for those that are not used.
        start: where the search begins.
    """

    def loss(coefficients: Floats) -> tuple[float, Floats]:
        own, other = cases @ coefficients, controls @ coefficients
        top = own.copy()
        np.maximum.at(top, case_of, other)
        own_risk, other_risk = np.exp(own - top), np.exp(other - top[case_of])
        total = own_risk + np.bincount(case_of, other_risk, minlength=own.size)
        fit = (weight * (own - top - np.log(total))).sum() - coefficients @ coefficients / 2
        share = weight / total
        gradient = (
            cases.T @ (weight - share * own_risk) - controls.T @ (share[case_of] * other_risk) - coefficients
        )
        return -fit, -gradient

    return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B").x, dtype=np.float64)
