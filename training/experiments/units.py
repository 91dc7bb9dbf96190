"""Units of randomisation: customers who share an audience get one arm together.

A customer who is treated may change what others do. Where these are reached by customers of the other arm
too, the difference between the arms is no longer the effect of the treatment (interference). So customers
with a common audience form a unit (ego-cluster randomisation, Saint-Jacques, Varshney, Simpson & Xu 2019;
graph cluster randomisation, Ugander, Karrer, Backstrom & Kleinberg 2013), and what overlap remains is
measured.

Ties are a sparse matrix with sources as rows, targets as columns and positive weights, and no customer has a
tie to itself; customers are numbered by its rows. Candidates are the numbers of those who may be treated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy.sparse as sp

from ripple.arrays import Bools, Floats, Ints
from ripple.features.graph.communities import louvain

MAX_PAIRS = 2_000_000
"""The number of pairs of candidates with a common audience that are looked at, the closest first."""


@dataclass(frozen=True)
class Audience:
    """The customers whom candidates reach, each of them once.

    Attributes:
        member: the numbers of the customers, ascending; none is a candidate.
        owner: by member, the position of the candidate with the strongest tie to them.
    """

    member: Ints
    owner: Ints


def audience(ties: sp.csr_matrix, candidates: Ints) -> Audience:
    """Whom *candidates* reach: who has equally strong ties from several belongs to the first of them."""
    reached = sp.csc_matrix(ties[candidates])
    reached.sort_indices()  # candidates ascend within a member, so that the first of equals is found first
    is_candidate = np.zeros(ties.shape[1], dtype=bool)
    is_candidate[candidates] = True
    member = np.flatnonzero((np.diff(reached.indptr) > 0) & ~is_candidate)
    owner = np.asarray(reached[:, member].argmax(axis=0), dtype=np.int64).ravel()
    return Audience(member, owner)


def ego_units(ties: sp.csr_matrix, candidates: Ints, most: int) -> Ints:
    """The unit of each candidate: those with a common audience are together, at most *most* of them.

    Two candidates are the closer, the likelier two contacts of a customer, drawn by weight, come one from
    each of them, summed over all customers. Candidates reach each other too. The closest are joined first, as
    in single-linkage clustering.

    Returns:
        Numbers from 0, in the order in which units first occur.
    """
    closeness = sp.triu(_shared(ties, candidates), k=1).tocoo()
    order = np.lexsort((closeness.col, closeness.row, -closeness.data))[:MAX_PAIRS]
    root, size = np.arange(candidates.size), np.ones(candidates.size, dtype=np.int64)

    def find(position: int) -> int:
        while root[position] != position:
            root[position] = root[root[position]]
            position = int(root[position])
        return position

    for one, other in zip(closeness.row[order].tolist(), closeness.col[order].tolist(), strict=True):
        first, second = sorted((find(one), find(other)))
        if first != second and size[first] + size[second] <= most:
            root[second] = first
            size[first] += size[second]
    return _numbered(np.array([find(position) for position in range(candidates.size)], dtype=np.int64))


def community_units(ties: sp.csr_matrix, candidates: Ints, seed: int) -> Ints:
    """The unit of each candidate: their community in the graph of ties (Louvain).

    Returns:
        Numbers from 0, in the order in which units first occur.
    """
    return _numbered(louvain(sp.triu(ties + ties.T, k=1).tocsr(), seed)[candidates])


def foreign_shares(ties: sp.csr_matrix, candidates: Ints, members: Audience, group: Ints | Bools) -> Floats:
    """The share of each member's ties, by weight, that come from another group than that of their owner.

    Args:
        ties: see the module.
        candidates: the candidates.
        members: their audience.
        group: by candidate, the unit, which gives the overlap between units, or the arm, which gives the
            contamination between arms.

    Returns:
        By member of the audience.
    """
    reached = sp.csc_matrix(ties[candidates])[:, members.member].tocoo()
    foreign = group[reached.row] != group[members.owner[reached.col]]
    total, other = (
        np.bincount(reached.col, weights=weight, minlength=members.member.size)
        for weight in (reached.data.astype(np.float64), reached.data * foreign)
    )
    return other / total


def overlap(ties: sp.csr_matrix, candidates: Ints, members: Audience, group: Ints | Bools) -> float:
    """The mean of `foreign_shares`; 0 where nobody is reached."""
    return float(np.mean(foreign_shares(ties, candidates, members, group))) if members.member.size else 0.0


def unit_totals(unit: Ints, value: Floats | Ints | Bools) -> Floats:
    """The sum of *value* over the candidates of each unit."""
    return np.bincount(unit, weights=value, minlength=int(unit.max(initial=-1)) + 1).astype(np.float64)


def _shared(ties: sp.csr_matrix, candidates: Ints) -> sp.csr_matrix:
    """By pair of candidates, the sum of the products of their shares of each customer's ties from candidates.

    A candidate counts as reached by themselves with a share of 1.
    """
    reached = sp.csc_matrix(ties[candidates], dtype=np.float64)
    weight = np.asarray(reached.sum(axis=0)).ravel()
    share = reached @ sp.diags_array(np.divide(1.0, weight, out=np.zeros(weight.size), where=weight > 0))
    own = sp.csc_matrix(
        (np.ones(candidates.size), (np.arange(candidates.size), candidates)), shape=reached.shape
    )
    share = share + own
    return (share @ share.T).tocsr()


def _numbered(label: Ints) -> Ints:
    """*label* by numbers from 0, in the order in which labels first occur."""
    return pd.factorize(label)[0].astype(np.int64)
