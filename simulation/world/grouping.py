"""Entries by group: the members of a community, the orders that follow an adoption."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ripple.arrays import Ints, expand


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
        first = self.first[groups]
        which, position = expand(first, first + self.size[groups])
        return which, self.entry[position]
