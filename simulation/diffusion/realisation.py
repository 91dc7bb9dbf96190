"""What truly happens in a world, causes and clocks included; the tables show only part of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ripple.simulation.diffusion.clocks import Clocks, Standpoint, set_clocks
from ripple.simulation.diffusion.first_passage import Adoptions, spread
from ripple.simulation.diffusion.payments import Payments, pay
from ripple.simulation.world.calendar import Calendar
from ripple.simulation.world.population import Population, populate
from ripple.simulation.world.products import Products, launch
from ripple.simulation.world.referrals import Referrals, refer
from ripple.simulation.world.ties import Ties, tie
from ripple.simulation.world.worlds import World


class Streams(NamedTuple):
    """A random stream for each part, so that a change of one leaves the draws of the others."""

    history: np.random.Generator
    payments: np.random.Generator
    features: np.random.Generator
    usage: np.random.Generator
    interactions: np.random.Generator
    feedback: np.random.Generator

    @classmethod
    def of(cls, seed: int) -> Streams:
        """The streams of one simulation, each at its beginning."""
        return cls(*np.random.default_rng(seed).spawn(len(cls._fields)))


@dataclass(frozen=True)
class History:
    """The customers, their ties, who brought whom in, and who adopted and paid what because of whom."""

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


def unfold(world: World, customers: int, calendar: Calendar, seed: int) -> History:
    """Let *world* run over the whole calendar."""
    streams = Streams.of(seed)
    of_population, of_ties, of_referrals, of_products, of_adoptions = streams.history.spawn(5)
    population = populate(world, customers, calendar, of_population)
    ties = tie(world, population, of_ties)
    referrals = refer(world, population, of_referrals)
    products = launch(world, population, calendar, of_products)
    beginning = Standpoint.beginning(products, population)
    clocks = set_clocks(world, population, ties, products, calendar, beginning, of_adoptions)
    adoptions = spread(clocks, ties)
    payments = pay(adoptions, population, products, calendar, streams.payments)
    return History(world, calendar, seed, population, ties, referrals, products, clocks, adoptions, payments)
