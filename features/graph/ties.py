"""The weighted, directed ties between customers as they stood at a cutoff.

The weight of a tie is that of all its interactions, referrals apart, each decayed by its age. Weights are
whole millionths, so that sums do not depend on the order of customers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp

from ripple.arrays import Bools, Floats, Ints, sums
from ripple.features.graph.contacts import POWERS, Contacts
from ripple.features.graph.sparse import counts, csr_of_pairs, is_run_start

UNIT = 1_000_000
"""The number of units of weight in one: weights are counted in millionths."""


@dataclass(frozen=True)
class Ties:
    """Ordered pairs of customers in contact, ordered by source, then target."""

    size: int
    """The number of customers there can be: one more than the largest number of a customer."""
    source: Ints
    target: Ints
    weight: Floats
    """The decayed weight of each tie, in whole millionths."""
    first: Ints
    """The day of the first contact of each tie."""
    mutual: Bools
    """A mask of the ties whose target reaches the source too."""
    by_power: Mapping[str, tuple[Floats, Floats, Floats]]
    """Three arrays over customers for each power: the number of targets reached by contacts that show it, the
    weight of these contacts in millionths, and the number of these targets that reach the customer too."""

    @classmethod
    def at_cutoff(cls, contacts: Contacts, joined: Bools, last_day: int, half_life_days: float) -> Ties:
        """The ties among the customers who had *joined*, from the contacts known on *last_day*."""
        known = contacts.known <= last_day
        weight = _decayed_weight(contacts, last_day, half_life_days)
        weight[~known] = 0.0
        exists = _reduce_by_pair(np.logical_or, known, contacts.start)
        exists &= joined[contacts.source] & joined[contacts.target]
        # mostly all of them, of which no copy has to be made
        ties = slice(None) if exists.all() else np.flatnonzero(exists)
        mutual = (contacts.reverse >= 0) & exists[contacts.reverse]
        rows_of_pair = np.diff(contacts.start, append=known.size)
        pair = np.repeat(np.arange(exists.size, dtype=np.int32), rows_of_pair)
        known &= np.repeat(exists, rows_of_pair)
        by_power = {}
        for index, power in enumerate(POWERS):
            rows = np.flatnonzero(known & (contacts.power == index))
            pair_of_row = pair[rows]
            pairs = pair_of_row[is_run_start(pair_of_row)]
            by_power[power] = (
                counts(contacts.source[pairs], joined.size),
                sums(contacts.source[pair_of_row], weight[rows], joined.size),
                counts(contacts.source[pairs[mutual[pairs]]], joined.size),
            )
        return cls(
            joined.size,
            contacts.source[ties],
            contacts.target[ties],
            _reduce_by_pair(np.add, weight, contacts.start)[ties],
            _reduce_by_pair(np.minimum, np.where(known, contacts.day, last_day), contacts.start)[ties],
            mutual[ties],
            by_power,
        )

    @cached_property
    def weights(self) -> sp.csr_matrix:
        """The weight of each tie; sources are rows, targets columns."""
        return self.matrix(self.weight)

    def matrix(self, value: np.ndarray) -> sp.csr_matrix:
        """The *value* of each tie; sources are rows, targets columns."""
        return csr_of_pairs(self.source, self.target, value, self.size)


def _decayed_weight(contacts: Contacts, last_day: int, half_life_days: float) -> Floats:
    """Weight of each row on the day after *last_day*, in whole millionths, in place as there are many."""
    weight = contacts.day - np.float64(last_day + 1)
    weight /= half_life_days
    # below 2^−50 it is zero for all purposes
    np.exp2(np.clip(weight, -50.0, 0.0, out=weight), out=weight)
    weight *= UNIT
    weight *= contacts.weight
    return np.rint(weight, out=weight)


def _reduce_by_pair(ufunc: np.ufunc, value: np.ndarray, start: Ints) -> np.ndarray:
    """*ufunc* over the rows of each pair; `reduceat` itself refuses to work on no pairs at all."""
    return ufunc.reduceat(value, start) if start.size else value[:0]
