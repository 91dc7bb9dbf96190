"""Random delays: of influence, from the source's adoption to the target's, and of reporting."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ripple.arrays import Floats

LATE_SHARE = 0.03
"""The probability that an event becomes known late."""
LATE_DAYS = (1.0, 10.0)
"""The range of the delay of a late event, in days."""


@dataclass(frozen=True)
class Delays:
    """Exponential delays, or Lomax ones: a Pareto tail that starts at zero (Lomax 1954)."""

    mean_days: float
    tail: float | None = None
    """Exponent of the tail, above 1 so that there is a mean; none for exponential."""

    def survival(self, elapsed: Floats) -> Floats:
        """Probability that a delay is longer than *elapsed* days."""
        if self.tail is None:
            return np.exp(-elapsed / self.mean_days)
        return (1 + elapsed / self._scale) ** -self.tail

    def draw(self, elapsed: Floats, rng: np.random.Generator) -> Floats:
        """Days, one delay for each entry of *elapsed*, given that it is longer than that."""
        if self.tail is None:
            return elapsed + rng.exponential(self.mean_days, elapsed.size)
        return elapsed + (self._scale + elapsed) * rng.pareto(self.tail, elapsed.size)

    @property
    def _scale(self) -> float:
        assert self.tail is not None
        return self.mean_days * (self.tail - 1)


def reporting_delays(events: int, rng: np.random.Generator) -> Floats:
    """Days until each of *events* events becomes known: 0, but for a few."""
    late = rng.random(events) < LATE_SHARE
    return np.where(late, rng.uniform(*LATE_DAYS, events), 0.0)
