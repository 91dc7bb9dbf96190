"""The graph of contacts at a cutoff, as arrays: what a customer's neighbours are, have and do.

An edge leads from source to target; its weight is that of all their interactions, referrals apart, each
decayed by its age. Weights are whole millionths, so that sums do not depend on the order of customers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import ibis.expr.types as ir
import networkit as nk
import numpy as np
import pyarrow as pa
import scipy.sparse as sp

from arrays import Bools, Floats, Ints, expand, sums
from settings import Power

UNIT = 1_000_000
DAMPING = 0.85
TOLERANCE = 1e-8
MOST_ROUNDS = 200
DIGITS = 9
"""Significant digits of what is computed in floating point."""
LIVE = 0.25
"""A tie of a smaller weight is over: its one contact is more than two half-lives ago."""
AT_ONCE = 10_000_000
"""Pairs of a purchase and a contact that are looked at together."""


@dataclass(frozen=True)
class Contacts:
    """Interactions of a day, ordered by source, then target."""

    source: Ints
    target: Ints
    day: Ints
    known: Ints
    kind: Ints
    kinds: list[str]
    weight: Floats

    @classmethod
    def read(cls, contact_days: ir.Table) -> Contacts:
        """All rows of the daily table."""
        rows = contact_days.select(
            "customer", "target", "day", "known", "kind", weight=contact_days.weight.cast("float64")
        ).to_pyarrow()
        kind = rows["kind"].combine_chunks().dictionary_encode()
        source, target = rows["customer"].to_numpy(), rows["target"].to_numpy()
        order = np.argsort(source.astype(np.int64) << 32 | target, kind="stable")
        return cls(
            source[order],
            target[order],
            rows["day"].to_numpy()[order],
            rows["known"].to_numpy()[order],
            kind.indices.to_numpy()[order],
            kind.dictionary.to_pylist(),
            rows["weight"].to_numpy()[order],
        )


@dataclass(frozen=True)
class Purchases:
    """First purchases of a product, ordered by product, then customer."""

    customer: Ints
    product: Ints
    day: Ints

    @classmethod
    def read(cls, first_purchases: ir.Table) -> Purchases:
        """First purchases as known; *first_purchases* may hold several days of a pair."""
        first = first_purchases.group_by("customer", "product").aggregate(day=first_purchases.day.min())
        rows = first.to_pyarrow()
        product = rows["product"].combine_chunks().dictionary_encode().indices.to_numpy()
        customer, day = rows["customer"].to_numpy(), rows["day"].to_numpy()
        order = np.lexsort((customer, product))
        return cls(customer[order].astype(np.int64), product[order].astype(np.int64), day[order])


@dataclass(frozen=True)
class Ties:
    """Ordered pairs of customers in contact, ordered by source, then target."""

    size: int
    """Number of customers there can be."""
    source: Ints
    target: Ints
    weight: Ints
    """Decayed, in millionths."""
    first: Ints
    """Day of the first contact."""
    by_power: Mapping[str, tuple[Bools, Ints]]
    """Whether a contact of this power was among them, and the weight of those."""

    @classmethod
    def of(
        cls, contacts: Contacts, alive: Bools, last: int, half_life_days: float, powers: Mapping[str, Power]
    ) -> Ties:
        """Ties among the customers who are *alive*, by number, from the contacts known on day *last*."""
        seen = (contacts.known <= last) & alive[contacts.source] & alive[contacts.target]
        source, target = contacts.source[seen], contacts.target[seen]
        begins = np.append(True, (np.diff(source) != 0) | (np.diff(target) != 0))[: source.size]
        start = np.flatnonzero(begins)
        # below 2^−50 it is zero for all purposes
        age = np.minimum((last + 1 - contacts.day[seen]) / half_life_days, 50.0)
        weight = np.rint(contacts.weight[seen] * np.exp2(-age) * UNIT).astype(np.int64)
        by_power: dict[str, tuple[Bools, Ints]] = {}
        for power in sorted(set(powers.values())):
            shows = np.array([powers.get(kind) == power for kind in contacts.kinds], dtype=bool)
            own = shows[contacts.kind[seen]]
            by_power[power] = (_over(np.logical_or, own, start), _over(np.add, weight * own, start))
        return cls(
            alive.size,
            source[start].astype(np.int64),
            target[start].astype(np.int64),
            _over(np.add, weight, start),
            _over(np.minimum, contacts.day[seen], start),
            by_power,
        )

    def matrix(self, value: np.ndarray) -> sp.csr_matrix:
        """*value* of each tie; sources are rows, targets columns."""
        begin = np.zeros(self.size + 1, dtype=np.int64)
        np.cumsum(np.bincount(self.source, minlength=self.size), out=begin[1:])
        return sp.csr_matrix((value, self.target, begin), shape=(self.size, self.size))

    def mutual(self) -> Bools:
        """Whether the target reaches the source too."""
        own = self.matrix(np.arange(1, self.source.size + 1))
        back = own.T.tocsr()
        back.data[:] = 1
        flags = np.zeros(self.source.size, dtype=bool)
        flags[own.multiply(back).tocsr().data - 1] = True
        return flags


def features(
    ties: Ties,
    alive: Ints,
    spent: Floats,
    active: Bools,
    purchases: Purchases,
    last: int,
    windows: Sequence[int],
) -> pa.Table:
    """One row per customer of *alive*, with what the features of the graph are made of.

    Args:
        ties: as of the cutoff.
        alive: numbers of the customers who had joined.
        spent: what each customer has spent; first axis as numbered, like the others.
        active: whether each did anything lately.
        purchases: first purchases as known at the cutoff.
        last: the last day before the cutoff.
        windows: lengths, in days up to the cutoff, of the windows of `led` and `followed`.
    """
    source, target, size = ties.source, ties.target, ties.size
    mutual = ties.mutual()
    degree, strength = _count(source, size), sums(source, ties.weight, size)
    received = sums(target, ties.weight, size)
    bought = _count(purchases.customer, size)
    lacking = np.maximum(bought[source] - bought[target], 0)
    columns = {
        "out_degree": degree,
        "out_strength": strength / UNIT,
        "in_degree": _count(target, size),
        "in_strength": received / UNIT,
        "mutual": _count(source[mutual], size),
        "second_hand": sums(source, degree[target], size) - _count(source[mutual], size),
        "pagerank": _rounded(pagerank(ties, alive)),
        "core": core_number(ties).astype(np.float64),
        "spent_by_targets": _rounded(_mean(sums(source, spent[target], size), degree)),
        "products_of_targets": _rounded(_mean(sums(source, ties.weight * bought[target], size), strength)),
        "lacking_in_targets": _mean(sums(source, lacking, size), degree),
        "active_targets": _mean(_count(source[active[target]], size), degree),
    }
    for power, (shown, weight) in ties.by_power.items():
        columns |= {
            f"{power}_reach": _count(source[shown], size),
            f"{power}_strength": sums(source, weight, size) / UNIT,
            f"{power}_mutual": _count(source[shown & mutual], size),
        }
    columns |= _leads(ties, purchases, last, windows)
    return pa.table(
        {"customer": pa.array(alive, pa.int32())}
        | {name: pa.array(value[alive], from_pandas=True) for name, value in columns.items()}
    )


def pagerank(ties: Ties, alive: Ints) -> Floats:
    """PageRank times the number of customers, so that 1 is average; targets vote for their sources by weight.

    Damping is .85; whoever is reached by nobody votes for all alike (Page, Brin, Motwani & Winograd 1999).
    """
    present = np.zeros(ties.size, dtype=bool)
    present[alive] = True
    number = max(alive.size, 1)
    votes = ties.matrix(ties.weight.astype(np.float64))
    cast = sums(ties.target, ties.weight, ties.size)
    share = np.divide(1.0, cast, out=np.zeros(ties.size), where=cast > 0)
    rank = present / number
    for _ in range(MOST_ROUNDS):
        passed = DAMPING * (votes @ (rank * share))
        found = passed + present * ((1 - passed.sum()) / number)
        moved, rank = np.abs(found - rank).sum(), found
        if moved < TOLERANCE:
            break
    return rank * number


def core_number(ties: Ties) -> Ints:
    """Largest k such that the customer is among customers who all have k live ties among themselves.

    Ties count either way (Seidman 1983); by the algorithm of Batagelj & Zaveršnik (2003).
    """
    live = ties.weight >= LIVE * UNIT
    low = np.minimum(ties.source[live], ties.target[live])
    high = np.maximum(ties.source[live], ties.target[live])
    both = sp.coo_matrix((np.ones(low.size, dtype=np.int8), (low, high)), shape=(ties.size, ties.size))
    edges = both.tocsr().tocoo()
    nk.setNumberOfThreads(1)
    graph = nk.GraphFromCoo((edges.row.astype(np.int64), edges.col.astype(np.int64)), n=ties.size)
    return np.asarray(nk.centrality.CoreDecomposition(graph).run().scores(), dtype=np.int64)


def _leads(ties: Ties, purchases: Purchases, last: int, windows: Sequence[int]) -> dict[str, Floats]:
    """By window of recent first purchases: how many of others each customer led, by having been in touch and
    bought the product before; how many each made, and how many of these somebody led."""
    size, keys = ties.size, purchases.product * ties.size + purchases.customer
    recent = np.flatnonzero(purchases.day > last - max(windows))
    made_by, day = purchases.customer[recent], purchases.day[recent]
    followed = np.zeros(recent.size, dtype=bool)
    led = {window: np.zeros(size) for window in windows}
    into = ties.matrix(np.arange(ties.source.size)).tocsc()
    number = into.indptr[made_by + 1] - into.indptr[made_by]
    for part in _chunks(number):
        which, place = expand(into.indptr[made_by[part]], into.indptr[made_by[part] + 1])
        which += part.start
        source, tie = into.indices[place], into.data[place]
        wanted = purchases.product[recent[which]] * size + source
        found = np.minimum(np.searchsorted(keys, wanted), keys.size - 1)
        leads = (
            (keys[found] == wanted) & (purchases.day[found] < day[which]) & (ties.first[tie] <= day[which])
        )
        which, source = which[leads], source[leads]
        followed[which] = True
        for window in windows:
            led[window] += np.bincount(source[day[which] > last - window], minlength=size)
    columns: dict[str, Floats] = {}
    for window in windows:
        late = day > last - window
        columns |= {
            f"led_{window}d": led[window],
            f"made_{window}d": _count(made_by[late], size),
            f"followed_{window}d": _count(made_by[late & followed], size),
        }
    return columns


def _chunks(number: Ints) -> Iterator[slice]:
    """Slices of *number* that each add up to about `AT_ONCE`."""
    part = np.cumsum(number) // AT_ONCE
    edges = np.flatnonzero(np.diff(part, prepend=-1))
    for begin, end in pairwise([*edges, number.size]):
        yield slice(int(begin), int(end))


def _over(ufunc: np.ufunc, value: np.ndarray, start: Ints) -> np.ndarray:
    return ufunc.reduceat(value, start) if start.size else value[:0]


def _count(member: Ints, size: int) -> Floats:
    return np.bincount(member, minlength=size).astype(np.float64)


def _mean(total: Floats, number: Floats) -> Floats:
    return np.divide(total, number, out=np.full(total.size, np.nan), where=number > 0)


def _rounded(value: Floats) -> Floats:
    """To `DIGITS` significant digits, so that the order in which customers were added up does not show."""
    given = np.isfinite(value) & (value != 0)
    scale = 10.0 ** (DIGITS - 1 - np.floor(np.log10(np.abs(np.where(given, value, 1.0)))))
    return np.where(given, np.rint(value * scale) / scale, value)
