"""Campaigns in communities, a confounder: members adopt together although nobody influences anybody.

Neighbours share them, so one neighbour's adoption predicts the next one's without being its cause (Aral,
Muchnik & Sundararajan 2009), and a baseline by product and week does not control for them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ripple.arrays import Floats, Ints
from ripple.simulation.world.calendar import DAYS_PER_YEAR, Calendar
from ripple.simulation.world.population import Population
from ripple.simulation.world.worlds import World

COMMUNITY_CAMPAIGN_DAYS = 28
"""The length of a campaign: about as long as influence takes, so that timing does not separate the two."""


@dataclass(frozen=True)
class Campaigns:
    """One entry per campaign: one product, one community, from the day it begins."""

    product: Ints
    community: Ints
    begins: Floats
    hazard: float
    """Hazard of adopting that one campaign adds up to, for a median customer."""

    @property
    def ends(self) -> Floats:
        """First day after each campaign."""
        return self.begins + COMMUNITY_CAMPAIGN_DAYS


def plan_campaigns(
    world: World, launched: Floats, communities: int, calendar: Calendar, rng: np.random.Generator
) -> Campaigns:
    """Draw the campaigns of *world*, none before the launch of its product."""
    years = (calendar.days - launched) / DAYS_PER_YEAR
    count = rng.poisson(world.campaigns_per_year * years[:, None], (launched.size, communities))
    product, community = np.divmod(np.repeat(np.arange(count.size), count.ravel()), communities)
    return Campaigns(product, community, rng.uniform(launched[product], calendar.days), world.campaign_hazard)


def response_days(
    product: int,
    campaigns: Campaigns,
    population: Population,
    at_risk_from: Floats,
    hazard: Floats,
    rng: np.random.Generator,
) -> Floats:
    """The day each customer would first adopt *product* because of a campaign; infinite for never.

    Args:
        product: the product in question.
        campaigns: all campaigns.
        population: the customers, who hear of the campaigns of all communities they belong to.
        at_risk_from: first day on which each customer can adopt.
        hazard: hazard of adopting that a whole campaign adds up to, for each customer.
        rng: where the draws come from.
    """
    of_product = np.flatnonzero(campaigns.product == product)
    row, customer = population.members_of(campaigns.community[of_product])
    campaign = of_product[row]
    reached = np.maximum(campaigns.begins[campaign], at_risk_from[customer])
    day = reached + COMMUNITY_CAMPAIGN_DAYS * rng.exponential(size=reached.size) / hazard[customer]
    responded = day < campaigns.ends[campaign]
    first = np.full(population.size, np.inf)
    np.minimum.at(first, customer[responded], day[responded])
    return first
