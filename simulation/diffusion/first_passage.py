"""First passage along ties: when each customer adopts, and the cause of every adoption.

A customer v adopts at A_v = min(B_v, min over ties u → v of A_u + D_uv): by their background clock B, or a
delay D after somebody who influences them. An independent cascade (Kempe, Kleinberg & Tardos 2003) in
continuous time (Gomez-Rodriguez, Balduzzi & Schölkopf 2011).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ripple.arrays import Bools, Floats, Ints
from ripple.simulation.diffusion.clocks import Clocks
from ripple.simulation.world.ties import Ties

BACKGROUND = -1
"""The cause of an adoption that nobody influenced."""


@dataclass(frozen=True)
class Adoptions:
    """One entry per customer and product they adopt, ordered by product, then customer."""

    customer: Ints
    product: Ints
    day: Floats
    """The time of each adoption, in days since the start of the calendar."""
    cause: Ints
    """The customer whose adoption caused it, or BACKGROUND."""

    @property
    def size(self) -> int:
        """Number of adoptions."""
        return self.day.size

    def where(self, mask: Bools) -> Adoptions:
        """The entries for which *mask* is true."""
        return Adoptions(self.customer[mask], self.product[mask], self.day[mask], self.cause[mask])


def spread_adoptions(clocks: Clocks, ties: Ties) -> Adoptions:
    """Every adoption that the clocks lead to."""
    customers = clocks.background.shape[1]
    day, cause = first_passage(
        clocks.background.ravel(),
        clocks.flat_index(ties.source[clocks.tie]),
        clocks.flat_index(ties.target[clocks.tie]),
        clocks.delay,
        clocks.opens,
        clocks.closes,
    )
    adopted = np.flatnonzero(np.isfinite(day))
    product, customer = np.divmod(adopted, customers)
    cause = cause[adopted]
    cause = np.where(cause == BACKGROUND, BACKGROUND, cause % customers)
    return Adoptions(customer, product, day[adopted], cause)


def first_passage(
    background: Floats, source: Ints, target: Ints, delay: Floats, opens: Floats, closes: Floats
) -> tuple[Floats, Ints]:
    """The day each node adopts, infinite for never, and the node that caused it, or BACKGROUND.

    Args:
        background: day of the background clock of each node: a customer, or a customer and a product.
        source: the influencing node of each tie, by its index in `background`.
        target: the influenced node, in ascending order.
        delay: positive days from the later of the source's adoption and `opens` to the target's.
        opens: first day on which the tie can act.
        closes: first day on which it no longer can.
    """
    day = background.copy()
    cause = np.full(background.size, BACKGROUND)
    if not target.size:
        return day, cause
    first = np.flatnonzero(np.diff(target, prepend=-1))
    reached = target[first]
    while True:
        arrival = arrival_days(day[source], delay, opens, closes)
        earliest = np.minimum(background[reached], np.minimum.reduceat(arrival, first))
        if np.array_equal(earliest, day[reached]):
            break
        day[reached] = earliest
    decisive = (arrival == day[target]) & (arrival < background[target])
    cause[target[decisive]] = source[decisive]
    return day, cause


def arrival_days(source_day: Floats, delay: Floats, opens: Floats, closes: Floats) -> Floats:
    """The day each tie transmits, infinite for never, if its source adopts on *source_day*."""
    arrival = np.maximum(source_day, opens) + delay
    arrival[arrival >= closes] = np.inf
    return arrival
