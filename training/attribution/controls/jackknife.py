"""A share of adoptions that is credited, and its standard error, by leaving out groups of strata.

Strata are taken or left as a whole: inside one, every customer at risk counts for the baseline.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ripple.arrays import Floats, Ints
from ripple.training.attribution.adoptions import AdoptionHistory

GROUPS = 5
"""The number of groups of strata."""
MAX_CASES = 3_000
"""The number of adoptions that a control is estimated from, about: more are sampled by stratum."""


def sampled_by_stratum(history: AdoptionHistory, stratum: Ints, seed: int) -> AdoptionHistory:
    """*history* of the customers of some strata, drawn at random until there are `MAX_CASES` cases."""
    if history.cases.size <= MAX_CASES:
        return history
    cases = np.bincount(stratum[history.adoptions.customer[history.cases]], minlength=stratum.max() + 1)
    drawn = np.random.default_rng(seed).permutation(cases.size)
    enough = int(np.searchsorted(np.cumsum(cases[drawn]), MAX_CASES)) + 1
    return history.of_customers(np.isin(stratum, drawn[:enough]))


def jackknife(
    estimate: Callable[[AdoptionHistory], Floats], history: AdoptionHistory, stratum: Ints, seed: int
) -> tuple[Floats, Floats]:
    """What *estimate* makes of *history*, and its standard errors.

    Each group of strata is left out in turn and everything is estimated again (delete-a-group jackknife, Kott
    2001), so that customers who are alike count as one observation.

    Args:
        estimate: numbers that follow from a history.
        history: the adoptions.
        stratum: of each customer.
        seed: by which strata are put into groups.

    Returns:
        Estimates and errors; the errors are nan where cases are in fewer than two strata.
    """
    strata = np.unique(stratum[history.adoptions.customer[history.cases]])
    groups = min(GROUPS, strata.size)
    whole = estimate(history)
    if groups < 2:
        return whole, np.full(whole.size, np.nan)
    group = np.full(int(stratum.max()) + 1, -1)
    group[strata] = np.random.default_rng(seed).permutation(strata.size) % groups
    parts = np.stack(
        [
            estimate(history.of_customers((group[stratum] >= 0) & (group[stratum] != left_out)))
            for left_out in range(groups)
        ]
    )
    return whole, np.sqrt((groups - 1) / groups * ((parts - whole) ** 2).sum(axis=0))
