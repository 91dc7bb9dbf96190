"""First passage by Dijkstra's algorithm (1959), in plain Python."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence

Tie = tuple[int, int, float, float, float]
"""Source, target, delay, the first day on which the tie is open, and the first on which it no longer is."""


def first_passage(
    background: Sequence[float], ties: Sequence[Tie], absent: int | None = None, start: float = 0.0
) -> list[float]:
    """Day of adoption of each customer, who adopt in the order of time.

    Args:
        background: day of each customer's background clock.
        absent: the customer whose influence clocks are deleted if they ring after *start*.
    """
    adopted = [math.inf] * len(background)
    queue = [(day, customer) for customer, day in enumerate(background) if day < math.inf]
    heapq.heapify(queue)
    while queue:
        day, customer = heapq.heappop(queue)
        if adopted[customer] <= day:
            continue
        adopted[customer] = day
        for source, target, delay, opens, closes in ties:
            rings = max(day, opens) + delay
            if source == customer and rings < closes and not (source == absent and rings > start):
                heapq.heappush(queue, (rings, target))
    return adopted
