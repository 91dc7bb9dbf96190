import numpy as np
import pytest
from scipy import stats

from ripple.training.experiments.assignment import draw
from ripple.training.experiments.estimation import estimate_effect
from ripple.training.experiments.power import (
    aa_test,
    customers_needed,
    days_needed,
    error_growth,
    minimum_detectable_effect,
    pooled_error,
)

UNITS = 120


def money(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).lognormal(0, 1, UNITS)


def test_an_aa_test_finds_nothing_and_gives_the_standard_error():
    outcome = money(1)
    found = aa_test(outcome, np.arange(UNITS), np.zeros(UNITS, dtype=int), 0.5)
    assert found.false_positives <= 0.1
    assert np.mean(found.effects) == pytest.approx(0, abs=0.1)
    assert found.error == pytest.approx(2 * outcome.std() / np.sqrt(UNITS), rel=0.2)
    assert 2 * found.error < found.half_width < 3 * found.error


def test_an_effect_of_the_detectable_size_is_found_four_times_in_five():
    unit, stratum = np.arange(UNITS), np.zeros(UNITS, dtype=int)
    error = aa_test(money(2), unit, stratum, 0.5).error
    effect = minimum_detectable_effect(error, UNITS)
    seen = 0
    for seed in range(150):
        treated = draw(stratum, 0.5, 10_000 + seed)
        seen += estimate_effect(money(2) + effect * treated, treated, unit, draws=0).low > 0
    assert seen / 150 == pytest.approx(0.8, abs=0.1)


def test_intervals_that_reach_further_show_less():
    assert minimum_detectable_effect(2.0, 100) == minimum_detectable_effect(2.0, 100, reach=1.0)
    further = minimum_detectable_effect(2.0, 100, reach=3.0)
    assert further == pytest.approx(2 * (3 + stats.t.ppf(0.8, 98)))


def test_errors_of_windows_with_other_numbers_of_units_are_pooled():
    unit, stratum = np.arange(UNITS), np.zeros(UNITS, dtype=int)
    test = aa_test(money(3), unit, stratum, 0.5, draws=20)
    assert pooled_error([test, test], 4 * UNITS) == pytest.approx(test.error / 2)


def test_four_times_the_customers_show_half_the_effect():
    assert customers_needed(100, 10.0, 5.0) == 400
    assert customers_needed(100, 10.0, 0.0) is None


def test_days_help_where_errors_do_not_grow_as_fast():
    assert days_needed(90, 10.0, 5.0, 0.5) == 360
    assert days_needed(90, 10.0, 5.0, 1.0) is None
    assert days_needed(90, 10.0, 20.0, 0.5) == 23
    assert error_growth(1.0, 2.0) == 1
    assert error_growth(1.0, 2**0.5) == pytest.approx(0.5)
