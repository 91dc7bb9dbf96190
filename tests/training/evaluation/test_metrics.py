import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ripple.training.evaluation import metrics

VALUE = np.array([0.0, 10.0, 40.0, 0.0, 30.0, 20.0, 0.0, 0.0, 0.0, 0.0])
SCORE = np.array([0.1, 0.9, 0.8, 0.2, 0.3, 0.7, 0.0, 0.0, 0.0, 0.0])
values = arrays(float, st.integers(2, 60), elements=st.sampled_from([0.0, 0.0, 1.0, 2.5, 7.0, 100.0]))
shares = st.sampled_from([0.01, 0.1, 0.3])


def test_capture_is_the_value_caught_over_the_most_that_could_be():
    assert metrics.capture(SCORE, VALUE, 0.1) == pytest.approx(10 / 40)
    assert metrics.capture(SCORE, VALUE, 0.2) == pytest.approx((10 + 40) / (40 + 30))
    assert metrics.capture(SCORE, VALUE, 0.3) == pytest.approx((10 + 40 + 20) / (40 + 30 + 20))
    assert metrics.capture(-SCORE, VALUE, 0.1) == 0
    assert math.isnan(metrics.capture(SCORE, np.zeros(10), 0.1))


@given(values, shares)
def test_the_true_ranking_captures_everything_and_no_other_more(value, share):
    actual = metrics.capture(np.arange(len(value)), value, share)
    if value.any():
        assert metrics.capture(value, value, share) == 1
        assert 0 <= actual <= 1
    else:
        assert math.isnan(actual)


def test_precision_counts_true_members():
    assert metrics.precision(SCORE, VALUE, 0.1) == 0
    assert metrics.precision(SCORE, VALUE, 0.2) == 0.5
    assert metrics.precision(SCORE, VALUE, 0.3) == pytest.approx(2 / 3)
    assert metrics.precision(SCORE, VALUE, 0.6) == pytest.approx(4 / 6)


def test_rank_correlation_is_spearmans():
    assert metrics.rank_correlation(np.array([1.0, 2.0, 3.0]), np.array([10.0, 200.0, 3000.0])) == 1
    assert metrics.rank_correlation(np.array([1.0, 2.0, 3.0]), np.array([3.0, 2.0, 1.0])) == -1
    # ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4
    assert metrics.rank_correlation(
        np.array([0.0, 5.0, 5.0, 9.0]), np.array([1.0, 2.0, 3.0, 4.0])
    ) == pytest.approx(4.5 / math.sqrt(4.5 * 5))
    assert math.isnan(metrics.rank_correlation(np.ones(3), np.array([1.0, 2.0, 3.0])))


def test_the_gini_compares_two_concentration_curves():
    value = np.array([6.0, 3.0, 1.0])
    # held after each customer: .6 .9 1 (mean .8333), against 2/3 if all were equal
    assert metrics.normalised_gini(value, value) == 1
    # .1 .4 1: mean .5
    assert metrics.normalised_gini(-value, value) == pytest.approx((0.5 - 2 / 3) / (2.5 / 3 - 2 / 3))
    assert metrics.normalised_gini(-value, value / 100) == pytest.approx((0.5 - 2 / 3) / (2.5 / 3 - 2 / 3))
    # whoever holds everything comes last: 0 0 0 1, the mirror image of 1 1 1 1
    assert metrics.normalised_gini(np.arange(4), np.array([5.0, 0, 0, 0])) == pytest.approx(-1)
    assert math.isnan(metrics.normalised_gini(value, np.zeros(3)))
    assert math.isnan(metrics.normalised_gini(value, np.ones(3)))


def test_a_ranking_has_all_its_metrics_and_undefined_ones_are_nan():
    actual = metrics.ranking(SCORE, VALUE, 0.2)
    assert set(actual) == {"capture", "precision", "pr_auc", "gini", "spearman"}
    # members are found in places 2 and 4 of the ranking
    assert actual["pr_auc"] == pytest.approx((1 / 2 + 2 / 4) / 2)
    nothing = metrics.ranking(SCORE, np.zeros(10), 0.2)
    assert nothing.pop("precision") == 0
    assert all(math.isnan(value) for value in nothing.values())


def test_the_true_ranking_is_perfect():
    assert list(metrics.ranking(VALUE, VALUE, 0.2).values()) == pytest.approx([1.0] * 5)


def test_brier_is_the_mean_squared_error():
    truth = np.array([True, False, False, True])
    assert metrics.brier(np.array([1.0, 0.0, 0.5, 0.5]), truth) == pytest.approx(0.125)
    assert metrics.brier(np.full(3, 0.2), np.zeros(3, dtype=bool)) == pytest.approx(0.04)


def test_coverage_holds_both_ends():
    value = np.array([0.0, 1.0, 2.0, 3.0])
    assert metrics.coverage(value, np.array([0.0, 1.1, 1.0, 0.0]), np.array([0.0, 2.0, 2.0, 2.9])) == 0.5


def test_a_ratio_to_nothing_is_undefined():
    assert metrics.ratio(0.25, 0.5) == 0.5
    assert metrics.ratio(3, 2) == 1.5
    assert math.isnan(metrics.ratio(3, 0))


def test_deciles_are_equal_in_size_and_go_from_the_lowest_prediction():
    predicted = np.arange(100.0)[::-1]
    actual = metrics.deciles(predicted, predicted * 2)
    assert actual["decile"].tolist() == list(range(1, 11))
    assert actual["predicted"].tolist() == [4.5 + 10 * i for i in range(10)]
    assert actual["realised"].tolist() == [9.0 + 20 * i for i in range(10)]
    assert metrics.deciles(np.ones(20), np.arange(20.0))["realised"].tolist() == [
        0.5 + 2 * i for i in range(10)
    ]


def test_coverage_by_decile_counts_inside_each_tenth_of_the_predictions():
    predicted = np.arange(20.0)[::-1]
    value = np.zeros(20)
    low, high = np.zeros(20), np.where(predicted < 3, 1.0, -1.0)
    actual = metrics.coverage_by_decile(predicted, value, low, high)
    assert actual.tolist() == [1.0, 0.5, *[0.0] * 8]
    # both ends are inside, as in the coverage of all
    assert metrics.coverage_by_decile(predicted, value, value, value).tolist() == [1.0] * 10


def test_the_calibration_slope_is_one_where_calibrated_and_below_one_where_too_extreme():
    # 1 of 4 at .25 and 3 of 4 at .75 are members: log-odds of ∓log 3 both predicted and true
    probability = np.repeat([0.25, 0.75], 4)
    truth = np.array([1, 0, 0, 0, 1, 1, 1, 0], dtype=bool)
    assert metrics.calibration_slope(probability, truth) == pytest.approx(1.0, abs=1e-3)
    # .1 and .9 are odds of 9 where the realised odds are 3
    exaggerated = np.repeat([0.1, 0.9], 4)
    assert metrics.calibration_slope(exaggerated, truth) == pytest.approx(math.log(3) / math.log(9), abs=1e-3)
    # certainty counts as odds of one in a thousand million
    certain = np.repeat([0.0, 1.0], 4)
    assert metrics.calibration_slope(certain, truth) == pytest.approx(math.log(3) / math.log(1e9), rel=1e-3)


def test_the_calibration_slope_is_undefined_without_variation_or_under_separation():
    truth = np.array([False, True, False, True])
    assert math.isnan(metrics.calibration_slope(np.full(4, 0.5), truth))
    assert math.isnan(metrics.calibration_slope(np.array([0.1, 0.2, 0.3, 0.4]), np.zeros(4, dtype=bool)))
    assert math.isnan(metrics.calibration_slope(np.array([0.1, 0.9, 0.2, 0.8]), truth))


def test_the_interval_score_is_the_width_and_ten_times_what_lies_outside_of_80_percent():
    value, low, high = np.array([1.0, 5.0, 9.0]), np.array([2.0, 4.0, 4.0]), np.array([6.0, 6.0, 8.0])
    assert metrics.interval_score(value, low, high, 0.8) == pytest.approx(np.mean([4 + 10, 2, 4 + 10]))


def test_coverage_of_nobody_or_by_unknown_bounds_is_unknown():
    nothing, unknown = np.array([]), np.array([np.nan])
    assert np.isnan(metrics.coverage(nothing, nothing, nothing))
    assert np.isnan(metrics.coverage(np.array([1.0]), unknown, unknown))
