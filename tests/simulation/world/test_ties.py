from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ripple.simulation.world.population import NO_COMMUNITY, draw_population
from ripple.simulation.world.ties import draw_others, draw_ties, overlap
from ripple.simulation.world.worlds import WORLDS


def test_ties_join_two_customers_once_and_are_ordered_by_target(history):
    ties = history.ties
    assert (ties.source != ties.target).all()
    assert (np.diff(ties.target) >= 0).all()
    pairs = np.stack((ties.source, ties.target))
    assert np.unique(pairs, axis=1).shape == pairs.shape


def test_four_in_five_stay_inside_the_community(history):
    community = history.population.community
    inside = community[history.ties.source] == community[history.ties.target]
    assert 0.7 < inside.mean() < 0.85


def test_a_louder_voice_reaches_more_and_few_reach_many(history):
    degree = np.bincount(history.ties.source, minlength=history.population.size)
    assert 4 < degree.mean() < 7
    assert 0.8 < (degree > 0).mean() < 0.95
    assert np.corrcoef(np.log1p(degree), history.population.voice)[0, 1] > 0.7
    top = np.sort(degree)[-degree.size // 100 :]
    assert top.sum() > 0.06 * degree.sum()


def test_a_tie_can_act_while_both_are_customers(history):
    opens, closes = overlap(history.population, history.ties.source, history.ties.target)
    for customer in (history.ties.source, history.ties.target):
        assert (opens >= history.population.joined[customer]).all()
        assert (closes <= history.population.left[customer]).all()


@settings(deadline=None)
@given(
    community=st.lists(st.integers(0, 4), min_size=2, max_size=30),
    inside_share=st.sampled_from([0.0, 0.5, 1.0]),
    seed=st.integers(0, 1_000),
)
def test_somebody_else_is_drawn_from_the_community_if_there_is_one(community, inside_share, seed):
    community = np.array(community)
    customer = np.repeat(np.arange(community.size), 5)
    other = draw_others(community, customer, inside_share, np.random.default_rng(seed))
    assert (other != customer).all()
    assert ((other >= 0) & (other < community.size)).all()
    if inside_share == 1.0:
        alone = np.bincount(community)[community[customer]] == 1
        assert (alone | (community[other] == community[customer])).all()


def test_everybody_else_is_equally_likely(rng):
    community = np.array([0, 1, 0, 0, 1])
    drawn = draw_others(community, np.full(60_000, 2), 0.5, rng)
    share = np.bincount(drawn, minlength=5) / drawn.size
    assert np.allclose(share, [0.375, 0.125, 0.0, 0.375, 0.125], atol=0.01)


def ties_of(calendar, size=3_000, **parameters):
    world = replace(WORLDS["default"], **parameters)
    population = draw_population(world, size, calendar, np.random.default_rng(4))
    return population, draw_ties(world, population, np.random.default_rng(5))


def pairs(ties):
    return set(zip(ties.source.tolist(), ties.target.tolist(), strict=True))


def test_mutual_ties_are_the_ones_there_were_and_some_of_them_turned_round(calendar):
    _, one_way = ties_of(calendar)
    _, mutual = ties_of(calendar, mutual_share=0.5)
    before, after = pairs(one_way), pairs(mutual)
    assert before <= after
    assert all((target, source) in before for source, target in after - before)
    assert 0.4 < (len(after) - len(before)) / len(before) < 0.5
    assert mutual.size == len(after)
    assert (np.diff(mutual.target) >= 0).all()


def test_some_ties_are_hidden_and_more_so_with_some_customers(calendar):
    population, ties = ties_of(calendar, hidden_share=1 / 3)
    assert 0.64 < ties.observed.mean() < 0.69
    degree = np.bincount(ties.source, minlength=population.size)
    observed_degree = np.bincount(ties.source[ties.observed], minlength=population.size)
    by_chance = np.random.default_rng(1).binomial(degree, 2 / 3)
    many = degree >= 10
    assert np.std(observed_degree[many] / degree[many]) > 1.3 * np.std(by_chance[many] / degree[many])
    assert ties_of(calendar)[1].observed.all()


def test_members_of_two_communities_have_ties_in_both(calendar):
    population, ties = ties_of(calendar, two_communities_share=0.3, inside_share=1.0)
    first, second = population.community, population.second_community
    both = second != NO_COMMUNITY
    for one, other in ((ties.source, ties.target), (ties.target, ties.source)):
        from_both = both[one] & ~both[other]
        inside_first = first[other[from_both]] == first[one[from_both]]
        inside_second = first[other[from_both]] == second[one[from_both]]
        assert (inside_first | inside_second).all()
        assert 0.4 < inside_first.mean() < 0.6


def test_nobody_is_tied_to_themselves_through_their_second_community(calendar):
    _, ties = ties_of(calendar, size=100, two_communities_share=1.0, inside_share=0.0, ties=20.0)
    assert ties.size > 1_000
    assert (ties.source != ties.target).all()
