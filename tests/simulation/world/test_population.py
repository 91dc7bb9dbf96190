from dataclasses import fields, replace

import numpy as np
import pytest

from ripple.simulation.world.population import EARLY_DAYS, NO_COMMUNITY, draw_population
from ripple.simulation.world.worlds import WORLDS


@pytest.fixture(scope="module")
def population(history):
    return history.population


def between_share(value, group):
    """Share of the variance of *value* that lies between groups."""
    size = np.bincount(group)
    mean = np.bincount(group, value) / np.maximum(size, 1)
    return np.var(mean[group]) / np.var(value)


def test_there_is_a_community_for_about_sixty_customers(population):
    assert population.community.max() + 1 == population.size // 60
    assert np.bincount(population.community).min() > 0


@pytest.mark.parametrize("attribute", ["industry", "country"])
def test_members_of_a_community_share_an_attribute_more_often_than_strangers(population, attribute, rng):
    code, community = getattr(population, attribute), population.community
    a, b = rng.integers(population.size, size=(2, 400_000))
    same, alike = community[a] == community[b], code[a] == code[b]
    assert alike[same & (a != b)].mean() > 2 * alike[~same].mean()


@pytest.mark.parametrize("attribute", ["plan", "seats"])
def test_wealth_shows_in_communities(population, attribute, rng):
    value = getattr(population, attribute)
    shuffled = rng.permutation(population.community)
    assert between_share(value, population.community) > 4 * between_share(value, shuffled)


def test_traits_are_correlated_as_meant(population):
    assert 0.2 < np.corrcoef(population.expertise, population.voice)[0, 1] < 0.4
    assert np.corrcoef(population.power, population.expertise)[0, 1] > 0.5
    assert np.corrcoef(population.power, population.voice)[0, 1] > 0.5
    assert abs(np.corrcoef(population.expertise, population.satisfaction)[0, 1]) < 0.1


def test_two_in_five_joined_before_the_start_and_the_rest_ever_faster(population, calendar):
    joined = population.joined
    assert 0.37 < (joined <= 0).mean() < 0.43
    assert joined.min() > -EARLY_DAYS
    assert joined.max() < calendar.days
    half = calendar.days / 2
    assert (joined > half).sum() > 1.5 * ((joined > 0) & (joined <= half)).sum()


def test_everybody_is_a_customer_for_some_time_inside_the_calendar(population, calendar):
    assert (population.active_from >= 0).all()
    assert (population.active_from >= population.joined).all()
    assert (population.active_until <= calendar.days).all()
    assert (population.active_from < population.active_until).all()


def test_unhappy_customers_leave_sooner(population, calendar):
    left = population.left < calendar.days
    assert population.satisfaction[left].mean() < population.satisfaction[~left].mean() - 0.3


def test_a_hundred_customers_form_communities(calendar, rng):
    assert set(draw_population(WORLDS["default"], 100, calendar, rng).community) == {0, 1}


def test_nobody_is_of_two_communities_unless_the_world_says_so(population):
    assert (population.second_community == NO_COMMUNITY).all()
    customer, community = population.memberships
    assert np.array_equal(customer, np.arange(population.size))
    assert np.array_equal(community, population.community)


def test_a_share_of_the_customers_belongs_to_a_second_community(calendar, rng):
    population = draw_population(
        replace(WORLDS["default"], two_communities_share=0.3), 3_000, calendar, np.random.default_rng(1)
    )
    both = np.flatnonzero(population.second_community != NO_COMMUNITY)
    assert 0.27 < both.size / population.size < 0.33
    assert (population.second_community[both] != population.community[both]).all()
    assert population.second_community.max() < population.communities == population.community.max() + 1
    customer, community = population.memberships
    assert customer.size == population.size + both.size
    assert set(zip(both, population.second_community[both], strict=True)) <= set(
        zip(customer, community, strict=True)
    )
    asked = np.array([3, 0, 3])
    row, member = population.members_of(asked)
    for place, one in enumerate(asked):
        assert sorted(member[row == place]) == sorted(customer[community == one])


def test_who_else_belongs_to_two_communities_changes_nothing_else(calendar):
    one, two = (
        draw_population(
            replace(WORLDS["default"], two_communities_share=share), 300, calendar, np.random.default_rng(4)
        )
        for share in (0.0, 1.0)
    )
    assert all(
        np.array_equal(getattr(one, field.name), getattr(two, field.name))
        for field in fields(one)
        if field.name != "second_community"
    )
