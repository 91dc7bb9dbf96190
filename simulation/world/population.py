"""The customers: their attributes, their latent traits, and when they are customers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ripple.arrays import Floats, Ints
from ripple.simulation.world.calendar import DAYS_PER_YEAR, Calendar
from ripple.simulation.world.grouping import Grouping
from ripple.simulation.world.worlds import World

INDUSTRIES = ("education", "finance", "health", "logistics", "manufacturing", "media", "retail", "software")
COUNTRIES = ("BR", "DE", "FR", "GB", "IN", "JP", "SE", "US")
PLANS = ("free", "team", "business", "enterprise")
PLAN_BOUNDS = (-0.7, 0.4, 1.3)
"""The log budgets at which the next plan begins."""

COMMUNITY_SIZE = 60
"""The mean number of members of a community."""
HOME_SHARE = 0.7
"""The probability that a member has the community's industry, or country; else it is drawn from all."""
COMMUNITY_WEALTH, PERSONAL_WEALTH = 0.5, 0.7
"""The standard deviations of the log budget between communities, and inside them."""
NO_COMMUNITY = -1
"""The second community of a customer who has only one."""
EXPERTISE_VOICE_CORRELATION = 0.3
"""The correlation of the traits expertise and voice."""
EARLY_SHARE = 0.4
"""The share of customers who joined before the calendar starts."""
EARLY_DAYS = 2 * 365.0
"""The number of days before the start of the calendar from which on customers joined."""
GROWTH = 0.6
"""The exponent of the join days u^GROWTH of a uniform u: below 1, more customers join later."""
LEAVING_PER_YEAR = 0.08
"""The hazard of leaving at median satisfaction."""


@dataclass(frozen=True)
class Population:
    """One entry per customer; traits are standard normal where nothing else is said, times are days."""

    community: Ints
    second_community: Ints
    """Another community they belong to, or ONLY_ONE."""
    industry: Ints
    country: Ints
    plan: Ints
    seats: Ints
    budget: Floats
    """The budget relative to that of the median customer."""
    expertise: Floats
    voice: Floats
    power: Floats
    """Ability to influence others: expertise, voice and a part of its own."""
    susceptibility: Floats
    """The susceptibility relative to that of the median customer."""
    satisfaction: Floats
    joined: Floats
    left: Floats
    """The day on which they stop being a customer, often long after the end of the calendar."""
    active_from: Floats
    """First day as a customer inside the calendar."""
    active_until: Floats
    """Last day (exclusive) as a customer inside the calendar."""

    @property
    def size(self) -> int:
        """Number of customers."""
        return self.joined.size

    @property
    def communities(self) -> int:
        """Number of communities."""
        return int(max(self.community.max(), self.second_community.max())) + 1

    @cached_property
    def memberships(self) -> tuple[Ints, Ints]:
        """Customer and community of every membership: everybody's first, in order, then the second ones."""
        both = np.flatnonzero(self.second_community != NO_COMMUNITY)
        customer = np.concatenate((np.arange(self.size), both))
        return customer, np.concatenate((self.community, self.second_community[both]))

    def members_of(self, communities: Ints) -> tuple[Ints, Ints]:
        """The members of each of *communities*: for each, the index in *communities*, and the customer."""
        row, membership = self._by_community.of(communities)
        return row, self.memberships[0][membership]

    @cached_property
    def _by_community(self) -> Grouping:
        """The memberships of each community."""
        return Grouping.by(self.memberships[1], self.communities)

    @property
    def years(self) -> Floats:
        """Time as a customer inside the calendar."""
        return (self.active_until - self.active_from) / DAYS_PER_YEAR


def draw_population(world: World, size: int, calendar: Calendar, rng: np.random.Generator) -> Population:
    """Draw *size* customers in communities whose members are alike."""
    communities = max(2, round(size / COMMUNITY_SIZE))
    attraction = rng.lognormal(sigma=0.5, size=communities)
    community = rng.choice(communities, size, p=attraction / attraction.sum())
    shared_wealth = COMMUNITY_WEALTH * rng.standard_normal(communities)
    log_budget = shared_wealth[community] + PERSONAL_WEALTH * rng.standard_normal(size)
    expertise = rng.standard_normal(size)
    correlation = EXPERTISE_VOICE_CORRELATION
    voice = correlation * expertise + np.sqrt(1 - correlation**2) * rng.standard_normal(size)
    power = expertise + voice + rng.standard_normal(size)
    satisfaction = rng.standard_normal(size)
    joined = _join_days(size, calendar, rng)
    active_from = np.maximum(joined, 0.0)
    leaving = LEAVING_PER_YEAR * np.exp(-satisfaction) / DAYS_PER_YEAR
    # from `since`, not `joined`: who had left before the start would not be in the tables
    left = active_from + rng.exponential(size=size) / leaving
    return Population(
        community=community,
        industry=_mostly_home(community, len(INDUSTRIES), rng),
        country=_mostly_home(community, len(COUNTRIES), rng),
        plan=np.digitize(log_budget + 0.5 * rng.standard_normal(size), PLAN_BOUNDS),
        seats=1 + rng.poisson(8 * np.exp(log_budget + 0.5 * rng.standard_normal(size))),
        budget=np.exp(log_budget),
        expertise=expertise,
        voice=voice,
        power=power / power.std(),
        susceptibility=rng.lognormal(sigma=0.5, size=size),
        satisfaction=satisfaction,
        joined=joined,
        left=left,
        active_from=active_from,
        active_until=np.minimum(left, calendar.days),
        # drawn last: worlds that differ in this alone have the same customers otherwise
        second_community=_second_communities(world, community, communities, rng),
    )


def _join_days(size: int, calendar: Calendar, rng: np.random.Generator) -> Floats:
    early = rng.random(size) < EARLY_SHARE
    u = rng.random(size)
    return np.where(early, -EARLY_DAYS * u, calendar.days * u**GROWTH)


def _second_communities(world: World, community: Ints, communities: int, rng: np.random.Generator) -> Ints:
    both = rng.random(community.size) < world.two_communities_share
    another = (community + 1 + rng.integers(communities - 1, size=community.size)) % communities
    return np.where(both, another, NO_COMMUNITY)


def _mostly_home(community: Ints, kinds: int, rng: np.random.Generator) -> Ints:
    home = rng.integers(kinds, size=community.max() + 1)[community]
    return np.where(rng.random(community.size) < HOME_SHARE, home, rng.integers(kinds, size=community.size))
