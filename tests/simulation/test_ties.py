import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.ties import draw_others, overlap


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
