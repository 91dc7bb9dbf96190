"""The ties along which customers may influence each other: directed, mostly inside communities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ripple.arrays import Bools, Floats, Ints
from ripple.simulation.world.population import Population
from ripple.simulation.world.worlds import World

VOICE_EFFECT = 1.1
"""The effect of voice on the log of the expected number of ties: it makes the tail of the out-degrees."""


@dataclass(frozen=True)
class Ties:
    """One entry per tie, ordered by target; times are days."""

    source: Ints
    target: Ints
    strength: Floats
    """Rate of contacts, relative to the median tie."""
    opens: Floats
    """First day on which both are customers."""
    closes: Floats
    """Last day (exclusive) on which both are; before `opens` where they never meet."""
    observed: Bools
    """A mask of the ties along which contacts are in the interactions."""

    @property
    def size(self) -> int:
        """Number of ties."""
        return self.source.size


def draw_ties(world: World, population: Population, rng: np.random.Generator) -> Ties:
    """Draw the ties of *world*, no pair twice; a louder voice reaches more customers."""
    reach = world.ties * np.exp(VOICE_EFFECT * population.voice - VOICE_EFFECT**2 / 2)
    source = np.repeat(np.arange(population.size), rng.poisson(reach))
    target = _draw_acquaintances(population, source, world.inside_share, rng)
    source, target, _ = _distinct(source, target)
    strength = rng.lognormal(sigma=0.5, size=source.size)
    back = rng.random(source.size) < world.mutual_share
    source, target, first = _distinct(
        np.concatenate((source, target[back])), np.concatenate((target, source[back]))
    )
    strength = np.concatenate((strength, strength[back]))[first]
    opens, closes = overlap(population, source, target)
    # the hidden share differs between sources, so that observed degrees are not proportional to true ones
    hidden = rng.uniform(0, 2 * world.hidden_share, population.size)
    observed = rng.random(source.size) >= hidden[source]
    return Ties(source, target, strength, opens, closes, observed)


def overlap(population: Population, source: Ints, target: Ints) -> tuple[Floats, Floats]:
    """First and last (exclusive) day inside the calendar on which both are customers."""
    opens = np.maximum(population.active_from[source], population.active_from[target])
    return opens, np.minimum(population.active_until[source], population.active_until[target])


def draw_others(community: Ints, member: Ints, inside_share: float, rng: np.random.Generator) -> Ints:
    """Another member for each entry of *member*: of the same community, or of any."""
    by_community = np.argsort(community, kind="stable")
    size = np.bincount(community)
    first = np.cumsum(size) - size
    rank = np.empty_like(by_community)
    rank[by_community] = np.arange(community.size)

    home = community[member]
    inside = (rng.random(member.size) < inside_share) & (size[home] > 1)
    start = np.where(inside, first[home], 0)
    others = np.where(inside, size[home], community.size) - 1
    position = start + rng.integers(others)
    return by_community[position + (position >= rank[member])]


def _draw_acquaintances(
    population: Population, source: Ints, inside_share: float, rng: np.random.Generator
) -> Ints:
    """A target for each source, from a community of the source's; rarely the source itself."""
    customer, community = population.memberships
    member = source.copy()
    second = np.full(population.size, -1)
    second[customer[population.size :]] = np.arange(population.size, customer.size)
    undecided = np.flatnonzero(second[source] >= 0)
    other = undecided[rng.random(undecided.size) < 0.5]
    member[other] = second[source[other]]
    return customer[draw_others(community, member, inside_share, rng)]


def _distinct(source: Ints, target: Ints) -> tuple[Ints, Ints, Ints]:
    """Every pair of two customers once, ordered by target, and the index at which each first occurred."""
    size = max(source.max(initial=0), target.max(initial=0)) + 1
    pair, first = np.unique(target * size + source, return_index=True)
    target, source = np.divmod(pair, size)
    return source[source != target], target[source != target], first[source != target]
