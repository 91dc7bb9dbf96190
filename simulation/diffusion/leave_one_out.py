"""Counterfactual adoptions: when each would have come without somebody's influence, by the same clocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ripple.arrays import Bools, Floats, Ints
from ripple.simulation.diffusion.first_passage import BACKGROUND, arrival_days, first_passage
from ripple.simulation.diffusion.realisation import History
from ripple.simulation.world.calendar import Window
from ripple.simulation.world.grouping import Grouping

NOT_FOUND = -1
"""The index of what is not in an array."""


@dataclass(frozen=True)
class CounterfactualAdoptions:
    """One entry per customer and adoption in the window that without them would come later or never."""

    customer: Ints
    """The customer whose influence is deleted."""
    adoption: Ints
    """Index in Adoptions."""
    direct: Bools
    """A mask of the entries of which this customer's adoption is the immediate cause, not an earlier one."""
    day: Floats
    """Day on which it would have come; where that is outside the window, any day that is."""


def without_each_customer(history: History, window: Window) -> CounterfactualAdoptions:
    """Delete the influence clocks of one customer that ring after the start of *window*, for each in turn.

    Only descendants of the customer through causes that acted after the start can change. So every such
    descendant is copied for every customer it descends from, and one first passage runs on all the copies.
    """
    adoptions, clocks = history.adoptions, history.clocks
    index = _adoption_index(history)
    ancestor, adoption, direct = _descents(history, index, window)
    copies = ancestor * adoptions.size + adoption

    copy, clock, source = _incoming(history, index, adoption)
    # all of them ring after the start, for those they ring for had not adopted by then
    others = source != ancestor[copy]
    copy, clock, source = copy[others], clock[others], source[others]
    delay, opens, closes = clocks.delay[clock], clocks.opens[clock], clocks.closes[clock]

    source_copy = _index_of(copies, ancestor[copy] * adoptions.size + source)
    changes, stays = source_copy != NOT_FOUND, source_copy == NOT_FOUND
    background = clocks.background[adoptions.product[adoption], adoptions.customer[adoption]]
    arrival = arrival_days(adoptions.day[source[stays]], delay[stays], opens[stays], closes[stays])
    np.minimum.at(background, copy[stays], arrival)
    day, _ = first_passage(
        background, source_copy[changes], copy[changes], delay[changes], opens[changes], closes[changes]
    )
    return CounterfactualAdoptions(adoptions.customer[ancestor], adoption, direct, day)


def without_influence(history: History, window: Window) -> tuple[Ints, Floats]:
    """Adoptions in *window*, and the day of each if no influence clock rang after its start."""
    adoptions = history.adoptions
    adoption = np.flatnonzero(window.contains(adoptions.day))
    return adoption, history.clocks.background[adoptions.product[adoption], adoptions.customer[adoption]]


def _adoption_index(history: History) -> Ints:
    """Index in Adoptions of each [product, customer], flattened; NOT_FOUND if never adopted."""
    adoptions = history.adoptions
    index = np.full(history.clocks.background.size, NOT_FOUND)
    index[adoptions.product * history.population.size + adoptions.customer] = np.arange(adoptions.size)
    return index


def _descents(history: History, index: Ints, window: Window) -> tuple[Ints, Ints, Bools]:
    """Each adoption in the window with each of its ancestors, ordered by ancestor, then adoption.

    The third array says whether the ancestor is the immediate cause.
    """
    adoptions = history.adoptions
    first = adoptions.product * history.population.size
    cause = np.where(adoptions.cause == BACKGROUND, NOT_FOUND, index[first + adoptions.cause])
    open_to_change = window.after_start(adoptions.day) & (cause != NOT_FOUND)
    adoption = np.flatnonzero(window.contains(adoptions.day) & (cause != NOT_FOUND))
    ancestor = cause[adoption]
    generations = [(ancestor, adoption)]
    while ancestor.size:
        further = open_to_change[ancestor]
        ancestor, adoption = cause[ancestor[further]], adoption[further]
        generations.append((ancestor, adoption))
    ancestors, adopted = (np.concatenate(parts) for parts in zip(*generations, strict=True))
    order = np.lexsort((adopted, ancestors))
    return ancestors[order], adopted[order], order < generations[0][0].size


def _incoming(history: History, index: Ints, adoption: Ints) -> tuple[Ints, Ints, Ints]:
    """Influence clocks that could ring for each of *adoption*: index in *adoption*, clock, and its source."""
    clocks, ties = history.clocks, history.ties
    source = index[clocks.flat_index(ties.source[clocks.tie])]
    target = index[clocks.flat_index(ties.target[clocks.tie])]
    running = np.flatnonzero((source != NOT_FOUND) & (target != NOT_FOUND))
    row, entry = Grouping.by(target[running], history.adoptions.size).of(adoption)
    clock = running[entry]
    return row, clock, source[clock]


def _index_of(ascending: Ints, values: Ints) -> Ints:
    """Index of each of *values* in *ascending*, or NOT_FOUND."""
    index = np.searchsorted(ascending, values)
    return np.where(np.append(ascending, NOT_FOUND)[index] == values, index, NOT_FOUND)
