import math

import numpy as np
import pytest
from scipy import stats

from ripple.training.experiments.sequential import ALPHA, critical_value, p_value


def test_daily_looks_do_not_raise_the_error_rate():
    rng = np.random.default_rng(3)
    days, experiments = 90, 20_000
    z = np.cumsum(rng.normal(size=(experiments, days)), axis=1) / np.sqrt(np.arange(1, days + 1))
    bound = np.array([critical_value(day / days) for day in range(1, days + 1)])
    ever = (np.abs(z) > bound).any(axis=1).mean()
    assert 0.035 < ever < ALPHA
    # what looks with the usual bound would do
    assert (np.abs(z) > 1.96).any(axis=1).mean() > 0.2


def test_early_looks_ask_for_more():
    assert critical_value(1.0) == pytest.approx(stats.norm.isf(0.02))
    assert critical_value(0.25) == pytest.approx(2 * critical_value(0.999), rel=1e-3)
    assert critical_value(0.5, 10) > critical_value(0.5)


@pytest.mark.parametrize("fraction", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("freedom", [9, math.inf])
def test_a_p_value_is_below_five_percent_beyond_the_bound(fraction, freedom):
    bound = critical_value(fraction, freedom)
    assert p_value(bound * 1.001, fraction, freedom) < ALPHA < p_value(bound * 0.999, fraction, freedom)
    assert p_value(-bound, fraction, freedom) == pytest.approx(ALPHA)
    assert p_value(0.0, fraction, freedom) == 1
