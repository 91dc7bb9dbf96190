"""Arrays that a simulation is made of, one entry per customer, tie or event: their types and groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Grouping:
    """Which entries belong to each group, group after group and inside a group in their own order."""

    entry: Ints
    first: Ints
    """Where in `entry` each group begins."""
    size: Ints
    """Number of entries of each group."""

    @classmethod
    def by(cls, group: Ints, groups: int) -> Grouping:
        """Group entries 0, 1, … by *group*, each below *groups*."""
        size = np.bincount(group, minlength=groups)
        return cls(np.argsort(group, kind="stable"), np.cumsum(size) - size, size)

    def of(self, groups: Ints) -> tuple[Ints, Ints]:
        """Every entry of each of *groups*, as its position in *groups* and the entry."""
        size = self.size[groups]
        which = np.repeat(np.arange(groups.size), size)
        rank = np.arange(which.size) - np.repeat(np.cumsum(size) - size, size)
        return which, self.entry[self.first[groups][which] + rank]


def sums(group: Ints, value: Floats, groups: int) -> Floats:
    """Sum of *value* over the entries of each group, zero where there is none."""
    return np.bincount(group, weights=value, minlength=groups).astype(np.float64)
