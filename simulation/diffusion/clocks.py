"""What can make a customer adopt a product: their own clock, and one for each tie that passes it on.

All clocks are recorded, also those that never become decisive. That makes it exact to ask what would have
happened without some of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ripple.arrays import Floats, Ints
from ripple.simulation.world.calendar import Calendar
from ripple.simulation.world.campaigns import response_days
from ripple.simulation.world.delays import Delays
from ripple.simulation.world.population import Population
from ripple.simulation.world.products import Products
from ripple.simulation.world.ties import Ties
from ripple.simulation.world.worlds import World

BUDGET_EFFECT = 0.4
POWER_EFFECT = 0.7
"""Effects on the log of the rate of adopting, and of the probability of being followed."""
STRENGTH_EFFECT = 0.5
"""Stronger ties carry more influence (Aral & Walker 2014)."""


@dataclass(frozen=True)
class Clocks:
    """Own clocks as [product, customer]; influence clocks by product, then in the order of the ties."""

    own: Floats
    """Day of adopting unprompted; infinite if not while a customer."""
    product: Ints
    tie: Ints
    delay: Floats
    """Days from the later of the source's adoption and the opening of the tie to the target's adoption."""

    def place(self, customer: Ints) -> Ints:
        """Where `own.ravel()` has this customer and the product of each influence clock."""
        return self.product * self.own.shape[1] + customer


@dataclass(frozen=True)
class Standpoint:
    """A day up to which all is settled: who had adopted, and that the others had not."""

    day: float
    adopted: Floats
    """Day of adoption as [product, customer]; infinite if not by then."""

    @classmethod
    def beginning(cls, products: Products, population: Population) -> Standpoint:
        """Day 0, when nobody has adopted anything."""
        return cls(0.0, np.full((products.size, population.size), np.inf))


def set_clocks(
    world: World,
    population: Population,
    ties: Ties,
    products: Products,
    calendar: Calendar,
    now: Standpoint,
    rng: np.random.Generator,
) -> Clocks:
    """Draw all clocks given that those which have not rung by *now* have not.

    Exact: own clocks and exponential delays are memoryless, power-law delays are drawn from their remaining
    tail, and the longer a tie has been silent since its source adopted, the less likely it is to act at all.
    What has happened stays: adopters get their day as their own clock, and nobody can influence them.
    """
    (of_campaigns,) = rng.spawn(1)
    delays = Delays(world.delay_days, world.delay_tail)
    passes = _pass_on_probability(world, population, ties)
    own, which, passing, delay = [], [], [], []
    for product, adopted in enumerate(now.adopted):
        clock = own_clocks(product, population, products, calendar, now.day, rng, of_campaigns)
        own.append(np.where(np.isfinite(adopted), adopted, clock))

        elapsed = np.maximum(now.day - np.maximum(adopted[ties.source], ties.opens), 0.0)
        silent = passes * delays.survival(elapsed)
        probability = np.where(np.isfinite(adopted[ties.target]), 0.0, silent / (1 - passes + silent))
        tie = np.flatnonzero(rng.random(ties.size) < probability)
        which.append(np.full_like(tie, product))
        passing.append(tie)
        delay.append(delays.draw(elapsed[tie], rng))
    return Clocks(np.stack(own), np.concatenate(which), np.concatenate(passing), np.concatenate(delay))


def own_clocks(
    product: int,
    population: Population,
    products: Products,
    calendar: Calendar,
    earliest: float,
    rng: np.random.Generator,
    of_campaigns: np.random.Generator,
) -> Floats:
    """The day, from *earliest* on, each customer would adopt *product* unprompted by any other customer.

    It is infinite if that is not while they are a customer.
    """
    day = np.arange(calendar.days + 1)
    mood = products.mood[product]
    possible = np.maximum(np.maximum(population.since, products.launched[product]), earliest)
    readiness = products.taste(product, population) * population.budget**BUDGET_EFFECT
    threshold = np.interp(possible, day, mood) + rng.exponential(size=population.size) / readiness
    of_mood = np.interp(threshold, mood, day, right=np.inf)
    hazard = products.campaigns.hazard * readiness
    own = np.minimum(
        of_mood, response_days(product, products.campaigns, population, possible, hazard, of_campaigns)
    )
    return np.where(own < population.until, own, np.inf)


def _pass_on_probability(world: World, population: Population, ties: Ties) -> Floats:
    odds = (
        np.exp(POWER_EFFECT * population.power[ties.source])
        * population.susceptibility[ties.target]
        * ties.strength**STRENGTH_EFFECT
    )
    return np.minimum(world.influence * odds, 1.0)
