"""The random times of diffusion: background clocks, and influence clocks of ties that transmit an adoption.

All clocks are recorded, also those that never cause an adoption, so that counterfactuals without some of them
are exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ripple.arrays import Bools, Floats, Ints
from ripple.simulation.world.calendar import Calendar
from ripple.simulation.world.campaigns import response_days
from ripple.simulation.world.delays import Delays
from ripple.simulation.world.population import Population
from ripple.simulation.world.products import Products
from ripple.simulation.world.ties import Ties
from ripple.simulation.world.worlds import World

BUDGET_EFFECT = 0.4
"""The effect of the log of budget on the log of the background hazard."""
POWER_EFFECT = 0.7
"""The effect of the source's power on the log of the probability of transmission."""
STRENGTH_EFFECT = 0.5
"""The effect of the log of a tie's strength on the log of the probability of transmission: stronger ties
carry more influence (Aral & Walker 2014)."""


@dataclass(frozen=True)
class Clocks:
    """Background clocks as [product, customer]; influence clocks ordered by product, then tie."""

    background: Floats
    """Day of adopting without influence; infinite if not while a customer."""
    product: Ints
    tie: Ints
    delay: Floats
    """Days from the later of the source's adoption and `opens` to the target's adoption."""
    opens: Floats
    """First day from which each influence clock runs: that of its tie, or of a play if that is later."""
    closes: Floats
    """First day on which it no longer can ring."""

    def where(self, mask: Bools) -> Clocks:
        """The same background clocks, and the influence clocks for which *mask* is true."""
        return Clocks(
            self.background,
            self.product[mask],
            self.tie[mask],
            self.delay[mask],
            self.opens[mask],
            self.closes[mask],
        )

    def flat_index(self, customer: Ints) -> Ints:
        """Index in `background.ravel()` of this customer and the product of each influence clock."""
        return self.product * self.background.shape[1] + customer


@dataclass(frozen=True)
class AdoptionState:
    """The adoptions by a day; the future is drawn given that the others had not adopted."""

    day: float
    adopted: Floats
    """Day of adoption as [product, customer]; infinite if not by then."""

    @classmethod
    def initial(cls, products: Products, population: Population) -> AdoptionState:
        """Day 0, when nobody has adopted anything."""
        return cls(0.0, np.full((products.size, population.size), np.inf))


def draw_clocks(
    world: World,
    population: Population,
    ties: Ties,
    products: Products,
    calendar: Calendar,
    state: AdoptionState,
    rng: np.random.Generator,
) -> Clocks:
    """Draw all clocks from their distribution given the *state*: those of others ring only after its day.

    Exact: background clocks and exponential delays are memoryless, power-law delays are drawn from their
    remaining tail, and the longer a tie has not transmitted since its source adopted, the less likely it is
    to do so at all. Adopters get their day as their background clock, and nobody can influence them.
    """
    (campaign_rng,) = rng.spawn(1)
    delays = Delays(world.delay_days, world.delay_tail)
    transmission = transmission_probability(world, population, ties)
    background, products_of, ties_of, delays_of = [], [], [], []
    for product, adopted in enumerate(state.adopted):
        clock = background_clocks(product, population, products, calendar, state.day, rng, campaign_rng)
        background.append(np.where(np.isfinite(adopted), adopted, clock))

        elapsed = np.maximum(state.day - np.maximum(adopted[ties.source], ties.opens), 0.0)
        pending = transmission * delays.survival(elapsed)
        probability = np.where(np.isfinite(adopted[ties.target]), 0.0, pending / (1 - transmission + pending))
        tie = np.flatnonzero(rng.random(ties.size) < probability)
        products_of.append(np.full_like(tie, product))
        ties_of.append(tie)
        delays_of.append(delays.draw(elapsed[tie], rng))
    tie = np.concatenate(ties_of)
    return Clocks(
        np.stack(background),
        np.concatenate(products_of),
        tie,
        np.concatenate(delays_of),
        ties.opens[tie],
        ties.closes[tie],
    )


def background_clocks(
    product: int,
    population: Population,
    products: Products,
    calendar: Calendar,
    earliest: float,
    rng: np.random.Generator,
    campaign_rng: np.random.Generator,
) -> Floats:
    """The day, from *earliest* on, on which each customer would adopt *product* without influence.

    It is infinite if that is not while they are a customer.
    """
    day = np.arange(calendar.days + 1)
    hazard = products.cumulative_hazard[product]
    at_risk_from = np.maximum(np.maximum(population.active_from, products.launched[product]), earliest)
    relative_risk = products.taste(product, population) * population.budget**BUDGET_EFFECT
    threshold = np.interp(at_risk_from, day, hazard) + rng.exponential(size=population.size) / relative_risk
    seasonal = np.interp(threshold, hazard, day, right=np.inf)
    campaign_hazard = products.campaigns.hazard * relative_risk
    adopts = np.minimum(
        seasonal,
        response_days(product, products.campaigns, population, at_risk_from, campaign_hazard, campaign_rng),
    )
    return np.where(adopts < population.active_until, adopts, np.inf)


def transmission_probability(world: World, population: Population, ties: Ties) -> Floats:
    """The probability that each tie transmits an adoption of its source, if it stays open."""
    relative_risk = (
        np.exp(POWER_EFFECT * population.power[ties.source])
        * population.susceptibility[ties.target]
        * ties.strength**STRENGTH_EFFECT
    )
    return np.minimum(world.influence * relative_risk, 1.0)
