import math

import numpy as np
import pytest

from ripple.training.insights.realised_ratios import RealisedRatios

ONE_KIND = np.zeros(2000, dtype=np.int64)


def test_together_customers_vary_less_than_each_alone():
    random = np.random.default_rng(2)
    predicted = np.full(2000, 10.0)
    ratios = RealisedRatios(
        np.zeros(2000), predicted, predicted * random.exponential(1.0, 2000), ONE_KIND[:2000]
    )
    low, high = ratios.total_bounds(np.full(100, 10.0), ONE_KIND[:100], 0.8, seed=1)
    spread = 1.28 * 10 * math.sqrt(100)
    assert low == pytest.approx(1000 - spread, rel=0.06)
    assert high == pytest.approx(1000 + spread, rel=0.06)


def test_a_bad_period_may_come_again():
    """Two periods in one of which all came in at half: the lower bound is half, the upper the forecast."""
    cutoff, predicted = np.repeat([0, 1], 50), np.tile(np.linspace(1, 9, 50), 2)
    ratios = RealisedRatios(cutoff, predicted, predicted * np.where(cutoff == 0, 0.5, 1.0), ONE_KIND[:100])
    assert ratios.total_bounds(np.array([4.0, 6.0]), ONE_KIND[:2], 0.8, seed=1) == pytest.approx((5.0, 10.0))


def test_each_kind_of_customer_is_held_against_its_own():
    predicted, kind = np.tile(np.linspace(1, 9, 50), 2), np.repeat([0, 1], 50)
    ratios = RealisedRatios(np.zeros(100), predicted, predicted * np.where(kind == 0, 1.0, 0.2), kind)
    assert ratios.total_bounds(np.array([4.0, 6.0]), np.array([0, 0]), 0.8, seed=1) == pytest.approx(
        (10.0, 10.0)
    )
    assert ratios.total_bounds(np.array([4.0, 6.0]), np.array([0, 1]), 0.8, seed=1) == pytest.approx(
        (5.2, 10.0)
    )


def test_a_kind_that_was_never_there_is_held_against_everybody():
    predicted = np.linspace(1, 9, 50)
    ratios = RealisedRatios(np.zeros(50), predicted, 3 * predicted, ONE_KIND[:50])
    assert ratios.total_bounds(np.array([10.0]), np.array([1]), 0.8, seed=1) == pytest.approx((10.0, 30.0))


def test_the_sum_of_forecasts_lies_inside_its_interval():
    predicted = np.linspace(1, 9, 50)
    ratios = RealisedRatios(np.zeros(50), predicted, 3 * predicted, ONE_KIND[:50])
    assert ratios.total_bounds(np.array([4.0, 6.0]), ONE_KIND[:2], 0.8, seed=1) == pytest.approx((10.0, 30.0))
    assert ratios.total_bounds(np.array([]), ONE_KIND[:0], 0.8, seed=1) == (0.0, 0.0)
