from dataclasses import replace

import numpy as np

from ripple.simulation.world.products import CAMPAIGN_LIFT, PRODUCTS, PRODUCTS_AT_START, launch_products
from ripple.simulation.world.worlds import WORLDS


def test_a_third_of_the_products_are_there_at_the_start(history, calendar):
    launched = history.products.launched
    assert history.products.size == PRODUCTS == 24
    assert (launched == 0).sum() == PRODUCTS_AT_START == 8
    assert launched.max() < calendar.days


def test_the_mood_is_a_cumulative_hazard_with_seasons_and_campaigns(history, calendar):
    cumulative_hazard = history.products.cumulative_hazard
    assert cumulative_hazard.shape == (PRODUCTS, calendar.days + 1)
    assert (cumulative_hazard[:, 0] == 0).all()
    daily = np.diff(cumulative_hazard, axis=1)
    assert (daily > 0).all()
    lift = daily.max(axis=1) / np.median(daily, axis=1)
    assert np.median(lift) > CAMPAIGN_LIFT / 1.5


def test_communities_differ_in_taste_unless_the_world_says_no(history, calendar, rng):
    population = history.population
    taste = history.products.taste(0, population)
    assert taste.max() > 5 * taste.min()
    alike = launch_products(replace(WORLDS["default"], taste_spread=0.0), population, calendar, rng)
    assert (alike.taste(0, population) == 1).all()


def test_some_margins_are_thin(history):
    assert 0 < (history.products.margin_share < 0.15).sum() < PRODUCTS / 2


def test_who_belongs_to_two_communities_has_half_of_the_taste_of_each(history):
    products, population = history.products, history.population
    elsewhere = replace(population, second_community=(population.community + 1) % population.communities)
    only_second = replace(population, community=elsewhere.second_community)
    expected = np.sqrt(products.taste(3, population) * products.taste(3, only_second))
    assert np.allclose(products.taste(3, elsewhere), expected)
