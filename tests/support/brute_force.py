"""First passage, slow and clear: what the fast ones are held against."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence

Tie = tuple[int, int, float, float, float]
"""Source, target, delay, and the days between which the tie is open."""


def first_passage(
    own: Sequence[float], ties: Sequence[Tie], absent: int | None = None, start: float = 0.0
) -> list[float]:
    """Day of adoption of each customer by Dijkstra: who adopts first is settled, then passes it on.

    Clocks of *absent* that would ring after *start* are left out.
    """
    at = [math.inf] * len(own)
    queue = [(day, customer) for customer, day in enumerate(own) if day < math.inf]
    heapq.heapify(queue)
    while queue:
        day, customer = heapq.heappop(queue)
        if at[customer] <= day:
            continue
        at[customer] = day
        for source, target, delay, opens, closes in ties:
            rings = max(day, opens) + delay
            if source == customer and rings < closes and not (source == absent and rings > start):
                heapq.heappush(queue, (rings, target))
    return at
