"""The referrals among customers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ripple.arrays import Ints
from ripple.simulation.world.population import Population
from ripple.simulation.world.worlds import World


@dataclass(frozen=True)
class Referrals:
    """One entry per referred customer; the referral happens when the target joins."""

    source: Ints
    target: Ints


def draw_referrals(world: World, population: Population, rng: np.random.Generator) -> Referrals:
    """Draw a referrer for some of those who join after the start: a customer then, often a powerful one."""
    newcomer = population.joined > 0
    target = np.flatnonzero(newcomer & (rng.random(population.size) < world.referral_share))
    inside = _draw_earlier(target, population.community, population, rng)
    anybody = _draw_earlier(target, np.zeros_like(population.community), population, rng)
    stays_inside = (rng.random(target.size) < world.inside_share) & _is_customer(inside, target, population)
    source = np.where(stays_inside, inside, anybody)
    referred = _is_customer(source, target, population)
    return Referrals(source[referred], target[referred])


def _is_customer(source: Ints, target: Ints, population: Population) -> NDArray[np.bool_]:
    """Whether there is a source, and it is still a customer when the target joins."""
    return (source >= 0) & (population.left[source] > population.joined[target])


def _draw_earlier(target: Ints, group: Ints, population: Population, rng: np.random.Generator) -> Ints:
    """Somebody of the target's group who joined before, by exp(power); -1 for the first of a group."""
    order = np.lexsort((population.joined, group))
    rank = np.empty_like(order)
    rank[order] = np.arange(order.size)
    weight = np.concatenate(([0.0], np.cumsum(np.exp(population.power[order]))))
    first = np.searchsorted(group[order], group[target])
    drawn = rng.uniform(weight[first], weight[rank[target]])
    # rounding may carry a draw to the very end of its interval, which is the target's own
    position = np.minimum(np.searchsorted(weight, drawn, side="right"), rank[target]) - 1
    return np.where(rank[target] > first, order[position], -1)
