"""Looks before the end: bounds that hold however often somebody looks.

Of the error probability α = 5 %, a fifth is spent on all looks before the end and four fifths on the last
one, which so keeps nearly all of its power. The part before the end is spent by the continuous
O'Brien–Fleming-type spending function of Lan & DeMets (1983), α(t) = 4·(1 − Φ(c ÷ √t)), which by the
reflection principle is the probability that a Brownian motion leaves (−c, c) by t, at most. So a look after
the share t of the horizon compares |z| with c ÷ √t, at any number of looks and without a list of them.
Keeping most of α for the end follows Haybittle (1971) and Peto et al. (1976). Outcomes of the same customers
on different days are correlated, which makes looks more alike and the bounds conservative.
"""

from __future__ import annotations

import math

from scipy import stats

ALPHA = 0.05
"""The probability that any of the intervals, of all looks, misses the effect."""
BEFORE_END = 0.2
"""The share of `ALPHA` that looks before the end may use."""


def critical_value(fraction: float, freedom: float = math.inf) -> float:
    """How many standard errors an interval reaches to each side.

    Args:
        fraction: the share of the horizon that has passed, above 0; 1 at the end.
        freedom: degrees of freedom of the standard error (Student's t distribution).
    """
    if fraction >= 1:
        return float(stats.t.isf(ALPHA * (1 - BEFORE_END) / 2, freedom))
    return float(stats.t.isf(ALPHA * BEFORE_END / 4, freedom)) / math.sqrt(fraction)


def tail_probability(fraction: float) -> float:
    """The probability of |t| ≥ `critical_value` at this look alone, by the normal distribution."""
    return 2 * float(stats.norm.sf(critical_value(fraction)))


def p_value(statistic: float, fraction: float, freedom: float = math.inf) -> float:
    """The p value of |*statistic*| at a look; below `ALPHA` where the interval excludes zero."""
    if fraction >= 1:
        return min(2 * float(stats.t.sf(abs(statistic), freedom)) / (1 - BEFORE_END), 1.0)
    return min(4 * float(stats.t.sf(abs(statistic) * math.sqrt(fraction), freedom)) / BEFORE_END, 1.0)
