"""One realisation of a world, with causes and clocks; the tables show only part of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ripple.simulation.diffusion.clocks import AdoptionState, Clocks, draw_clocks
from ripple.simulation.diffusion.first_passage import Adoptions, spread_adoptions
from ripple.simulation.diffusion.payments import Payments, draw_payments
from ripple.simulation.world.calendar import Calendar
from ripple.simulation.world.population import Population, draw_population
from ripple.simulation.world.products import Products, launch_products
from ripple.simulation.world.referrals import Referrals, draw_referrals
from ripple.simulation.world.ties import Ties, draw_ties
from ripple.simulation.world.worlds import World


class RandomStreams(NamedTuple):
    """An independent random stream for each part, so that a change of one leaves the draws of the others."""

    history: np.random.Generator
    payments: np.random.Generator
    features: np.random.Generator
    usage: np.random.Generator
    interactions: np.random.Generator
    feedback: np.random.Generator
    first_uses: np.random.Generator

    @classmethod
    def of(cls, seed: int) -> RandomStreams:
        """The streams of one simulation, each at its beginning."""
        return cls(*np.random.default_rng(seed).spawn(len(cls._fields)))


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
