"""What an experiment can show: the minimum detectable effect, by A/A tests on windows that have closed.

In an A/A test units are assigned by the same procedure, nobody is treated, and the same analysis estimates an
effect that is known to be zero. The spread of these estimates is the standard error that the experiment will
have, with all that the data hold: rare large orders, unequal units, covariates that predict little (Kohavi,
Tang & Xu 2020, chapter 19). The minimum detectable effect is a multiple of it (Bloom 1995).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from ripple.arrays import Floats, Ints
from ripple.training.experiments.assignment import draw
from ripple.training.experiments.estimation import estimate_effect
from ripple.training.experiments.sequential import critical_value

POWER = 0.8
"""The probability with which an effect of the minimum detectable size is found."""
DRAWS = 100
"""The number of assignments of an A/A test."""
FLAT = 0.95
"""The growth of errors with the length of the window, as a power, from which more days show no more."""


@dataclass(frozen=True)
class PlaceboTest:
    """Effects found where nobody was treated.

    Attributes:
        effects: the estimates, one per assignment.
        false_positives: the share of the intervals that exclude zero; 5 % or less is right.
        units: the number of units.
        half_width: the mean of half the width of the intervals.
    """

    effects: Floats
    false_positives: float
    units: int
    half_width: float

    @property
    def error(self) -> float:
        """The standard deviation of the estimates."""
        return float(np.std(self.effects, ddof=1))


def aa_test(
    outcome: Floats,
    unit: Ints,
    stratum: Ints,
    holdout: float,
    covariates: Floats | None = None,
    *,
    draws: int = DRAWS,
    randomisation_draws: int = 0,
    seed: int = 7,
) -> PlaceboTest:
    """Assign *draws* times, and estimate an effect where there is none; see `estimate_effect`.

    Args:
        outcome, unit, stratum, covariates: one entry per customer.
        holdout: the share of units that is held out.
        draws: the number of assignments.
        randomisation_draws: those of the randomisation test of each; without it, intervals are those of the
            regression alone.
        seed: of all draws.

    Raises:
        TooFewUnits: an arm has fewer than two units.
    """
    _, first, inverse = np.unique(unit, return_index=True, return_inverse=True)
    found = [
        estimate_effect(
            outcome,
            draw(stratum[first], holdout, seed + number)[inverse],
            unit,
            stratum,
            covariates,
            draws=randomisation_draws,
            seed=seed + number,
        )
        for number in range(draws)
    ]
    excluded = [effect.low > 0 or effect.high < 0 for effect in found]
    return PlaceboTest(
        np.array([effect.effect for effect in found]),
        float(np.mean(excluded)),
        first.size,
        float(np.mean([effect.high - effect.low for effect in found])) / 2,
    )


def minimum_detectable_effect(error: float, units: int, reach: float = 0.0) -> float:
    """The effect that is found with a probability of `POWER` at the end, per treated customer.

    Args:
        error: the standard error of the effect.
        units: the number of units of both arms.
        reach: how many standard errors intervals reach to each side in A/A tests, which is more than the
            critical value where the randomisation test widens them.
    """
    freedom = max(units - 2, 1)
    return (max(critical_value(1.0, freedom), reach) + float(stats.t.ppf(POWER, freedom))) * error


def pooled_error(tests: Sequence[PlaceboTest], units: int) -> float:
    """The standard error with *units* units, from A/A tests with other numbers of them.

    Variances go with one over the number of units, and are averaged over tests.
    """
    return math.sqrt(float(np.mean([test.error**2 * test.units for test in tests])) / units)


def customers_needed(customers: int, detectable: float, wanted: float) -> int | None:
    """The customers of both arms with whom an effect of *wanted* is found, where *customers* show
    *detectable*.

    None where *wanted* is not above 0.
    """
    return math.ceil(customers * (detectable / wanted) ** 2) if wanted > 0 else None


def days_needed(days: int, detectable: float, wanted: float, growth: float) -> int | None:
    """The days in which an effect that is *wanted* in *days* is found, if it lasts and grows with the days.

    Args:
        days: the days in which *detectable* is.
        detectable, wanted: as in `customers_needed`.
        growth: errors go with days to this power: one half where days are independent, one where customers
            differ in the same way every day, see `error_growth`.

    Returns:
        None where more days show no more, or *wanted* is not above 0.
    """
    if wanted <= 0 or (growth >= FLAT and detectable > wanted):
        return None
    return math.ceil(days * (detectable / wanted) ** (1 / (1 - min(growth, FLAT))))


def error_growth(half: float, whole: float) -> float:
    """The power of days with which errors go, from those in *half* a window and in the *whole* one."""
    return min(max(math.log2(whole / half), 0.0), 1.0) if half > 0 and whole > 0 else 0.5
