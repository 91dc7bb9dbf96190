import numpy as np
import pytest

from ripple.simulation.world.delays import Delays, reporting_delays

LAWS = [Delays(20.0), Delays(20.0, 1.5), Delays(20.0, 3.0)]


@pytest.mark.parametrize("delays", LAWS)
@pytest.mark.parametrize("elapsed", [0.0, 15.0, 200.0])
def test_delays_follow_their_survival_given_that_they_are_longer_than_what_has_elapsed(delays, elapsed, rng):
    drawn = delays.draw(np.full(40_000, elapsed), rng)
    assert (drawn > elapsed).all()
    for later in elapsed + np.array([2.0, 10.0, 60.0]):
        expected = delays.survival(np.array(later)) / delays.survival(np.array(elapsed))
        assert (drawn > later).mean() == pytest.approx(expected, abs=0.01)


def test_the_mean_is_as_said(rng):
    assert Delays(20.0).draw(np.zeros(40_000), rng).mean() == pytest.approx(20.0, rel=0.03)
    assert Delays(20.0, 3.0).draw(np.zeros(40_000), rng).mean() == pytest.approx(20.0, rel=0.05)


def test_a_power_law_has_more_of_the_very_long_and_the_very_short():
    exponential, power_law = Delays(20.0), Delays(20.0, 1.5)
    assert power_law.survival(np.array(200.0)) > 100 * exponential.survival(np.array(200.0))
    assert power_law.survival(np.array(5.0)) < exponential.survival(np.array(5.0))


def test_a_few_events_are_reported_days_late_and_none_early(rng):
    delay = reporting_delays(50_000, rng)
    late = delay[delay > 0]
    assert 0.025 < late.size / delay.size < 0.035
    assert delay.min() == 0
    assert late.min() >= 1
    assert late.max() <= 10
