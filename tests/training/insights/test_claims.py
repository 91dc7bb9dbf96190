"""Quoted figures on data made by hand, where the right answer is known."""

from dataclasses import replace
from datetime import datetime

import numpy as np
import pandas as pd
import pytest

from ripple.training.attribution.feature_adoptions import FeatureAdoptions
from ripple.training.attribution.robustness import LATE_TIES, SHUFFLED_TIMES
from ripple.training.insights.claims import (
    BY_PURCHASES,
    NO_TIERS,
    NO_USAGE,
    claims,
    mean,
    ratio_of_totals,
    share_of_the_top,
    times_the_average,
)
from ripple.training.insights.periods import Period

CUSTOMERS = 1000


def period_by_hand() -> Period:
    """1,000 customers: the first 100 are the most engaged, and the first 20 hold what there is to find.

    The first 20 spend 300 each and bring 1,200; the others spend 14,000 ÷ 980 each and bring nothing.
    """
    first = np.arange(CUSTOMERS) < 20
    return Period(
        start=datetime(2025, 1, 1),
        days=180,
        direct_value=np.where(first, 300.0, 14_000 / 980),
        orders=np.where(first, 2.0, 1.0),
        network_value=np.where(first, 1200.0, 0.0),
        influenced_purchases=np.where(first, 16.0, 0.0),
        influenced_customers=np.where(first, 30.0, 0.0),
        engagement=1 - np.arange(CUSTOMERS) / CUSTOMERS,
        advanced=np.arange(CUSTOMERS) < 50,
        influenced_adopters=np.where(first, 25.0, 0.0),
    )


def measured_claims(period: Period, expected: np.ndarray | None = None, long: Period | None = None):
    score = period.network_value if expected is None else expected
    return {claim.name: claim for claim in claims(period, score, long, 0.02, seed=7)}


def test_every_figure_is_what_was_put_in():
    period = period_by_hand()
    measured = measured_claims(period, long=replace(period, days=548))
    figures = {name: claim.estimate.figure for name, claim in measured.items()}
    assert figures == pytest.approx(
        {
            "revenue": 6_000 / 20_000,  # 20 customers at 300, of 6,000 + 14,000
            "value": 1200 / 300,
            "purchases": 16 / 2,
            "engaged": (20 * 1200 / 100) / (20 * 1200 / 1000),
            "followers": 20 * 25 / 100,
            "advanced": 20 * 25 / 50,
        }
    )
    assert [claim.quoted for claim in measured.values()] == [
        (0.3, 0.3),
        (3.0, 5.0),
        (8.0, 8.0),
        (2.4, 2.4),
        (6.0, 6.0),
        (11.0, 11.0),
    ]
    assert {name: claim.estimate.customers for name, claim in measured.items()} == {
        "revenue": 20,
        "value": 20,
        "purchases": 20,
        "engaged": 100,
        "followers": 100,
        "advanced": 50,
    }
    assert measured["followers"].period.days == measured["advanced"].period.days == 548
    for claim in measured.values():
        assert claim.estimate.low <= claim.estimate.figure <= claim.estimate.high


def test_what_others_of_the_same_kind_reach_stands_beside():
    measured = measured_claims(period_by_hand(), long=period_by_hand())
    assert measured["value"].comparisons["of all customers"] == pytest.approx(24_000 / 20_000)
    assert measured["purchases"].comparisons["of all customers"] == pytest.approx(320 / 1020)
    assert measured["followers"].comparisons == {
        "of all other customers": 0.0,
        BY_PURCHASES: pytest.approx(20 * 30 / 100),
    }
    assert measured["advanced"].comparisons == {
        "of all other customers": 0.0,
        BY_PURCHASES: pytest.approx(20 * 30 / 50),
    }
    assert measured["advanced"].placebo_share is None
    assert list(measured["revenue"].comparisons.values()) == pytest.approx([0.3, 24_000 / 20_000])


def test_the_influential_are_those_predicted_and_not_those_realised():
    period = period_by_hand()
    wrong = 1.0 - np.arange(CUSTOMERS)[::-1]  # the last 20 were predicted
    claim = measured_claims(period, wrong)["value"]
    assert claim.estimate.figure == 0
    assert claim.comparisons["with hindsight, of those who turned out to bring most"] == pytest.approx(4)


def test_what_cannot_be_measured_says_why():
    period = replace(period_by_hand(), engagement=None, advanced=None, influenced_adopters=None)
    measured = measured_claims(period, long=period)
    assert measured["engaged"].estimate is measured["followers"].estimate is None
    assert measured["engaged"].why_not == measured["followers"].why_not == NO_USAGE
    assert measured["advanced"].why_not == NO_TIERS
    assert "18 months" in measured_claims(period)["followers"].why_not


@pytest.mark.parametrize(("size", "group"), [(9, "9 customers"), (1, "1 customer"), (0, "0 customers")])
def test_of_a_group_of_few_nothing_is_said(size, group):
    few = np.arange(CUSTOMERS) < size
    claim = measured_claims(replace(period_by_hand(), advanced=few))["advanced"]
    assert claim.estimate is None
    assert claim.why_not == f"the group has {group}, and of fewer than 10 nothing can be said"


def test_where_nobody_brings_or_buys_anything_the_figure_is_zero_or_says_why():
    nothing = np.zeros(CUSTOMERS)
    silent = replace(
        period_by_hand(),
        network_value=nothing,
        direct_value=nothing,
        orders=nothing,
        influenced_purchases=nothing,
        influenced_customers=nothing,
        influenced_adopters=nothing,
    )
    measured = measured_claims(silent)
    for name in ("revenue", "value", "purchases", "engaged"):
        assert measured[name].estimate is None
        assert measured[name].why_not
    assert measured["advanced"].estimate.figure == 0


def test_the_interval_of_a_mean_is_that_of_the_bootstrap():
    value = np.random.default_rng(1).exponential(10.0, 500)
    measured = mean(value, seed=3)
    assert measured.figure == pytest.approx(value.mean())
    error = value.std() / np.sqrt(500)
    assert measured.low == pytest.approx(value.mean() - 1.96 * error, abs=0.3 * error)
    assert measured.high == pytest.approx(value.mean() + 1.96 * error, abs=0.3 * error)


def test_a_ratio_is_of_totals_and_not_a_mean_of_ratios():
    assert ratio_of_totals(np.array([1.0, 9.0]), np.array([1.0, 1.0]), seed=1).figure == 5
    assert ratio_of_totals(np.array([1.0, 9.0]), np.array([9.0, 1.0]), seed=1).figure == 1


def test_the_average_holds_the_group_itself():
    value, group = np.array([8.0, 0.0, 0.0, 0.0]), np.array([True, False, False, False])
    assert times_the_average(value, group, seed=1).figure == 4


def test_the_top_is_chosen_anew_in_every_draw():
    """One customer of 50 holds all: whoever is drawn without them finds nobody who holds anything."""
    value = np.zeros(50)
    value[7] = 1.0
    measured = share_of_the_top(value, 0.02, seed=1)
    assert measured.figure == 1
    assert measured.customers == 1
    # drawn twice, they stand on the one place of the top and next to it
    assert measured.low < 1


def test_the_two_claims_about_patterns_say_how_much_of_them_may_be_chance():
    placebos = pd.DataFrame({"influenced": [3.0, 1.0], "share": [0.3, 0.1]}, [SHUFFLED_TIMES, LATE_TIES])
    label = FeatureAdoptions(datetime(2025, 1, 1), datetime(2026, 1, 1), 50, pd.DataFrame(), 10.0, placebos)
    period = replace(period_by_hand(), feature_adoptions=label)
    measured = measured_claims(period, long=period)
    shares = {name: claim.placebo_share for name, claim in measured.items()}
    assert shares == dict.fromkeys(measured) | {"followers": 0.3, "advanced": 0.3}
