"""Nested case–control sampling: each adopter with others at risk of the same adoption on the same day.

Whatever moves a whole stratum on a day then cancels out (Breslow 1996).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ripple.arrays import Bools, Floats, Ints
from ripple.training.attribution.adoptions import AdoptionHistory

MIN_CONTROLS = 2
"""The number of controls from which a set says anything about who adopts."""
MAX_TRIES_PER_CONTROL = 4
"""The number of members that are looked at for each control that is wanted, where the stratum has more."""


@dataclass(frozen=True)
class CaseControlSets:
    """One entry per control: other customers of the case's stratum, at risk of its product on its day."""

    case: Ints
    """The case that each control belongs to, by its index among the history's `cases`; ascending."""
    control: Ints
    """A customer."""
    informative: Bools
    """A mask over cases: those with at least `MIN_CONTROLS` controls."""


def sample_controls(
    history: AdoptionHistory, stratum: Ints, max_controls: int, rng: np.random.Generator
) -> CaseControlSets:
    """Up to *max_controls* controls for each case; all at risk where the stratum has no more members.

    Members of a stratum stand in random order; from a random one on, each case takes the first who are at
    risk, and gives up after `MAX_TRIES_PER_CONTROL` times as many as it may have.
    """
    cases, adoptions = history.cases, history.adoptions
    customer, product, day = adoptions.customer[cases], adoptions.product[cases], adoptions.day[cases]
    shuffled = rng.permutation(history.customer_count)
    member = shuffled[np.argsort(stratum[shuffled], kind="stable")]
    size = np.bincount(stratum)
    first = (np.cumsum(size) - size)[stratum[customer]]
    size = size[stratum[customer]]
    offset = (rng.random(cases.size) * size).astype(np.int64)
    controls = np.zeros(cases.size, dtype=np.int64)
    case_parts, control_parts = [], []
    open_cases = np.arange(cases.size)
    for step in range(int(size.max(initial=0))):
        open_cases = open_cases[
            (controls[open_cases] < max_controls)
            & (step < size[open_cases])
            & ((step < MAX_TRIES_PER_CONTROL * max_controls) | (max_controls >= size[open_cases]))
        ]
        if not open_cases.size:
            break
        candidate = member[first[open_cases] + (offset[open_cases] + step) % size[open_cases]]
        eligible = _is_at_risk(history, candidate, product[open_cases], day[open_cases])
        eligible &= candidate != customer[open_cases]
        case_parts.append(open_cases[eligible])
        control_parts.append(candidate[eligible])
        controls[open_cases[eligible]] += 1
    case = np.concatenate([np.empty(0, dtype=np.int64), *case_parts])
    control = np.concatenate([np.empty(0, dtype=np.int64), *control_parts])
    order = np.lexsort((control, case))
    return CaseControlSets(case[order], control[order], controls >= MIN_CONTROLS)


def _is_at_risk(history: AdoptionHistory, customer: Ints, product: Ints, day: Floats) -> Bools:
    adoption = history.adoption_index(customer, product)
    adopted = np.where(adoption >= 0, history.adoptions.day[adoption], np.inf)
    return (history.joined[customer] < day) & (adopted > day) & (history.observed_until[customer] >= day)
