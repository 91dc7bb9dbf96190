"""The products: their launch, price, margin, tastes for them, and the background hazard of adopting them.

Features of the service spread in the same way, see `diffusion.first_uses`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ripple.arrays import Floats, Ints
from ripple.simulation.world.calendar import DAYS_PER_YEAR, Calendar
from ripple.simulation.world.campaigns import Campaigns, plan_campaigns
from ripple.simulation.world.population import INDUSTRIES, NO_COMMUNITY, Population
from ripple.simulation.world.worlds import World

PRODUCTS = 24
"""The number of products."""
PRODUCTS_AT_START = PRODUCTS // 3
"""The number of products launched before the calendar starts."""
LAUNCH_SHARE = 0.85
"""The share of the calendar by which everything is launched: a later product would hardly be adopted."""
MEDIAN_PRICE = 60.0
"""The median price of a product, in the dataset's currency."""
THIN_MARGIN_SHARE = 0.2
"""The probability that a product has a thin margin."""
SEASON = 0.3
"""The amplitude of the yearly season, relative to the mean hazard."""
CAMPAIGN_DAYS = 14
"""The length of a campaign of the whole company."""
DAYS_BETWEEN_CAMPAIGNS = 180
"""The mean number of days between the company's campaigns for a product."""
CAMPAIGN_LIFT = 4.0
"""The ratio of the hazard during a campaign of the company to that at other times."""
INDUSTRY_TASTE, COMMUNITY_TASTE = 0.6, 0.8
"""The weights of the two parts of taste; their squares add up to 1."""


@dataclass(frozen=True)
class Products:
    """First axis: products. Prices are in the dataset's currency, times are days."""

    launched: Floats
    price: Floats
    margin_share: Floats
    cumulative_hazard: Floats
    """Cumulative background hazard of a median customer at the start of every day."""
    industry_taste: Floats
    """Log of how much an industry (second axis) likes a product."""
    community_taste: Floats
    expertise_effect: Floats
    """Effect of a customer's expertise on the log of their taste."""
    campaigns: Campaigns
    """Those in single communities; those of the whole company are part of `cumulative_hazard`."""

    @property
    def size(self) -> int:
        """Number of products."""
        return self.launched.size

    def taste(self, product: int, population: Population) -> Floats:
        """Taste of each customer for *product*, relative to the median; two communities count half each."""
        skill = self.expertise_effect[product] * population.expertise
        first = self.community_taste[product, population.community]
        second = self.community_taste[product, population.second_community]
        shared = np.where(population.second_community == NO_COMMUNITY, first, (first + second) / 2)
        return np.exp(self.industry_taste[product, population.industry] + shared + skill)


def launch_products(
    world: World, population: Population, calendar: Calendar, rng: np.random.Generator
) -> Products:
    """Draw the products of *world*; a third are there at the start."""
    launched = np.zeros(PRODUCTS)
    launched[PRODUCTS_AT_START:] = np.sort(
        rng.uniform(0, LAUNCH_SHARE * calendar.days, PRODUCTS - PRODUCTS_AT_START)
    )
    thin = rng.random(PRODUCTS) < THIN_MARGIN_SHARE
    communities = population.communities
    return Products(
        launched=launched,
        price=MEDIAN_PRICE * rng.lognormal(sigma=0.6, size=PRODUCTS),
        margin_share=np.where(thin, rng.uniform(0.03, 0.12, PRODUCTS), rng.uniform(0.35, 0.75, PRODUCTS)),
        cumulative_hazard=cumulative_hazards(world, PRODUCTS, calendar, rng),
        industry_taste=industry_tastes(world, PRODUCTS, rng),
        community_taste=community_tastes(world, PRODUCTS, communities, rng),
        expertise_effect=np.zeros(PRODUCTS),
        campaigns=plan_campaigns(world, launched, communities, calendar, rng),
    )


def industry_tastes(world: World, products: int, rng: np.random.Generator) -> Floats:
    """Draw `Products.industry_taste`."""
    return rng.normal(0, INDUSTRY_TASTE * world.taste_spread, (products, len(INDUSTRIES)))


def community_tastes(world: World, products: int, communities: int, rng: np.random.Generator) -> Floats:
    """Draw `Products.community_taste`."""
    return rng.normal(0, COMMUNITY_TASTE * world.taste_spread, (products, communities))


def cumulative_hazards(world: World, products: int, calendar: Calendar, rng: np.random.Generator) -> Floats:
    """Draw `Products.cumulative_hazard`: a rate with a yearly season and campaigns of the company."""
    day: Ints = np.arange(calendar.days)
    phase = rng.random((products, 1))
    season = 1 + SEASON * np.sin(2 * np.pi * (day / DAYS_PER_YEAR + phase))
    begins = rng.random((products, calendar.days)) < 1 / DAYS_BETWEEN_CAMPAIGNS
    begun = np.cumsum(begins, axis=1)
    ended = np.pad(begun, ((0, 0), (CAMPAIGN_DAYS, 0)))[:, : calendar.days]
    lift = np.where(begun > ended, CAMPAIGN_LIFT, 1.0)
    daily = world.background_adoptions_per_year / DAYS_PER_YEAR * season * lift
    return np.pad(np.cumsum(daily, axis=1), ((0, 0), (1, 0)))
