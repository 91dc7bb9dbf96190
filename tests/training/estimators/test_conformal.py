import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ripple.training.estimators.conformal import MAX_BAND_UNDERCOVERAGE, conformal_interval
from ripple.training.evaluation.metrics import coverage
from tests.support.synthetic_predictions import held_out

NOMINAL = 0.8


@pytest.mark.parametrize("seed", range(5))
def test_intervals_cover_what_they_promise_where_the_future_is_like_the_past(seed):
    known = [held_out(10_000, 10 * seed + i) for i in range(3)]
    future = held_out(20_000, 10 * seed + 9)
    predicted, realised = (
        np.concatenate([getattr(one, name) for one in known]) for name in ("predicted", "realised")
    )
    interval = conformal_interval(predicted, realised, NOMINAL)
    low, high = interval.bounds(future.predicted)
    assert coverage(future.realised, low, high) >= NOMINAL - 0.03
    assert (low <= future.predicted).all()
    assert (future.predicted <= high).all()
    bands = np.searchsorted(interval.edges, future.predicted, side="right")
    for band in range(len(interval.low)):
        inside = bands == band
        least = NOMINAL - MAX_BAND_UNDERCOVERAGE - 0.03
        assert coverage(future.realised[inside], low[inside], high[inside]) >= least


def test_where_most_values_are_zero_the_interval_is_narrower_elsewhere():
    predicted = np.repeat([1.0, 10.0], 5000)
    random = np.random.default_rng(1)
    realised = np.concatenate((np.where(random.random(5000) < 0.95, 0, 20.0), random.lognormal(2, 1, 5000)))
    low, high = conformal_interval(predicted, realised, NOMINAL).bounds(predicted)
    inside = (realised >= low) & (realised <= high)
    assert inside[:5000].mean() >= 0.9
    assert 0.65 <= inside[5000:].mean() < 0.75
    assert inside.mean() >= NOMINAL


def test_both_tails_hold_the_same_share_of_the_ratios():
    ratio = np.arange(1, 1000) / 500  # 1/1000 of them in every step, and 1 in the middle
    interval = conformal_interval(np.ones(999), ratio, NOMINAL)
    low, high = interval.bounds(np.ones(1))
    below, above = (ratio < low).mean(), (ratio > high).mean()
    assert below == pytest.approx(0.1, abs=0.005)
    assert above == pytest.approx(0.1, abs=0.005)


def test_where_the_lower_bound_is_zero_the_upper_tail_holds_what_both_would():
    """Half of the customers realise nothing, so nobody is below the interval."""
    ratio = np.concatenate((np.zeros(500), np.arange(1, 500) / 100))
    low, high = conformal_interval(np.ones(999), ratio, NOMINAL).bounds(np.ones(1))
    assert low == 0
    assert (ratio > high).mean() == pytest.approx(1 - NOMINAL, abs=0.005)


@hypothesis_settings(max_examples=50)
@given(st.lists(st.sampled_from([1.0, 2.0, 2.5, 40.0]), min_size=1, max_size=40))
def test_every_prediction_has_an_interval_however_many_are_alike(predictions):
    predicted = np.array(predictions)
    interval = conformal_interval(predicted, predicted + 1, NOMINAL)
    assert len(interval.low) == len(interval.high) == len(interval.edges) + 1
    assert list(interval.edges) == sorted(set(interval.edges))
    low, high = interval.bounds(np.array([1e-9, *predicted, 1e9]))
    assert (low <= high).all()


@pytest.mark.parametrize(
    ("size", "coverage", "low", "high"),
    [
        # too few customers for a lower tail: nothing is left out below, and nothing above
        (4, 0.8, None, 3),
        (2, 0.62, None, 1),
        # a quarter of 3 + 1 is one, the smallest
        (3, 0.62, 0, 2),
        (6, 0.8, 0, 5),
        (12, 0.8, 1, 10),
        # just as many as are to be covered
        (20, 0.8, 2, 17),
        (20, 0.5, 5, 14),
    ],
)
def test_both_ends_are_order_statistics_of_realised_by_predicted(size, coverage, low, high):
    ratio = np.linspace(0.5, 1.5, size)
    interval = conformal_interval(np.ones(size), ratio, coverage)
    assert interval.low == (0.0 if low is None else ratio[low],)
    assert interval.high == (ratio[high],)


def test_an_interval_contains_the_prediction_where_all_values_are_above_or_below_it():
    predicted = np.full(40, 2.0)
    above = conformal_interval(predicted, np.full(40, 6.0), NOMINAL)
    assert (above.low, above.high) == ((1.0,), (3.0,))
    below = conformal_interval(predicted, np.full(40, 0.5), NOMINAL)
    assert (below.low, below.high) == ((0.25,), (1.0,))


def test_the_nominal_coverage_is_lowered_in_steps_of_six_thousandths():
    """5 500 values are zero, so covered; with 69 % of the others 80 % are, and 69.2 % is the next step."""
    ratio = np.linspace(0.1, 1.9, 9999)
    predicted = np.repeat([1.0, 10.0], [5500, 9999])
    realised = np.concatenate((np.zeros(5500), 10 * ratio))
    interval = conformal_interval(predicted, realised, NOMINAL)
    assert (interval.low[0], interval.high[0]) == (0.0, 1.0)
    tail = round(0.308 / 2 * 10_000)
    assert interval.low[1] == pytest.approx(ratio[tail - 1], abs=3e-4)
    assert interval.high[1] == pytest.approx(ratio[9999 - tail], abs=3e-4)
