"""Entries by group, such as the members of a community or the orders that follow an adoption."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ripple.arrays import Ints, expand


@dataclass(frozen=True)
class Grouping:
    """The entries of each group, group after group and inside a group in ascending order."""

    entry: Ints
    first: Ints
    """Index in `entry` at which each group begins."""
    size: Ints
    """Number of entries of each group."""

    @classmethod
    def by(cls, group: Ints, groups: int) -> Grouping:
        """Group entries 0, 1, … by *group*, each below *groups*."""
        size = np.bincount(group, minlength=groups)
        return cls(np.argsort(group, kind="stable"), np.cumsum(size) - size, size)

    def of(self, groups: Ints) -> tuple[Ints, Ints]:
        """The entries of each of *groups*: for each, the index in *groups*, and the entry."""
        first = self.first[groups]
        row, position = expand(first, first + self.size[groups])
        return row, self.entry[position]
