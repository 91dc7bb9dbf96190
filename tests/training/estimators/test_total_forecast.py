from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ripple.training.estimators.total_forecast import (
    PRIOR_SCALE,
    PRIOR_WINDOWS,
    ClosedTotal,
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


errors_of_totals = st.lists(st.floats(-2, 2), min_size=1, max_size=12)


def test_the_interval_is_the_posterior_predictive_of_a_normal_error_with_unknown_variance() -> None:
    errors = [0.3, -0.2, 0.5]
    total = forecast_total(100.0, closed(errors), HORIZON, 0.8)
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
        total = forecast_total(100.0, closed(past), HORIZON, 0.8)
        inside.append(total.low <= 100 * np.exp(following) <= total.high)
    assert np.mean(inside) == pytest.approx(0.8, abs=0.02)


def test_windows_that_overlap_count_as_those_that_fit_side_by_side() -> None:
    # seven cutoffs 60 days apart span three windows of 180 days
    overlapping = forecast_total(1.0, closed([0.1] * 7, step_days=60), HORIZON, 0.8)
    separate = forecast_total(1.0, closed([0.1] * 3), HORIZON, 0.8)
    assert (overlapping.low, overlapping.high) == pytest.approx((separate.low, separate.high))


def test_without_closed_windows_the_usual_error_applies_and_silent_windows_are_left_out() -> None:
    unknown = forecast_total(10.0, [], HORIZON, 0.8)
    silent = forecast_total(10.0, [ClosedTotal(START, 5.0, 0.0)], HORIZON, 0.8)
    assert silent == unknown
    assert unknown.low < 10.0 / np.exp(1.28 * PRIOR_SCALE) < 10.0 < unknown.high


@given(errors_of_totals)
def test_few_windows_with_the_same_errors_give_a_wider_interval(errors: list[float]) -> None:
    few = forecast_total(1.0, closed(errors), HORIZON, 0.8)
    many = forecast_total(1.0, closed(errors * 20), HORIZON, 0.8)
    own = forecast_total(1.0, closed([float(np.sqrt(np.mean(np.square(errors))))] * 1000), HORIZON, 0.8)
    assert few.low < 1.0 < few.high
    # many windows outweigh the prior, so the interval is that of their own errors
    assert abs(np.log(many.high / own.high)) <= abs(np.log(few.high / own.high)) + 1e-9


@given(errors_of_totals, st.floats(1e-3, 1e6))
def test_bounds_are_in_the_currency_of_the_totals(errors: list[float], unit: float) -> None:
    total = forecast_total(100.0, closed(errors), HORIZON, 0.8)
    converted = forecast_total(100.0 * unit, closed(errors, unit=unit), HORIZON, 0.8)
    assert (converted.low, converted.high) == pytest.approx((total.low * unit, total.high * unit))


@given(errors_of_totals, st.floats(0.5, 0.9))
def test_the_interval_contains_the_total_and_grows_with_coverage(
    errors: list[float], coverage: float
) -> None:
    narrow = forecast_total(100.0, closed(errors), HORIZON, coverage)
    wide = forecast_total(100.0, closed(errors), HORIZON, coverage + 0.05)
    assert wide.low < narrow.low < narrow.predicted < narrow.high < wide.high


def test_the_record_is_plain_data() -> None:
    record = forecast_total(100.0, closed([0.0]), HORIZON, 0.8).record()
    assert record["closed"] == [{"cutoff": "2024-01-01T00:00:00", "predicted": 50.0, "realised": 50.0}]
    assert record["low"] < record["predicted"] == 100.0 < record["high"]
