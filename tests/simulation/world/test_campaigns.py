from dataclasses import replace

import numpy as np
import pytest

from ripple.simulation.world.campaigns import (
    COMMUNITY_CAMPAIGN_DAYS,
    Campaigns,
    plan_campaigns,
    response_days,
)
from ripple.simulation.world.worlds import WORLDS


def test_campaigns_come_at_their_rate_and_none_before_the_launch(calendar, rng):
    launched = np.array([0.0, 365.0])
    world = replace(WORLDS["default"], campaigns_per_year=2.0)
    campaigns = plan_campaigns(world, launched, 500, calendar, rng)
    count = np.bincount(campaigns.product)
    assert count / 500 == pytest.approx(2.0 * (calendar.days - launched) / 365.25, rel=0.1)
    assert (campaigns.begins >= launched[campaigns.product]).all()
    assert campaigns.begins.max() < calendar.days
    assert np.unique(campaigns.community).size > 490


def test_there_are_none_in_the_default_world(history):
    assert history.products.campaigns.product.size == 0


@pytest.fixture
def campaigns():
    return Campaigns(np.array([0, 0, 1]), np.array([0, 1, 0]), np.array([100.0, 300.0, 50.0]), 0.5)


def answers(campaigns, by_hand, rng, product=0, earliest=0.0, hazard=0.5, second_community=-1):
    """Of 4,000 members of community 0; there is somebody in community 1 as well."""
    community = np.append(np.zeros(4_000, dtype=int), 1)
    population = replace(
        by_hand([np.inf] * community.size, []).population,
        community=community,
        second_community=np.append(np.full(4_000, second_community), -1),
    )
    possible, hazards = np.full(community.size, earliest), np.full(community.size, hazard)
    return response_days(product, campaigns, population, possible, hazards, rng)[:-1]


def test_a_share_of_the_community_answers_while_the_campaign_lasts(campaigns, by_hand, rng):
    response = answers(campaigns, by_hand, rng)
    responses = response[np.isfinite(response)]
    assert responses.size / response.size == pytest.approx(1 - np.exp(-0.5), abs=0.03)
    assert responses.min() >= 100
    assert responses.max() < 100 + COMMUNITY_CAMPAIGN_DAYS
    other_product = answers(campaigns, by_hand, rng, product=1)
    assert other_product.min() < 50 + COMMUNITY_CAMPAIGN_DAYS


def test_who_comes_when_half_of_it_is_over_answers_half_as_much(campaigns, by_hand, rng):
    response = answers(campaigns, by_hand, rng, earliest=100 + COMMUNITY_CAMPAIGN_DAYS / 2)
    assert np.isfinite(response).mean() == pytest.approx(1 - np.exp(-0.25), abs=0.03)
    assert response.min() >= 100 + COMMUNITY_CAMPAIGN_DAYS / 2
    assert not np.isfinite(answers(campaigns, by_hand, rng, earliest=100 + COMMUNITY_CAMPAIGN_DAYS)).any()


def test_members_of_two_communities_hear_of_the_campaigns_of_both(campaigns, by_hand, rng):
    response = answers(campaigns, by_hand, rng, second_community=1, hazard=1.0)
    first, second = response < 200, (response >= 300) & (response < 300 + COMMUNITY_CAMPAIGN_DAYS)
    assert (first | second | np.isinf(response)).all()
    assert first.mean() == pytest.approx(1 - np.exp(-1), abs=0.03)
    assert second.mean() == pytest.approx(np.exp(-1) * (1 - np.exp(-1)), abs=0.03)
