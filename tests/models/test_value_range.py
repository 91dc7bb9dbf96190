from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import logit

from ripple.models.value_range import MIN_WIDTH, RangeScores, ValueRange, standardised
from tests.support.value_ranges import VALUE_RANGE

# values that are not zero are log-uniform from e^2 to e^4: levels 0 to 1 lie at 0 to 1
UNIFORM = ValueRange(0.8, 1.0, 0.0, (), ((0.0, 1.0),))


def scores(probability, low=2.0, high=4.0):
    probability = np.atleast_1d(probability).astype(float)
    return RangeScores(logit(probability), np.full(len(probability), low), np.full(len(probability), high))


def ranges(probability):
    return UNIFORM.ranges(np.ones(np.size(probability)), scores(probability))


def test_a_value_that_is_sure_to_come_has_equal_tails():
    one = ranges(1 - 1e-12)
    assert np.log([one.low[0], one.high[0]]) == pytest.approx([2.2, 3.8])
    assert one.any_low == pytest.approx(one.low)
    assert one.any_high == pytest.approx(one.high)


def test_zero_takes_the_lower_tail_and_what_is_above_the_upper():
    one = ranges(0.5)
    assert one.low == 0
    # 80 % of all customers are the half without any value and 60 % of the others
    assert np.log(one.high) == pytest.approx(2 + 0.6 * 2)
    assert np.log([one.any_low[0], one.any_high[0]]) == pytest.approx([2.2, 3.8])
    assert one.any_probability == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("probability", "low"), [(0.95, 2 + 2 * (1 - 0.9 / 0.95)), (0.91, 2 + 2 * (1 - 0.9 / 0.91))]
)
def test_few_zeros_are_a_part_of_the_lower_tail(probability, low):
    assert np.log(ranges(probability).low) == pytest.approx(low)


def test_where_most_customers_have_none_the_interval_is_zero_and_the_range_if_any_tells_more():
    one = ranges([0.19, 0.1, 0.001])
    assert (one.low == 0).all()
    assert (one.high == 0).all()
    assert np.log(one.any_high) == pytest.approx([3.8] * 3)


@given(
    st.floats(0.001, 0.999),
    st.floats(1.0, 1000.0),
    st.floats(-3.0, 5.0),
    st.floats(-1.0, 4.0),
    st.integers(0, 2**32 - 1),
)
def test_the_interval_holds_its_nominal_share_of_what_it_describes(probability, predicted, low, width, seed):
    one = VALUE_RANGE.ranges(np.array([predicted]), scores(probability, low, low + width))
    # drawn from the same distribution: zero, or a quantile at a level drawn evenly
    random = np.random.default_rng(seed)
    band = int(np.searchsorted(VALUE_RANGE.edges, predicted, side="right"))
    levels = np.linspace(0, 1, len(VALUE_RANGE.quantiles[band]))
    drawn = np.exp(
        low + np.interp(random.random(4000), levels, VALUE_RANGE.quantiles[band]) * max(width, MIN_WIDTH)
    )
    value = np.where(random.random(4000) < one.any_probability, drawn, 0.0)
    inside = ((value >= one.low) & (value <= one.high)).mean()
    if one.high == 0:
        assert inside >= 0.77
    else:
        assert inside == pytest.approx(0.8, abs=0.03)
    assert ((drawn >= one.any_low) & (drawn <= one.any_high)).mean() == pytest.approx(0.8, abs=0.03)


@given(st.lists(st.floats(0.01, 0.99), min_size=2, max_size=2).map(sorted))
def test_with_the_chance_of_any_value_both_bounds_rise(probabilities):
    one = ranges(probabilities)
    assert one.low[0] <= one.low[1]
    assert one.high[0] <= one.high[1] * (1 + 1e-9)


def test_the_band_is_that_of_the_prediction():
    predicted = np.array([49.0, 50.0, 199.0, 200.0])
    one = VALUE_RANGE.ranges(predicted, scores([0.999999] * 4))
    banded = [replace(VALUE_RANGE, edges=(), quantiles=(row,)) for row in VALUE_RANGE.quantiles]
    for row, band in enumerate((0, 1, 1, 2)):
        alone = banded[band].ranges(predicted[[row]], scores(0.999999))
        assert one.any_high[row] == alone.any_high[0]


def test_standardised_values_are_0_and_1_at_the_predicted_quantiles():
    assert standardised(np.array([2.0, 4.0]), scores([0.5, 0.5])) == pytest.approx([0.0, 1.0])
    crossed = RangeScores(np.zeros(1), np.array([3.0]), np.array([2.0]))
    assert standardised(np.array([3.0 + MIN_WIDTH]), crossed) == pytest.approx([1.0])
