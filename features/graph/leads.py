"""The order of purchases among customers in touch: those that led, that followed, and that are still open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import scipy.sparse as sp

from ripple.arrays import Bools, Floats, Ints, expand
from ripple.features.graph.contacts import Purchases
from ripple.features.graph.sparse import counts, is_run_start, one_based_indices
from ripple.features.graph.ties import Ties

CHUNK_PAIRS = 1_000_000
"""The number of pairs of a purchase and a contact that are compared at a time."""
MAX_LOOKUP_CELLS = 10_000_000
"""The size of the table of products and customers in which days of purchases are looked up."""
NEVER = np.int32(2**31 - 1)


def lead_columns(
    ties: Ties, purchases: Purchases, last_day: int, windows: Sequence[int]
) -> dict[str, Floats]:
    """By window of *windows* days up to *last_day*, three columns of counts, one value per customer.

    A customer leads a first purchase of another one by having been in touch with them, and having bought the
    product, before. ``led`` counts the purchases of others that the customer led, ``made`` the customer's own
    first purchases, and ``followed`` those of them that somebody led.
    """
    size = ties.size
    recent = np.flatnonzero(purchases.day > last_day - max(windows))
    buyer, day, product = (
        column[recent] for column in (purchases.customer, purchases.day, purchases.product)
    )
    followed = np.zeros(recent.size, dtype=bool)
    led = {window: np.zeros(size) for window in windows}
    incoming = ties.matrix(one_based_indices(ties.source.size)).tocsc()
    begin = incoming.indptr.astype(np.int64)
    products_per_lookup = max(min(MAX_LOOKUP_CELLS // size, 1 + product.max(initial=0)), 1)
    # by product, of a few at a time, and customer: the day of the first purchase
    bought = np.full(products_per_lookup * size, NEVER)
    for chunk in _chunks(begin[buyer + 1] - begin[buyer], product // products_per_lookup):
        base = product[chunk.start] // products_per_lookup * products_per_lookup
        looked_up = slice(*np.searchsorted(purchases.product, (base, base + products_per_lookup)))
        cells = (purchases.product[looked_up] - base) * size + purchases.customer[looked_up]
        bought[cells] = purchases.day[looked_up]
        purchase, entry = expand(begin[buyer[chunk]], begin[buyer[chunk] + 1])
        purchase += chunk.start
        source = incoming.indices[entry]
        earlier = np.flatnonzero(bought[(product[purchase] - base) * size + source] < day[purchase])
        bought[cells] = NEVER
        leads = earlier[ties.first[incoming.data[entry[earlier]] - 1] <= day[purchase[earlier]]]
        purchase, source = purchase[leads], source[leads]
        followed[purchase] = True
        for window in windows:
            led[window] += np.bincount(source[day[purchase] > last_day - window], minlength=size)
    columns: dict[str, Floats] = {}
    for window in windows:
        in_window = day > last_day - window
        columns |= {
            f"led_{window}d": led[window],
            f"made_{window}d": counts(buyer[in_window], size),
            f"followed_{window}d": counts(buyer[in_window & followed], size),
        }
    return columns


def open_columns(
    ties: Ties, purchases: Purchases, last_day: int, windows: Sequence[int]
) -> dict[str, Floats]:
    """Counts of purchases that are open: somebody has made them, and a customer whom they reach has not yet.

    One value per customer: ``to_lead`` counts those that the customer has made, once for every customer they
    reach who lacks the product, and ``to_follow`` those made by customers who reach them, of products that
    they lack. With ``_{window}d``, only purchases of the last *window* days up to *last_day* count.
    """
    made = {"": _products(purchases, np.ones(purchases.day.size, dtype=bool), ties.size)} | {
        f"_{window}d": _products(purchases, purchases.day > last_day - window, ties.size)
        for window in windows
    }
    links = ties.matrix(np.ones(ties.source.size))
    sources = links.T.tocsr()
    reached_have = _in_common(links, list(made.values()), made[""])
    columns: dict[str, Floats] = {}
    for (suffix, chosen), common in zip(made.items(), reached_have, strict=True):
        number = np.diff(chosen.indptr).astype(np.float64)
        columns[f"to_lead{suffix}"] = np.diff(links.indptr) * number - common
        columns[f"to_follow{suffix}"] = sources @ number - _in_common(sources, [made[""]], chosen)[0]
    return columns


def _products(purchases: Purchases, chosen: Bools, size: int) -> sp.csr_matrix:
    """The *chosen* purchases as ones; customers are rows, products columns."""
    cells = purchases.customer[chosen], purchases.product[chosen]
    shape = size, 1 + purchases.product.max(initial=0)
    return sp.csr_matrix((np.ones(cells[0].size), cells), shape=shape)


def _in_common(links: sp.csr_matrix, own: Sequence[sp.csr_matrix], others: sp.csr_matrix) -> Floats:
    """For each of *own* (first axis) and row, its products that those linked to have among the *others*.

    Of several who have a product, each counts.
    """
    common = np.zeros((len(own), links.shape[0]))
    for rows in _chunks(np.diff(links.indptr), np.zeros(links.shape[0], dtype=np.int64)):
        of_linked = links[rows] @ others
        for each, products in zip(common, own, strict=True):
            each[rows] = np.asarray(products[rows].multiply(of_linked).sum(axis=1)).ravel()
    return common


def _chunks(pairs: Ints, group: Ints) -> Iterator[slice]:
    """Slices of one *group* each, in which *pairs* adds up to about `CHUNK_PAIRS`."""
    edges = np.flatnonzero(is_run_start(np.cumsum(pairs) // CHUNK_PAIRS) | is_run_start(group))
    for begin, end in pairwise([*edges, pairs.size]):
        yield slice(int(begin), int(end))
