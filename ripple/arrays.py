"""Arrays with one entry per customer, tie or event: their types, sums by group, ranges of positions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


def sums(group: Ints, value: Floats | Ints, groups: int) -> Floats:
    """Sum of *value* over the entries of each group, zero where there is none."""
    return np.bincount(group, weights=value, minlength=groups).astype(np.float64)


def expand(first: Ints, last: Ints) -> tuple[Ints, Ints]:
    """Every position of the ranges [first, last): which range it is of, and the position."""
    size = last - first
    which = np.repeat(np.arange(size.size), size)
    rank = np.arange(which.size) - np.repeat(np.cumsum(size) - size, size)
    return which, first[which] + rank
