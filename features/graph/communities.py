"""Communities of a graph by modularity (parallel Louvain with refinement, Staudt & Meyerhenke 2016)."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from ripple.arrays import Ints


def louvain(weights: sp.csr_matrix, seed: int, resolution: float = 1.0) -> Ints:
    """The number of the community of each node of an undirected graph.

    Args:
        weights: positive weights of edges, above the diagonal.
        seed: of the order in which nodes are visited.
        resolution: the higher, the smaller communities are.
    """
    import networkit as nk  # slow to import

    upper = weights.tocoo()
    nk.setNumberOfThreads(1)
    nk.setSeed(seed, False)
    graph = nk.GraphFromCoo(
        (upper.data.astype(np.float64), (upper.row.astype(np.int64), upper.col.astype(np.int64))),
        n=weights.shape[0],
        weighted=True,
        directed=False,
    )
    communities = nk.community.PLM(graph, refine=True, gamma=resolution)
    communities.run()
    return np.array(communities.getPartition().getVector(), dtype=np.int64)
