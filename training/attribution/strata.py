"""Strata of customers who are alike: communities of the interaction graph as it stood before the window.

Members of a community buy alike without anybody's influence, so an adopter is compared with other members
(McFowland & Shalizi 2016). The resolution grows with the number of customers: at a fixed one, modularity
merges communities that are small against the whole (Fortunato & Barthélemy 2007).
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import scipy.sparse as sp

from ripple.arrays import Bools, Floats, Ints
from ripple.features.graph.communities import louvain
from ripple.training.attribution.adoptions import AdoptionHistory

CUSTOMERS_PER_RESOLUTION = 1000
"""The number of customers by which the resolution of modularity grows by 1; it is never below 1."""
MIN_COMMUNITY_SIZE = 5
"""The number of members from which a community is a stratum."""


def assign_strata(contacts: ir.Table, history: AdoptionHistory, seed: int) -> Ints:
    """The stratum of each customer, counted from 0; those whom no contact assigns share the last one.

    Whoever had no community yet when the window began, newcomers above all, goes where most of their contacts
    are, as far as these came before their first adoption among the cases.
    """
    before_window = contacts.filter(contacts.day < 0)
    community = _communities(_pair_weights(before_window, history.customer_count), seed)
    has_community = community >= 0
    cutoff = np.full(history.customer_count, history.window_length)
    cases = history.cases
    np.minimum.at(cutoff, history.adoptions.customer[cases], history.adoptions.day[cases])
    weights = _contact_weights(contacts, ~has_community, cutoff)
    communities = community.max(initial=-1) + 1
    if communities and weights.nnz:
        member = np.flatnonzero(has_community)
        membership = sp.csr_matrix(
            (np.ones(member.size), (member, community[member])), shape=(history.customer_count, communities)
        )
        votes = (weights @ membership).tocsr()
        voters = np.flatnonzero(np.diff(votes.indptr))
        community[voters] = np.asarray(votes[voters].argmax(axis=1)).ravel()
    return np.where(community >= 0, community, communities)


def _communities(weights: sp.csr_matrix, seed: int) -> Ints:
    """Community of each node of a graph given above the diagonal; −1 for members of small communities."""
    resolution = max(1.0, weights.shape[0] / CUSTOMERS_PER_RESOLUTION)
    _, community, size = np.unique(
        louvain(weights, seed, resolution), return_inverse=True, return_counts=True
    )
    large = size >= MIN_COMMUNITY_SIZE
    return np.where(large, np.cumsum(large) - 1, -1)[community]


def _contact_weights(contacts: ir.Table, selected: Bools, cutoff: Floats) -> sp.csr_matrix:
    """log1p of each *selected* customer's (row) contacts with others (column) before their *cutoff*."""
    customers = ibis.memtable(
        pd.DataFrame({"number": np.arange(selected.size), "cutoff": cutoff, "selected": selected})
    )
    both_ways = contacts.select(customer="source", other="target", day="day").union(
        contacts.select(customer="target", other="source", day="day")
    )
    met = both_ways.join(customers.filter(customers.selected), both_ways.customer == customers.number)
    met = met.filter(met.day < met.cutoff).select("customer", "other")
    met = met.join(customers.filter(~customers.selected).select(other="number"), "other")
    return _log_counts(met.group_by("customer", "other").aggregate(times=met.count()), selected.size)


def _pair_weights(contacts: ir.Table, nodes: int) -> sp.csr_matrix:
    """log1p of the number of contacts of each pair, in either direction, above the diagonal."""
    low, high = ibis.least(contacts.source, contacts.target), ibis.greatest(contacts.source, contacts.target)
    pairs = contacts.group_by(customer=low, other=high).aggregate(times=contacts.count())
    return _log_counts(pairs, nodes)


def _log_counts(pairs: ir.Table, nodes: int) -> sp.csr_matrix:
    rows = pairs.to_pyarrow()
    weight = np.log1p(rows["times"].to_numpy().astype(np.float64))
    return sp.csr_matrix(
        (weight, (rows["customer"].to_numpy(), rows["other"].to_numpy())), shape=(nodes, nodes)
    )
