import numpy as np
import pytest

from ripple.simulation.tables.product_features import ADVANCED, catalog_table, release_features
from ripple.simulation.tables.usage import FADE_DAYS, usage_table


@pytest.fixture(scope="module")
def features(calendar):
    return release_features(calendar, np.random.default_rng(5))


@pytest.fixture(scope="module")
def usage(history, features, calendar):
    table = usage_table(history.population, features, calendar, np.random.default_rng(6))
    usage = table.to_pandas().merge(catalog_table(features, calendar).to_pandas(), on="feature")
    usage["customer"] = usage.customer_id.str[1:].astype(int)
    usage["day"] = (usage.occurred_at - calendar.start).dt.total_seconds() / 86_400
    return usage


def test_no_feature_is_used_before_its_release(usage):
    assert (usage.occurred_at >= usage.released_at).all()


def test_use_lies_within_the_time_as_a_customer(history, usage):
    assert (usage.day >= history.population.active_from[usage.customer] - 1e-4).all()
    assert (usage.day < history.population.active_until[usage.customer]).all()


def test_there_are_about_forty_events_in_a_customer_year(history, usage):
    assert 35 < len(usage) / history.population.years.sum() < 45


def test_experts_use_more_of_the_advanced_features(history, usage):
    used = usage[usage.tier == "advanced"].groupby("customer").feature.nunique()
    share = used.reindex(range(history.population.size), fill_value=0) / ADVANCED
    assert np.corrcoef(share, history.population.expertise)[0, 1] > 0.4
    assert 0.01 < (share > 0.8).mean() < 0.15


def test_breadth_grows_with_time(history, usage):
    age = usage.day - history.population.active_from[usage.customer]
    advanced = usage.tier == "advanced"
    assert advanced[age > 365].mean() > 1.3 * advanced[age < 90].mean()


def test_customers_fade_before_they_leave(history, usage):
    population = history.population
    leaves = (population.left == population.active_until) & (
        population.active_until - population.active_from > 2 * FADE_DAYS
    )
    leaving = usage[leaves[usage.customer]]
    ahead = population.left[leaving.customer] - leaving.day
    assert (ahead < FADE_DAYS / 2).sum() < 0.6 * ((ahead > FADE_DAYS) & (ahead < 1.5 * FADE_DAYS)).sum()


def test_users_belong_to_their_customer_and_are_no_more_than_its_seats(history, usage):
    parts = usage.user_id.str.split("-u", expand=True)
    assert (parts[0] == usage.customer_id).all()
    user = parts[1].astype(int)
    assert (user >= 1).all()
    assert (user <= history.population.seats[usage.customer]).all()
