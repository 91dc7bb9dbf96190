from dataclasses import replace

import numpy as np

from ripple.simulation.world.referrals import draw_referrals
from ripple.simulation.world.worlds import WORLDS


def test_a_fifth_of_those_who_join_later_are_brought_in_once(history):
    target = history.referrals.target
    assert np.unique(target).size == target.size
    assert (history.population.joined[target] > 0).all()
    assert 0.16 < target.size / (history.population.joined > 0).sum() < 0.23


def test_the_referrer_is_a_customer_when_the_target_joins(history):
    population, (source, target) = history.population, (history.referrals.source, history.referrals.target)
    assert (source != target).all()
    assert (population.joined[source] < population.joined[target]).all()
    assert (population.left[source] > population.joined[target]).all()


def test_referrers_are_powerful_and_mostly_of_the_same_community(history):
    population, (source, target) = history.population, (history.referrals.source, history.referrals.target)
    assert population.power[source].mean() > 0.5
    assert 0.7 < (population.community[source] == population.community[target]).mean() < 0.9


def test_even_if_everybody_is_to_be_referred_the_first_of_all_is_not(history, rng):
    population = history.population
    later = replace(population, joined=population.joined - population.joined.min() + 1.0)
    everybody = replace(WORLDS["default"], referral_share=1.0)
    target = draw_referrals(everybody, later, rng).target
    assert later.joined.argmin() not in target
    assert target.size > 0.9 * population.size
