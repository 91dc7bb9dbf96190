"""Sums and steps over sorted events: what the label counts with, in memory that grows with the events."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ripple.arrays import Floats, Ints

SPAN = 2.0**14
"""More days than any two moments are apart: key·SPAN + day sorts by key, then by day."""


def place(key: Ints, day: Floats) -> Floats:
    """Where (key, day) stands on one line; days are within ±SPAN/2."""
    return key * SPAN + day


@dataclass(frozen=True)
class Steps:
    """A step function of the day for every key: changes by +1 or −1 at events, summed up in advance."""

    places: Floats
    level: Floats
    """Sum of all changes up to each place, with a zero in front."""

    @classmethod
    def of(cls, key: Ints, up: Floats, down: Floats) -> Steps:
        """One more of *key* after day *up*, one less after day *down*; infinite for never."""
        reach = SPAN / 2 - 1
        days = np.clip(np.concatenate((up, down)), -reach, reach)
        places = place(np.concatenate((key, key)), days)
        change = np.repeat((1.0, -1.0), key.size)
        order = np.argsort(places, kind="stable")
        return cls(places[order], np.concatenate(([0.0], np.cumsum(change[order]))))

    def before(self, key: Ints, day: Floats) -> Floats:
        """The level of each key just before *day*. A key whose steps are all closed ends at zero."""
        return self.level[np.searchsorted(self.places, place(key, day))]


@dataclass(frozen=True)
class KernelSums:
    """Sums of weights of events of the same key near each event, under a triangle of half-width *width*."""

    order: Ints
    """Events by key and day."""
    day: Floats
    width: float
    start: Ints
    middle: Ints
    end: Ints
    """For each event: where those up to *width* before it begin, where it is, where those after it end."""

    @classmethod
    def of(cls, key: Ints, day: Floats, width: float) -> KernelSums:
        """Of events with these keys and days."""
        spot = place(key, day)
        order = np.argsort(spot, kind="stable")
        places = spot[order]
        start, end = np.searchsorted(places, spot - width), np.searchsorted(places, spot + width)
        return cls(order, day, width, start, np.searchsorted(places, spot, side="right"), end)

    def others(self, weight: Floats) -> Floats:
        """Σ weight·(1 − distance/width) over the other events of the same key, for each event."""
        sorted_weight = weight[self.order]
        zeroth = np.concatenate(([0.0], np.cumsum(sorted_weight)))
        first = np.concatenate(([0.0], np.cumsum(sorted_weight * self.day[self.order])))
        zeroth_here, first_here = zeroth[self.middle], first[self.middle]
        slope = self.day / self.width
        earlier = (zeroth_here - zeroth[self.start]) * (1 - slope)
        earlier += (first_here - first[self.start]) / self.width
        later = (zeroth[self.end] - zeroth_here) * (1 + slope) - (first[self.end] - first_here) / self.width
        return np.maximum(earlier + later - weight, 0.0)
