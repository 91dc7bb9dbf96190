"""Communities of graphs in which they are known."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from ripple.features.graph.communities import louvain


def _cliques(number: int, size: int) -> sp.csr_matrix:
    """Cliques in a ring, each with a weak edge to the next."""
    weights = np.zeros((number * size, number * size))
    for first in range(0, number * size, size):
        weights[first : first + size, first : first + size] = 1.0
        weights[first, first - size] = weights[first - size, first] = 0.1
    return sp.csr_matrix(np.triu(weights, k=1))


def test_cliques_are_communities() -> None:
    community = louvain(_cliques(4, 6), seed=7)
    assert len(np.unique(community)) == 4
    assert all(len(set(community[first : first + 6])) == 1 for first in range(0, 24, 6))


def test_a_higher_resolution_makes_smaller_communities() -> None:
    graph = _cliques(30, 3)
    few, many = (len(np.unique(louvain(graph, 7, resolution))) for resolution in (0.1, 3.0))
    assert few < many == 30


def test_nodes_without_edges_are_alone() -> None:
    assert len(np.unique(louvain(sp.csr_matrix((3, 3)), seed=7))) == 3
