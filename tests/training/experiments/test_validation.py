"""The slope of experimental effects on audiences on credited network value."""

import math
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from ripple.errors import InputError
from ripple.training.experiments.estimation import estimate_effect
from ripple.training.experiments.validation import no_name_twice, slope_of, validate

from .conftest import AUDIENCE_EFFECT, END

UNITS = 200


def experiment(seed, slope, credited_effect=50.0):
    """Audience revenue that follows credited value by *slope*, both confounded by what is not seen."""
    rng = np.random.default_rng(seed)
    treated = rng.permutation(UNITS) < UNITS // 2
    unseen = rng.gamma(2, 40, UNITS)
    credited = 100 + credited_effect * treated + unseen + rng.normal(0, 20, UNITS)
    audience = slope * (100 + credited_effect * treated) - 2 * unseen + rng.normal(0, 20, UNITS)
    return audience, credited, treated, np.arange(UNITS)


@pytest.mark.parametrize("slope", [1.0, 0.4])
def test_the_interval_holds_the_true_slope_whatever_is_not_seen(slope):
    found = [slope_of(*experiment(seed, slope)) for seed in range(100)]
    held = [low <= slope <= high for *_, low, high in found]
    assert np.mean(held) >= 0.92
    assert np.median([ratio for _, _, ratio, _, _ in found]) == pytest.approx(slope, abs=0.3)


def test_bounds_are_where_the_difference_is_just_not_significant():
    audience, credited, treated, unit = experiment(1, 1.0)
    *_, low, high = slope_of(audience, credited, treated, unit)
    for bound in (low, high):
        effect = estimate_effect(audience - bound * credited, treated, unit, draws=0)
        assert min(abs(effect.low), abs(effect.high)) == pytest.approx(0, abs=1e-6 * effect.error)


def test_where_nothing_is_credited_for_the_play_the_slope_has_no_bounds():
    *_, low, high = slope_of(*experiment(2, 1.0, credited_effect=0.0))
    assert (low, high) == (-math.inf, math.inf)


def test_experiments_are_read_together(treated_dataset, design, laid):
    twin = design.model_copy(update={"name": "twin"})
    experiments = [(one, laid.assignments, laid.audience) for one in (design, twin)]
    found = validate(treated_dataset, experiments, END)
    assert found.experiments == ("july", "twin")
    assert found.plays == ("advocate", "rescue")
    assert found.audience == pytest.approx(AUDIENCE_EFFECT, abs=20)
    # nobody bought anything for the first time, so the label credits nobody
    assert (found.credited, found.low, found.high) == (0, -math.inf, math.inf)
    assert "nothing to compare" in found.text
    assert "95 % interval 0.60 to 1.40" in replace(found, slope=1.0, low=0.6, high=1.4).text
    assert "is not in the interval" in replace(found, slope=0.5, low=0.3, high=0.7).text


def test_an_experiment_that_runs_or_is_named_twice_is_refused(treated_dataset, design, laid):
    one = (design, laid.assignments, laid.audience)
    with pytest.raises(InputError, match="when it is over"):
        validate(treated_dataset, [one], END - timedelta(days=1))
    with pytest.raises(InputError, match="named twice"):
        no_name_twice([one, one])
