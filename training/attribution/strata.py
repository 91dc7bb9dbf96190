"""Who is alike: communities of the interaction graph as it stood before the window.

Members of a community buy alike without anybody's influence, so an adopter is compared with other members
(McFowland & Shalizi 2016). Communities are found by modularity (parallel Louvain with refinement, Staudt &
Meyerhenke 2016). Its resolution grows with the number of customers: at a fixed one, modularity merges
communities that are small beside the whole (Fortunato & Barthélemy 2007).
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import scipy.sparse as sp

from ripple.arrays import Bools, Floats, Ints
from ripple.training.attribution.adoptions import Events

CUSTOMERS_PER_RESOLUTION = 1000
SMALLEST = 5
"""A community of fewer members is none."""


def strata(contacts: ir.Table, events: Events, seed: int) -> Ints:
    """The stratum of each customer, counted from 0; those whom no contact places share the last one.

    Whoever had no community yet when the window began, newcomers above all, goes where most of their
    contacts are, as far as these came before their first adoption in the window.
    """
    before = contacts.filter(contacts.day < 0)
    community = _communities(_symmetric(before, events.customers), seed)
    placed = community >= 0
    cutoff = np.full(events.customers, events.days)
    cases = events.cases
    np.minimum.at(cutoff, events.adoptions.customer[cases], events.adoptions.at[cases])
    touched = _contacts_of(contacts, ~placed, cutoff)
    number = community.max(initial=-1) + 1
    if number and touched.nnz:
        member = np.flatnonzero(placed)
        belongs = sp.csr_matrix(
            (np.ones(member.size), (member, community[member])), shape=(events.customers, number)
        )
        votes = (touched @ belongs).tocsr()
        voters = np.flatnonzero(np.diff(votes.indptr))
        community[voters] = np.asarray(votes[voters].argmax(axis=1)).ravel()
    return np.where(community >= 0, community, number)


def _communities(weights: sp.csr_matrix, seed: int) -> Ints:
    """Community of each node of a graph given above the diagonal, −1 for members of tiny ones."""
    import networkit as nk  # slow to import

    nodes = weights.shape[0]
    upper = weights.tocoo()
    nk.setNumberOfThreads(1)
    nk.setSeed(seed, False)
    graph = nk.GraphFromCoo(
        (upper.data, (upper.row.astype(np.int64), upper.col.astype(np.int64))),
        n=nodes,
        weighted=True,
        directed=False,
    )
    search = nk.community.PLM(graph, refine=True, gamma=max(1.0, nodes / CUSTOMERS_PER_RESOLUTION))
    search.run()
    _, found, size = np.unique(
        np.array(search.getPartition().getVector(), dtype=np.int64), return_inverse=True, return_counts=True
    )
    large = size >= SMALLEST
    return np.where(large, np.cumsum(large) - 1, -1)[found]


def _contacts_of(contacts: ir.Table, who: Bools, cutoff: Floats) -> sp.csr_matrix:
    """log1p of how often each of *who* (rows) met anybody else (columns) before their *cutoff*."""
    customers = ibis.memtable(pd.DataFrame({"number": np.arange(who.size), "cutoff": cutoff, "asked": who}))
    ways = contacts.select(own="source", other="target", day="day").union(
        contacts.select(own="target", other="source", day="day")
    )
    met = ways.join(customers.filter(customers.asked), ways.own == customers.number)
    met = met.filter(met.day < met.cutoff).select("own", "other")
    met = met.join(customers.filter(~customers.asked).select(other="number"), "other")
    return _matrix(met.group_by("own", "other").aggregate(times=met.count()), who.size)


def _symmetric(contacts: ir.Table, nodes: int) -> sp.csr_matrix:
    """log1p of the number of contacts of each pair, in either direction, above the diagonal."""
    low, high = ibis.least(contacts.source, contacts.target), ibis.greatest(contacts.source, contacts.target)
    pairs = contacts.group_by(own=low, other=high).aggregate(times=contacts.count())
    return _matrix(pairs, nodes)


def _matrix(pairs: ir.Table, nodes: int) -> sp.csr_matrix:
    rows = pairs.to_pyarrow()
    times = np.log1p(rows["times"].to_numpy().astype(np.float64))
    return sp.csr_matrix((times, (rows["own"].to_numpy(), rows["other"].to_numpy())), shape=(nodes, nodes))
