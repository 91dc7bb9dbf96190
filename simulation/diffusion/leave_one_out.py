"""When adoptions would have come without somebody's influence, from the recorded clocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ripple.arrays import Bools, Floats, Ints
from ripple.simulation.diffusion.first_passage import OWN_ACCORD, arrivals, first_passage
from ripple.simulation.diffusion.realisation import History
from ripple.simulation.world.calendar import Window
from ripple.simulation.world.grouping import Grouping

NOWHERE = -1


@dataclass(frozen=True)
class Absences:
    """One entry per customer and adoption in the window that would not have come when it did without them."""

    customer: Ints
    """Whose influence is missing."""
    adoption: Ints
    """Position in Adoptions."""
    direct: Bools
    """Whether this customer's own adoption is the cause, rather than something it brought about."""
    at: Floats
    """Day on which it would have come: exact inside the window; outside it, only not inside."""


def without_each(history: History, window: Window) -> Absences:
    """Delete the influence clocks of one customer that ring after the start of *window*, for each in turn.

    Only what descends from the customer through causes that acted after the start can change. So every such
    descendant is copied for every customer it descends from, and one first passage runs on all the copies.
    """
    adoptions, ties, clocks = history.adoptions, history.ties, history.clocks
    position = _positions(history)
    ancestor, adoption, direct = _descents(history, position, window)
    copies = ancestor * adoptions.size + adoption

    copy, clock, source = _incoming(history, position, adoption)
    # all of them ring after the start, for those they ring for had not adopted by then
    others = source != ancestor[copy]
    copy, clock, source = copy[others], clock[others], source[others]
    tie, delay = clocks.tie[clock], clocks.delay[clock]
    opens, closes = ties.opens[tie], ties.closes[tie]

    same_absence = _find(copies, ancestor[copy] * adoptions.size + source)
    moves, stays = same_absence != NOWHERE, same_absence == NOWHERE
    unmoved = clocks.own[adoptions.product[adoption], adoptions.customer[adoption]]
    arrival = arrivals(adoptions.at[source[stays]], delay[stays], opens[stays], closes[stays])
    np.minimum.at(unmoved, copy[stays], arrival)
    at, _ = first_passage(
        unmoved, same_absence[moves], copy[moves], delay[moves], opens[moves], closes[moves]
    )
    return Absences(adoptions.customer[ancestor], adoption, direct, at)


def without_anyone(history: History, window: Window) -> tuple[Ints, Floats]:
    """Adoptions in *window*, and when each would come if no influence clock rang after its start."""
    adoptions = history.adoptions
    adoption = np.flatnonzero(window.contains(adoptions.at))
    return adoption, history.clocks.own[adoptions.product[adoption], adoptions.customer[adoption]]


def _positions(history: History) -> Ints:
    """Position in Adoptions of each [product, customer], flattened; NOWHERE if never adopted."""
    adoptions, own = history.adoptions, history.clocks.own
    position = np.full(own.size, NOWHERE)
    position[adoptions.product * own.shape[1] + adoptions.customer] = np.arange(adoptions.size)
    return position


def _descents(history: History, position: Ints, window: Window) -> tuple[Ints, Ints, Bools]:
    """Each adoption in the window with each ancestor it hangs on, ordered by ancestor, then adoption.

    The third array says whether the ancestor is the immediate cause.
    """
    adoptions = history.adoptions
    first = adoptions.product * history.population.size
    cause = np.where(adoptions.cause == OWN_ACCORD, NOWHERE, position[first + adoptions.cause])
    open_to_change = window.after_start(adoptions.at) & (cause != NOWHERE)
    adoption = np.flatnonzero(window.contains(adoptions.at) & (cause != NOWHERE))
    ancestor = cause[adoption]
    generations = [(ancestor, adoption)]
    while ancestor.size:
        further = open_to_change[ancestor]
        ancestor, adoption = cause[ancestor[further]], adoption[further]
        generations.append((ancestor, adoption))
    ancestors, adopted = (np.concatenate(parts) for parts in zip(*generations, strict=True))
    order = np.lexsort((adopted, ancestors))
    return ancestors[order], adopted[order], order < generations[0][0].size


def _incoming(history: History, position: Ints, adoption: Ints) -> tuple[Ints, Ints, Ints]:
    """Influence clocks that could ring for each of *adoption*: which of them, the clock and its source."""
    clocks, ties = history.clocks, history.ties
    source = position[clocks.place(ties.source[clocks.tie])]
    target = position[clocks.place(ties.target[clocks.tie])]
    running = np.flatnonzero((source != NOWHERE) & (target != NOWHERE))
    which, entry = Grouping.by(target[running], history.adoptions.size).of(adoption)
    clock = running[entry]
    return which, clock, source[clock]


def _find(ascending: Ints, wanted: Ints) -> Ints:
    """Where *ascending* has each of *wanted*, or NOWHERE."""
    place = np.searchsorted(ascending, wanted)
    found = np.append(ascending, NOWHERE)[place] == wanted
    return np.where(found, place, NOWHERE)
