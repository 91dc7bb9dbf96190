import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ripple.training.experiments.units import audience, community_units, ego_units, overlap, unit_totals


def graph(size: int, *ties: tuple[int, int, float]) -> sp.csr_matrix:
    source, target, weight = zip(*ties, strict=True)
    return sp.csr_matrix((weight, (source, target)), shape=(size, size))


TWO_GROUPS = graph(
    9, (0, 4, 1.0), (1, 4, 3.0), (1, 5, 1.0), (2, 6, 1.0), (3, 6, 1.0), (3, 7, 1.0), (0, 1, 1.0), (3, 8, 2.0)
)
CANDIDATES = np.arange(4)


def test_each_member_of_an_audience_belongs_to_the_candidate_with_the_strongest_tie():
    reached = audience(TWO_GROUPS, CANDIDATES)
    assert reached.member.tolist() == [4, 5, 6, 7, 8]  # 1 is reached by 0, and a candidate
    assert reached.owner.tolist() == [1, 1, 2, 3, 3]


def test_candidates_with_a_common_audience_form_a_unit():
    assert ego_units(TWO_GROUPS, CANDIDATES, most=4).tolist() == [0, 0, 1, 1]
    assert ego_units(TWO_GROUPS, CANDIDATES, most=1).tolist() == [0, 1, 2, 3]


def test_the_closest_are_joined_first():
    # 1 shares one of two contacts with 0, and all of them with 2
    ties = graph(6, (0, 3, 1.0), (1, 3, 1.0), (1, 4, 5.0), (2, 4, 5.0), (1, 5, 5.0), (2, 5, 5.0))
    assert ego_units(ties, np.arange(3), most=2).tolist() == [0, 1, 1]


def overlap_of(ties, candidates, group):
    return overlap(ties, candidates, audience(ties, candidates), group)


def test_overlap_is_the_share_of_ties_from_another_group():
    assert overlap_of(TWO_GROUPS, CANDIDATES, np.array([0, 0, 1, 1])) == 0
    # 4 has a quarter of its ties from 0, 6 half of its from 3, and 5, 7 and 8 have one tie each
    assert overlap_of(TWO_GROUPS, CANDIDATES, CANDIDATES) == pytest.approx((0.25 + 0.5) / 5)
    assert overlap_of(graph(3, (0, 1, 1.0)), np.array([2]), np.array([0])) == 0


def test_communities_are_units():
    cliques = [(i, j, 1.0) for group in (range(6), range(6, 12)) for i in group for j in group if i != j]
    ties = graph(12, *cliques, (0, 6, 0.1))
    assert community_units(ties, np.array([1, 7, 2, 8]), seed=7).tolist() == [0, 1, 0, 1]


@given(
    arrays.arrays(np.int64, (12, 12), elements=st.integers(0, 3)),
    st.integers(1, 12),
    st.integers(1, 5),
)
def test_units_hold_no_more_than_allowed_and_overlap_less_than_single_customers(weights, number, most):
    np.fill_diagonal(weights, 0)
    ties, candidates = sp.csr_matrix(weights.astype(float)), np.arange(number)
    unit = ego_units(ties, candidates, most)
    assert unit_totals(unit, np.ones(number)).max() <= most
    assert unit_totals(unit, np.ones(number)).min() >= 1
    assert 0 <= overlap_of(ties, candidates, unit) <= overlap_of(ties, candidates, candidates) < 1
