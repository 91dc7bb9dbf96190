import math
from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t as student_t

from ripple.training.estimators.total_forecast import (
    PRIOR_SCALE,
    PRIOR_WINDOWS,
    ClosedTotal,
    TotalForecast,
    forecast_total,
)

HORIZON = timedelta(days=180)
START = datetime(2024, 1, 1)


def closed(errors: list[float], step_days: int = 180, unit: float = 1.0) -> list[ClosedTotal]:
    """Totals that were off by these logarithms, at cutoffs *step_days* apart."""
    return [
        ClosedTotal(START + timedelta(days=step_days * i), 50.0 * unit, 50.0 * unit * float(np.exp(error)))
        for i, error in enumerate(errors)
    ]


def forecast(
    errors: list[float], step_days: int = 180, coverage: float = 0.8, half_life: float = math.inf
) -> TotalForecast:
    """The interval of a total of 100 after these errors; all of them weigh alike by default."""
    return forecast_total(100.0, closed(errors, step_days), HORIZON, coverage, half_life)


errors_of_totals = st.lists(st.floats(-2, 2), min_size=1, max_size=12)


def test_the_interval_is_the_posterior_predictive_of_a_normal_error_with_unknown_variance() -> None:
    errors = [0.3, -0.2, 0.5]
    total = forecast(errors)
    # the same by simulation: a variance from its posterior, an error with that variance
    random = np.random.default_rng(0)
    squares = PRIOR_WINDOWS * PRIOR_SCALE**2 + sum(error**2 for error in errors)
    variance = squares / random.chisquare(PRIOR_WINDOWS + len(errors), 400_000)
    simulated = 100.0 * np.exp(random.normal(0, np.sqrt(variance)))
    assert (total.low, total.high) == pytest.approx(np.quantile(simulated, (0.1, 0.9)), rel=0.01)


def test_intervals_hold_their_share_of_totals_whose_usual_error_varies_as_the_prior_says() -> None:
    random, inside = np.random.default_rng(1), []
    for _ in range(4000):
        spread = np.sqrt(PRIOR_WINDOWS * PRIOR_SCALE**2 / random.chisquare(PRIOR_WINDOWS))
        *past, following = random.normal(0, spread, random.integers(2, 8))
        total = forecast(past)
        inside.append(total.low <= 100 * np.exp(following) <= total.high)
    assert np.mean(inside) == pytest.approx(0.8, abs=0.02)


def test_windows_that_overlap_count_as_those_that_fit_side_by_side() -> None:
    # seven cutoffs 60 days apart span three windows of 180 days
    overlapping, separate = forecast([0.1] * 7, step_days=60), forecast([0.1] * 3)
    assert (overlapping.low, overlapping.high) == pytest.approx((separate.low, separate.high))


def test_a_cutoff_one_half_life_before_the_latest_weighs_half() -> None:
    weighed, degrees = forecast([0.6, 0.1], half_life=1.0), PRIOR_WINDOWS + 1.5
    squares = PRIOR_WINDOWS * PRIOR_SCALE**2 + 0.5 * 0.6**2 + 0.1**2
    expected = student_t(degrees, scale=math.sqrt(squares / degrees)).ppf(0.9)
    assert math.log(weighed.high / 100) == pytest.approx(expected)
    assert forecast([0.1, 0.6], half_life=1.0).high > weighed.high


def test_without_closed_windows_the_usual_error_applies_and_silent_windows_are_left_out() -> None:
    unknown = forecast([])
    silent = forecast_total(100.0, [ClosedTotal(START, 5.0, 0.0)], HORIZON, 0.8, 0.5)
    assert silent == unknown
    assert unknown.low < 100 / math.exp(1.28 * PRIOR_SCALE) < 100 < unknown.high


@given(st.floats(0.0, 2.0))
def test_many_windows_outweigh_what_is_usual(error: float) -> None:
    few, many = forecast([error]), forecast([error] * 500)
    own = 1.2816 * error
    assert math.log(many.high / 100) == pytest.approx(own, rel=0.02, abs=0.03)
    assert abs(math.log(many.high / 100) - own) <= abs(math.log(few.high / 100) - own)


@given(errors_of_totals, st.floats(1e-3, 1e6))
def test_bounds_are_in_the_currency_of_the_totals(errors: list[float], unit: float) -> None:
    total = forecast(errors, half_life=0.5)
    converted = forecast_total(100.0 * unit, closed(errors, unit=unit), HORIZON, 0.8, 0.5)
    assert (converted.low, converted.high) == pytest.approx((total.low * unit, total.high * unit))


@given(errors_of_totals, st.floats(0.5, 0.9))
def test_the_interval_contains_the_total_and_grows_with_coverage(
    errors: list[float], coverage: float
) -> None:
    narrow, wide = (forecast(errors, coverage=one, half_life=0.5) for one in (coverage, coverage + 0.05))
    assert wide.low < narrow.low < narrow.predicted < narrow.high < wide.high


def test_the_record_is_plain_data() -> None:
    record = forecast([0.0]).record()
    assert record["closed"] == [{"cutoff": "2024-01-01T00:00:00", "predicted": 50.0, "realised": 50.0}]
    assert record["low"] < record["predicted"] == 100.0 < record["high"]
