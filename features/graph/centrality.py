"""Centrality of each customer in the graph of ties: PageRank and core number."""

from __future__ import annotations

import numpy as np

from ripple.arrays import Floats, Ints, expand
from ripple.features.graph.sparse import csr_of_pairs
from ripple.features.graph.ties import UNIT, Ties

DAMPING = 0.85
TOLERANCE = 1e-8
"""The sum of absolute changes of PageRank, which adds up to 1, below which it has converged."""
MAX_ITERATIONS = 200
MIN_LIVE_WEIGHT = 0.25
"""The weight below which a tie is over: its one contact is more than two half-lives ago."""


def pagerank(ties: Ties, customers: Ints) -> Floats:
    """PageRank times the number of *customers*, so that 1 is average (Page, Brin, Motwani & Winograd 1999).

    Targets vote for their sources by weight, whoever is reached by nobody votes for all alike; the damping
    factor is 0.85. The result has one value for each number of a customer, 0 for those not in *customers*.
    """
    present = np.zeros(ties.size, dtype=bool)
    present[customers] = True
    number = max(customers.size, 1)
    in_strength = ties.weights.T @ np.ones(ties.size)
    vote_share = np.divide(1.0, in_strength, out=np.zeros(ties.size), where=in_strength > 0)
    rank = present / number
    for _ in range(MAX_ITERATIONS):
        votes = DAMPING * (ties.weights @ (rank * vote_share))
        updated = votes + present * ((1 - votes.sum()) / number)
        change, rank = np.abs(updated - rank).sum(), updated
        if change < TOLERANCE:
            break
    return rank * number


def core_number(ties: Ties) -> Ints:
    """By customer, the largest k such that they belong to customers who all have k live ties to each other.

    A tie counts once in each direction (Seidman 1983). Customers are removed from the lowest degree up, as by
    Batagelj & Zaveršnik (2003), but all those of the lowest degree at once.
    """
    live = ties.weight >= MIN_LIVE_WEIGHT * UNIT
    one_way = csr_of_pairs(
        ties.source[live], ties.target[live], np.ones(np.count_nonzero(live), bool), ties.size
    )
    either_way = one_way + one_way.T
    begin, neighbour = either_way.indptr.astype(np.int64), either_way.indices
    core, degree, remains = np.zeros(ties.size, np.int64), np.diff(begin), np.ones(ties.size, bool)
    k = 0
    while remains.any():
        k = max(k, int(degree[remains].min()))
        removed = np.flatnonzero(remains & (degree <= k))
        while removed.size:
            core[removed], remains[removed] = k, False
            affected = neighbour[expand(begin[removed], begin[removed + 1])[1]]
            affected = affected[remains[affected]]
            np.subtract.at(degree, affected, 1)
            removed = np.unique(affected[degree[affected] <= k])
    return core
