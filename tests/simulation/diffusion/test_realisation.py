from dataclasses import replace

import numpy as np

from ripple.simulation.diffusion.realisation import simulate_history
from ripple.simulation.world.worlds import WORLDS


def test_a_change_of_influence_leaves_everything_upstream_of_it(history, calendar):
    world = replace(WORLDS["default"], influence=0.0)
    other = simulate_history(world, history.population.size, calendar, 7)
    assert np.array_equal(other.population.joined, history.population.joined)
    assert np.array_equal(other.ties.source, history.ties.source)
    assert np.array_equal(other.referrals.target, history.referrals.target)
    assert np.array_equal(other.products.launched, history.products.launched)
    assert other.adoptions.day.size < history.adoptions.day.size


def test_adoptions_run_in_communities_even_where_nobody_influences_anybody(calendar, rng):
    """Homophily: the trap that a label must not fall into."""
    world = replace(WORLDS["default"], influence=0.0)
    history = simulate_history(world, 3_000, calendar, 2)
    adopted = np.zeros((history.population.size, history.products.size))
    adopted[history.adoptions.customer, history.adoptions.product] = 1
    adopted -= adopted.mean(axis=0)
    both = (adopted[history.ties.source] * adopted[history.ties.target]).mean()
    stranger = rng.permutation(history.ties.target)
    assert both > 5 * abs((adopted[history.ties.source] * adopted[stranger]).mean())
