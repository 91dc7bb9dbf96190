from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ripple.simulation.diffusion.first_passage import BACKGROUND, first_passage
from ripple.simulation.diffusion.realisation import simulate_history
from ripple.simulation.world.calendar import Calendar
from ripple.simulation.world.worlds import WORLDS
from tests.support.oracles import brute_force


@st.composite
def networks(draw):
    size = draw(st.integers(1, 8))
    days = st.floats(0, 100)
    own = draw(st.lists(days | st.just(np.inf), min_size=size, max_size=size))
    customer = st.integers(0, size - 1)
    tie = st.tuples(customer, customer, st.floats(0.01, 50), days, st.floats(50, 200) | st.just(np.inf))
    return own, sorted(draw(st.lists(tie, max_size=25)), key=lambda t: t[1])


def run(own, ties):
    source, target, delay, opens, closes = zip(*ties, strict=True) if ties else ((),) * 5
    edges = (np.array(source, dtype=int), np.array(target, dtype=int))
    return first_passage(np.array(own), *edges, *(np.array(t, dtype=float) for t in (delay, opens, closes)))


@settings(deadline=None)
@given(networks())
def test_first_passage_equals_brute_force(network):
    own, ties = network
    at, _ = run(own, ties)
    assert np.array_equal(at, brute_force.first_passage(own, ties))


@settings(deadline=None)
@given(networks())
def test_the_cause_is_who_made_it_earlier_than_the_own_clock(network):
    own, ties = network
    at, cause = run(own, ties)
    assert np.array_equal(cause == BACKGROUND, at == np.array(own))
    for v in np.flatnonzero(cause != BACKGROUND):
        assert at[v] in [
            max(at[u], opens) + delay
            for u, target, delay, opens, closes in ties
            if target == v and u == cause[v]
        ]


@settings(deadline=None)
@given(networks(), st.data())
def test_without_a_customer_only_those_downstream_adopt_later(network, data):
    own, ties = network
    gone = data.draw(st.integers(0, len(own) - 1))
    at, cause = run(own, ties)
    without, _ = run([*own[:gone], np.inf, *own[gone + 1 :]], [t for t in ties if gone not in t[:2]])
    assert (without >= at).all()
    downstream = {gone}
    for v in np.argsort(at, kind="stable"):
        if cause[v] in downstream:
            downstream.add(int(v))
    assert set(np.flatnonzero(without != at)) <= downstream


def test_an_adoption_travels_along_a_chain():
    at, cause = run([5.0, np.inf, 40.0], [(0, 1, 10.0, 0.0, np.inf), (1, 2, 20.0, 18.0, np.inf)])
    assert at.tolist() == [5.0, 15.0, 38.0]
    assert cause.tolist() == [BACKGROUND, 0, 1]


def test_a_tie_no_longer_acts_on_the_day_it_closes():
    assert run([5.0, np.inf], [(0, 1, 10.0, 0.0, 15.0)])[0].tolist() == [5.0, np.inf]
    assert run([5.0, np.inf], [(0, 1, 10.0, 0.0, 15.1)])[0].tolist() == [5.0, 15.0]


def test_three_to_four_and_a_half_in_ten_adoptions_of_the_default_world_are_caused_by_others():
    shares = [
        (simulate_history(WORLDS["default"], 6_000, Calendar(36), seed).adoptions.cause != BACKGROUND).mean()
        for seed in range(5)
    ]
    assert all(0.30 < share < 0.45 for share in shares), shares


def test_adoptions_happen_to_customers_after_the_launch_and_once(history):
    population, adoptions = history.population, history.adoptions
    assert (adoptions.day >= population.active_from[adoptions.customer]).all()
    assert (adoptions.day < population.active_until[adoptions.customer]).all()
    assert (adoptions.day >= history.products.launched[adoptions.product]).all()
    pair = adoptions.customer * history.products.size + adoptions.product
    assert np.unique(pair).size == pair.size


def test_causes_adopted_before_and_are_tied_to_whom_they_move(history):
    adoptions, ties, size = history.adoptions, history.ties, history.population.size
    at = np.full((size, history.products.size), np.inf)
    at[adoptions.customer, adoptions.product] = adoptions.day
    influenced = adoptions.cause != BACKGROUND
    assert (at[adoptions.cause[influenced], adoptions.product[influenced]] < adoptions.day[influenced]).all()
    tied = ties.target * size + ties.source
    assert np.isin(adoptions.customer[influenced] * size + adoptions.cause[influenced], tied).all()


def test_power_brings_more_than_reach_alone(history):
    caused = np.bincount(
        history.adoptions.cause[history.adoptions.cause != BACKGROUND], minlength=history.population.size
    )
    degree = np.bincount(history.ties.source, minlength=history.population.size)
    powerful = history.population.power > 1
    assert caused[powerful].sum() / degree[powerful].sum() > 1.5 * caused.sum() / degree.sum()


def test_without_influence_nobody_is_moved(calendar):
    world = replace(WORLDS["default"], influence=0.0)
    adoptions = simulate_history(world, 500, calendar, 1).adoptions
    assert (adoptions.cause == BACKGROUND).all()
    assert adoptions.day.size > 0
