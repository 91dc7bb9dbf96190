"""Assignment of units to arms: strata of similar units, and a seeded draw within each.

All arrays have one entry per unit. Stratified (blocked) randomisation: Imbens & Rubin 2015, chapter 9.
"""

from __future__ import annotations

import numpy as np

from ripple.arrays import Bools, Floats, Ints

MIN_STRATUM, MAX_STRATUM = 8, 40
"""The units of a stratum, at least, and up to which a size is sought at which both arms get whole numbers."""
MIN_PER_ARM = 2
"""The units of a stratum in each arm, at least, so that the spread within it can be estimated."""


def stratum_size(holdout: float) -> int:
    """The units of a stratum, of which the share *holdout* is a whole number and both arms get two at least.

    With half held out these are 8, with a fifth 10.
    """
    for size in range(MIN_STRATUM, MAX_STRATUM + 1):
        held = size * holdout
        if abs(held - round(held)) < 1e-9 and MIN_PER_ARM <= round(held) <= size - MIN_PER_ARM:
            return size
    return MAX_STRATUM


def strata(values: Floats, size: int) -> Ints:
    """The stratum of each unit: units alike in *values*, in groups of *size* to 2·*size* − 1.

    The units are halved by their median of each column in turn, the most important first, as a k-d tree does
    (Bentley 1975). Halves are multiples of *size*.

    Args:
        values: one row per unit, one column per variable.
        size: see `stratum_size`.

    Returns:
        Numbers from 0; all 0 where there are fewer than 2·*size* units.
    """
    stratum = np.zeros(len(values), dtype=np.int64)
    pending = [(np.arange(len(values)), 0)]
    number = 0
    while pending:
        rows, depth = pending.pop()
        if rows.size < 2 * size:
            stratum[rows] = number
            number += 1
            continue
        ordered = rows[np.argsort(-values[rows, depth % values.shape[1]], kind="stable")]
        cut = max(round(rows.size / 2 / size), 1) * size
        pending += [(np.sort(ordered[cut:]), depth + 1), (np.sort(ordered[:cut]), depth + 1)]
    return stratum


def draw(stratum: Ints, holdout: float, seed: int) -> Bools:
    """Which units are treated: of every stratum the share *holdout* is not.

    Where that is no whole number it is rounded up or down at random, so that each unit is held out with
    probability *holdout*.
    """
    rng = np.random.default_rng(seed)
    number = np.bincount(stratum)
    held = np.floor(number * holdout + rng.random(number.size)).astype(np.int64)
    exact = np.abs(number * holdout - np.rint(number * holdout)) < 1e-9
    held = np.where(exact, np.rint(number * holdout).astype(np.int64), held)
    return _treated(stratum, held, rng.random((1, stratum.size)))[0]


def redraw(stratum: Ints, treated: Bools, draws: int, seed: int) -> Bools:
    """Other assignments that could have come about, with as many units treated in each stratum.

    Returns:
        One row per draw, one column per unit.
    """
    held = np.bincount(stratum, weights=~treated).astype(np.int64)
    return _treated(stratum, held, np.random.default_rng(seed).random((draws, stratum.size)))


def _treated(stratum: Ints, held: Ints, key: Floats) -> Bools:
    """By draw and unit, whether it is treated: the *held* units of a stratum with the lowest keys are not."""
    order = np.argsort(stratum + key, axis=1, kind="stable")
    number = np.bincount(stratum, minlength=held.size)
    place = np.arange(stratum.size) - np.repeat(np.cumsum(number) - number, number)
    treated = np.empty(key.shape, dtype=bool)
    np.put_along_axis(treated, order, np.broadcast_to(place >= np.repeat(held, number), key.shape), axis=1)
    return treated
