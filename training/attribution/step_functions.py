"""Step functions and kernel sums over sorted events, in memory that grows with the number of events.

Both exist once per key: a stratum, a product, or a pair of the two.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ripple.arrays import Floats, Ints

KEY_STRIDE = 2.0**14
"""The distance of two keys on the common axis, in days: more than any two days are apart."""


def sort_key(key: Ints, day: Floats) -> Floats:
    """Position of (key, day) on one axis that sorts by key, then day; days lie within ±KEY_STRIDE/2."""
    return key * KEY_STRIDE + day


@dataclass(frozen=True)
class StepFunctions:
    """The number of intervals of each key that cover a day: a counting process that goes up and down."""

    sort_keys: Floats
    """Position of each change, ascending."""
    cumulative: Floats
    """Sum of the changes before each position, and of all of them at the end."""

    @classmethod
    def of_intervals(cls, key: Ints, start: Floats, end: Floats) -> StepFunctions:
        """Count the intervals (start, end] of each key; an end is infinite where there is none."""
        limit = KEY_STRIDE / 2 - 1
        days = np.clip(np.concatenate((start, end)), -limit, limit)
        keys = sort_key(np.concatenate((key, key)), days)
        change = np.repeat((1.0, -1.0), key.size)
        order = np.argsort(keys, kind="stable")
        return cls(keys[order], np.concatenate(([0.0], np.cumsum(change[order]))))

    def before(self, key: Ints, day: Floats) -> Floats:
        """Number of intervals of each key that cover *day*: begun before it, and not ended before it."""
        # every interval ends, so that the sum over all earlier keys is zero
        return self.cumulative[np.searchsorted(self.sort_keys, sort_key(key, day))]


@dataclass(frozen=True)
class KernelSums:
    """Weighted sums over the events near each event of the same key, under a triangular kernel."""

    order: Ints
    """Events by key and day."""
    day: Floats
    bandwidth: float
    """Half-width of the triangle in days."""
    window_start: Ints
    """The place in `order` of the first event within the bandwidth before each event."""
    later_start: Ints
    """The place in `order` of the first event after each event."""
    window_end: Ints
    """The place in `order` of the first event a bandwidth or more after each event."""

    @classmethod
    def of_events(cls, key: Ints, day: Floats, bandwidth: float) -> KernelSums:
        """Index events by their key and day."""
        position = sort_key(key, day)
        order = np.argsort(position, kind="stable")
        ascending = position[order]
        return cls(
            order,
            day,
            bandwidth,
            window_start=np.searchsorted(ascending, position - bandwidth),
            later_start=np.searchsorted(ascending, position, side="right"),
            window_end=np.searchsorted(ascending, position + bandwidth),
        )

    def leave_one_out(self, weight: Floats) -> Floats:
        """Σ weight·(1 − distance/bandwidth) over the other events of the same key, for each event."""
        sorted_weight = weight[self.order]
        zeroth = np.concatenate(([0.0], np.cumsum(sorted_weight)))
        first = np.concatenate(([0.0], np.cumsum(sorted_weight * self.day[self.order])))
        zeroth_here, first_here = zeroth[self.later_start], first[self.later_start]
        slope = self.day / self.bandwidth
        earlier = (zeroth_here - zeroth[self.window_start]) * (1 - slope)
        earlier += (first_here - first[self.window_start]) / self.bandwidth
        later = (zeroth[self.window_end] - zeroth_here) * (1 + slope)
        later -= (first[self.window_end] - first_here) / self.bandwidth
        return np.maximum(earlier + later - weight, 0.0)
