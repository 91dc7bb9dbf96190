"""One realisation of a world, with causes and clocks; the tables show only part of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np

from ripple.arrays import Bools
from ripple.simulation.diffusion.clocks import AdoptionState, Clocks, draw_clocks
from ripple.simulation.diffusion.first_passage import Adoptions, spread_adoptions
from ripple.simulation.diffusion.payments import Payments, draw_payments
from ripple.simulation.world.calendar import Calendar
from ripple.simulation.world.population import Population, draw_population
from ripple.simulation.world.products import Products, launch_products
from ripple.simulation.world.referrals import Referrals, draw_referrals
from ripple.simulation.world.ties import Ties, draw_ties
from ripple.simulation.world.worlds import World

MAX_FACTOR = 20.0
"""The largest multiple by which a play may raise voice or use."""


class RandomStreams(NamedTuple):
    """An independent random stream for each part, so that a change of one leaves the draws of the others."""

    history: np.random.Generator
    payments: np.random.Generator
    features: np.random.Generator
    usage: np.random.Generator
    interactions: np.random.Generator
    feedback: np.random.Generator
    first_uses: np.random.Generator
    plays: np.random.Generator

    @classmethod
    def of(cls, seed: int) -> RandomStreams:
        """The streams of one simulation, each at its beginning."""
        return cls(*np.random.default_rng(seed).spawn(len(cls._fields)))


@dataclass(frozen=True)
class Play:
    """What is done to a treated customer from a moment on for some days; a factor of 1 changes nothing."""

    start: datetime
    days: float
    voice: float = 1.0
    """How often the customer is in touch with others, and influences them, as a multiple; 1 to 20."""
    use: float = 1.0
    """How often the customer uses the service, as a multiple; 1 to 20. Nobody pays more for it."""
    spend: float = 1.0
    """What the customer pays for each order, as a multiple; above 0. Nobody else notices."""

    def __post_init__(self) -> None:
        """Check every number.

        Raises:
            ValueError: a number is out of its range.
        """
        if not 0 < self.days < math.inf:
            raise ValueError(f"days = {self.days}: a play lasts for some days.")
        for name in ("voice", "use"):
            if not 1 <= getattr(self, name) <= MAX_FACTOR:
                raise ValueError(f"{name} = {getattr(self, name)}: expected 1 to {MAX_FACTOR:g}.")
        if not 0 < self.spend < math.inf:
            raise ValueError(f"spend = {self.spend}: expected a number above 0.")


@dataclass(frozen=True)
class Played:
    """A play, and a mask of the customers to whom it was done."""

    play: Play
    treated: Bools


@dataclass(frozen=True)
class History:
    """Customers, ties and referrals, and who adopted and paid what because of whom."""

    world: World
    calendar: Calendar
    seed: int
    population: Population
    ties: Ties
    referrals: Referrals
    products: Products
    clocks: Clocks
    adoptions: Adoptions
    payments: Payments
    played: Played | None = None
    """What was done to some customers, if anything was."""


def simulate_history(world: World, customers: int, calendar: Calendar, seed: int) -> History:
    """Simulate *world* over the whole calendar."""
    streams = RandomStreams.of(seed)
    population_rng, ties_rng, referrals_rng, products_rng, clocks_rng = streams.history.spawn(5)
    population = draw_population(world, customers, calendar, population_rng)
    ties = draw_ties(world, population, ties_rng)
    referrals = draw_referrals(world, population, referrals_rng)
    products = launch_products(world, population, calendar, products_rng)
    initial = AdoptionState.initial(products, population)
    clocks = draw_clocks(world, population, ties, products, calendar, initial, clocks_rng)
    adoptions = spread_adoptions(clocks, ties)
    payments = draw_payments(adoptions, population, products, calendar, streams.payments)
    return History(world, calendar, seed, population, ties, referrals, products, clocks, adoptions, payments)
