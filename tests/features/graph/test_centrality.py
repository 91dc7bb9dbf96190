import numpy as np
import pytest

from ripple.features.graph.centrality import MIN_LIVE_WEIGHT, core_number, pagerank
from tests.support.oracles.graphs import ties_of


def test_in_a_ring_everybody_is_average():
    ties = ties_of([(0, 1, 1.0), (1, 2, 3.0), (2, 0, 2.0)], 3)
    assert pagerank(ties, np.arange(3)) == pytest.approx([1.0, 1.0, 1.0])


def test_targets_vote_for_their_sources():
    """0 reaches 1 and 2, whom nobody else reaches: with r the rank of 0, and s that of the others.

    All of the ranks of 1 and 2 goes to 0, and that of 0, whom nobody reaches, to all alike.
    """
    ranks = pagerank(ties_of([(0, 1, 1.0), (0, 2, 1.0)], 3), np.arange(3))
    # 1 and 2 get only what all get: a = 0.15 + 0.85 r / 3, and r = a + 0.85 · 2 a
    all_get = 0.15 / (1 - 0.85 * 2.7 / 3)
    assert ranks == pytest.approx([2.7 * all_get, all_get, all_get], rel=1e-7)
    assert ranks.sum() == pytest.approx(3)


def test_customers_who_are_not_there_have_no_rank():
    ranks = pagerank(ties_of([(0, 1, 1.0), (1, 0, 1.0)], 4), np.array([0, 1]))
    assert ranks == pytest.approx([1.0, 1.0, 0.0, 0.0])


def test_a_clique_of_four_with_a_tail_has_cores_three_and_one():
    clique = [(source, target, 1.0) for source in range(4) for target in range(source + 1, 4)]
    edges = sorted([*clique, (3, 4, 1.0), (4, 5, 1.0)])
    assert core_number(ties_of(edges, 7)).tolist() == [3, 3, 3, 3, 1, 1, 0]


def test_a_tie_both_ways_counts_once_and_one_that_is_over_does_not():
    over = MIN_LIVE_WEIGHT - 0.001
    edges = [(0, 1, 1.0), (1, 0, 1.0), (1, 2, MIN_LIVE_WEIGHT), (2, 3, over)]
    assert core_number(ties_of(edges, 4)).tolist() == [1, 1, 1, 0]
