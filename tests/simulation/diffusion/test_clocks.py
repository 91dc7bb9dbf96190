from dataclasses import replace

import numpy as np
import pytest

from ripple.simulation.diffusion.clocks import AdoptionState, draw_clocks
from ripple.simulation.diffusion.realisation import simulate_history
from ripple.simulation.world.worlds import WORLDS


def reset(history, now, rng):
    return draw_clocks(
        history.world, history.population, history.ties, history.products, history.calendar, now, rng
    )


@pytest.mark.parametrize("name", WORLDS)
def test_own_clocks_ring_after_the_launch_and_while_a_customer(name, calendar):
    history = simulate_history(WORLDS[name], 300, calendar, 1)
    product, customer = np.nonzero(np.isfinite(history.clocks.background))
    day = history.clocks.background[product, customer]
    assert (day >= history.population.active_from[customer]).all()
    assert (day < history.population.active_until[customer]).all()
    assert (day >= history.products.launched[product]).all()


def test_influence_clocks_are_ordered_by_product_then_target(history):
    index = history.clocks.flat_index(history.ties.target[history.clocks.tie])
    assert (np.diff(index) >= 0).all()
    assert (history.clocks.delay > 0).all()


def test_the_more_powerful_the_source_the_more_clocks_it_sets(history):
    ties, clocks = history.ties, history.clocks
    clock = np.bincount(clocks.tie, minlength=ties.size)
    powerful = history.population.power[ties.source] > 1
    assert clock[powerful].mean() > 2 * clock[~powerful].mean()


def test_campaigns_have_a_stream_of_their_own(calendar):
    """Own clocks can only come earlier when campaigns are added, and nothing else changes."""
    quiet = simulate_history(WORLDS["default"], 300, calendar, 1).clocks
    busy = simulate_history(
        replace(WORLDS["default"], campaigns_per_year=1.0, campaign_hazard=1.0), 300, calendar, 1
    ).clocks
    assert (busy.background <= quiet.background).all()
    assert (busy.background < quiet.background).any()
    assert np.array_equal(busy.tie, quiet.tie)
    assert np.array_equal(busy.delay, quiet.delay)


def test_what_has_happened_stays_and_nothing_else_rings_before_now(history, rng):
    now = AdoptionState.initial(history.products, history.population)
    early = history.adoptions.where(history.adoptions.day < 400.0)
    now.adopted[early.product, early.customer] = early.day
    clocks = reset(history, AdoptionState(400.0, now.adopted), rng)
    settled = np.isfinite(now.adopted)
    assert np.array_equal(clocks.background[settled], now.adopted[settled])
    assert (clocks.background[~settled] >= 400.0).all()
    source, target = history.ties.source[clocks.tie], history.ties.target[clocks.tie]
    assert not settled[clocks.product, target].any()
    start = np.maximum(now.adopted[clocks.product, source], history.ties.opens[clocks.tie])
    assert (start + clocks.delay >= 400.0)[np.isfinite(start)].all()


@pytest.mark.parametrize("name", ["default", "misspecified"])
def test_the_longer_a_tie_has_been_silent_the_less_likely_it_acts(name, by_hand, rng):
    """Two thousand like pairs: the source adopted on day 0, the target not by day 60."""
    pairs = 2_000
    history = by_hand(
        [0.0] * pairs + [np.inf] * pairs, [(u, pairs + u, None) for u in range(pairs)], world=WORLDS[name]
    )
    silent = np.where(np.arange(2 * pairs) < pairs, 0.0, np.inf)[None]
    at_once, later = (reset(history, AdoptionState(day, silent), rng).tie.size / pairs for day in (0.0, 60.0))
    passes = WORLDS[name].influence
    survival = np.exp(-60 / 20) if name == "default" else (1 + 60 / 15) ** -1.5
    assert at_once == pytest.approx(passes, abs=0.015)
    assert later == pytest.approx(passes * survival / (1 - passes + passes * survival), abs=0.006)
