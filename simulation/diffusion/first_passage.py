"""How products spread: first passage along ties, with the cause of every adoption.

A customer v adopts at A_v = min(B_v, min over ties u → v of A_u + D_uv): by their own clock B, or a delay D
after somebody who influences them. An independent cascade (Kempe, Kleinberg & Tardos 2003) in continuous
time (Gomez-Rodriguez, Balduzzi & Schölkopf 2011).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ripple.arrays import Bools, Floats, Ints
from ripple.simulation.diffusion.clocks import Clocks
from ripple.simulation.world.ties import Ties

OWN_ACCORD = -1
"""The cause of an adoption that nobody brought about."""


@dataclass(frozen=True)
class Adoptions:
    """One entry per customer and product they adopt, by product, then customer; `at` is in days."""

    customer: Ints
    product: Ints
    at: Floats
    cause: Ints
    """The customer whose adoption brought it about, or OWN_ACCORD."""

    @property
    def size(self) -> int:
        """Number of adoptions."""
        return self.at.size

    def where(self, kept: Bools) -> Adoptions:
        """Only those for which *kept* is true."""
        return Adoptions(self.customer[kept], self.product[kept], self.at[kept], self.cause[kept])


def spread(clocks: Clocks, ties: Ties) -> Adoptions:
    """Let every product spread until no clock is left that could ring."""
    customers = clocks.own.shape[1]
    at, cause = first_passage(
        clocks.own.ravel(),
        clocks.place(ties.source[clocks.tie]),
        clocks.place(ties.target[clocks.tie]),
        clocks.delay,
        ties.opens[clocks.tie],
        ties.closes[clocks.tie],
    )
    adopted = np.flatnonzero(np.isfinite(at))
    product, customer = np.divmod(adopted, customers)
    by = cause[adopted]
    return Adoptions(customer, product, at[adopted], np.where(by == OWN_ACCORD, OWN_ACCORD, by % customers))


def first_passage(
    own: Floats, source: Ints, target: Ints, delay: Floats, opens: Floats, closes: Floats
) -> tuple[Floats, Ints]:
    """The day each adopts, infinite for never, and who caused it.

    Args:
        own: day of the own clock of each who may adopt: a customer, or a customer and a product.
        source: the influencing one of each tie, by its place in `own`.
        target: the influenced one, in ascending order.
        delay: positive days from the later of the source's adoption and `opens` to the target's.
        opens: first day on which the tie can act.
        closes: last day (exclusive) on which it can.
    """
    at = own.copy()
    cause = np.full(own.size, OWN_ACCORD)
    if not target.size:
        return at, cause
    first = np.flatnonzero(np.diff(target, prepend=-1))
    reached = target[first]
    while True:
        arrival = arrivals(at[source], delay, opens, closes)
        earliest = np.minimum(own[reached], np.minimum.reduceat(arrival, first))
        if np.array_equal(earliest, at[reached]):
            break
        at[reached] = earliest
    decisive = (arrival == at[target]) & (arrival < own[target])
    cause[target[decisive]] = source[decisive]
    return at, cause


def arrivals(at: Floats, delay: Floats, opens: Floats, closes: Floats) -> Floats:
    """The day each tie acts, infinite for never, where its source adopts on day *at*."""
    arrival = np.maximum(at, opens) + delay
    arrival[arrival >= closes] = np.inf
    return arrival
