"""The graph of contacts at a cutoff, as arrays: what a customer's neighbours are, have and do.

An edge leads from source to target; its weight is that of all their interactions, referrals apart, each
decayed by its age. Weights are whole millionths, so that sums do not depend on the order of customers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import get_args

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse as sp

from arrays import Bools, Floats, Ints, expand, sums
from features.daily import WHEN
from settings import Power

UNIT = 1_000_000
DAMPING = 0.85
TOLERANCE = 1e-8
MOST_ROUNDS = 200
DIGITS = 9
"""Significant digits of what is computed in floating point."""
LIVE = 0.25
"""A tie of a smaller weight is over: its one contact is more than two half-lives ago."""
POWERS = get_args(Power)
AT_ONCE = 10_000_000
"""Pairs of a purchase and a contact that are looked at together."""


@dataclass(frozen=True)
class Contacts:
    """Interactions of a day, ordered by pair of source and target.

    Attributes:
        source, target: of each pair.
        start: of each pair, the place of its first row.
        back: of each pair, the place of the one from target to source; −1 if there is none.
        day, known, weight: of each row.
        power: of each row, its place among `POWERS`; −1 if it shows none.
    """

    source: Ints
    target: Ints
    start: Ints
    back: Ints
    day: Ints
    known: Ints
    weight: Floats
    power: Ints

    @classmethod
    def read(cls, contact_days: ir.Table, powers: Mapping[str, Power]) -> Contacts:
        """All rows of the daily table, whose kinds show *powers*."""
        shown = [(kind, ibis.literal(POWERS.index(power), "int8")) for kind, power in powers.items()]
        none = ibis.literal(-1, "int8")
        rows = contact_days.select(
            "customer",
            "target",
            *WHEN,
            weight=contact_days.weight.cast("float64"),
            power=contact_days.kind.cases(*shown, else_=none) if shown else none,
        )
        # a column at a time, as together they are most of what is held in memory
        source, target, *rest = rows.to_pyarrow().columns
        size = 1 + int(pc.max(target).as_py() or 0)
        pair = source.to_numpy() * np.int64(size) + target.to_numpy()
        # months are in this order already, and merged faster here than by an engine
        order = np.argsort(pair, kind="stable")
        pair = pair[order]
        start = np.flatnonzero(np.diff(pair, prepend=-1))
        source, target = np.divmod(pair[start], size)
        return cls(
            source, target, start, _back(source, target), *(column.to_numpy()[order] for column in rest)
        )


@dataclass(frozen=True)
class Purchases:
    """First purchases of a product, ordered by product, then customer.

    Attributes:
        known, until: the days from which and until which each was taken for the first of its pair.
    """

    customer: Ints
    product: Ints
    day: Ints
    known: Ints
    until: Ints

    @classmethod
    def read(cls, first_purchases: ir.Table) -> Purchases:
        """All rows of the daily table, which may hold several days of a pair."""
        rows = first_purchases.to_pyarrow()
        product = rows["product"].combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64)
        customer = rows["customer"].to_numpy().astype(np.int64)
        order = np.lexsort((customer, product))
        return cls(
            customer[order],
            product[order],
            *(rows[name].to_numpy()[order] for name in ("day", "known", "until")),
        )

    def before(self, last: int) -> Purchases:
        """The first of each pair as known on day *last*."""
        seen = (self.known <= last) & (self.until > last)
        return Purchases(*(getattr(self, column.name)[seen] for column in fields(self)))


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
    back: Ints
    """Place of the tie from target to source; −1 if there is none."""
    by_power: Mapping[str, tuple[Floats, Floats, Floats]]
    """By power: of each customer, how many targets are reached by contacts that show it, the weight of these
    contacts in millionths, and how many of the targets reach the customer too."""

    @property
    def mutual(self) -> Bools:
        """Whether the target reaches the source too."""
        return self.back >= 0

    @classmethod
    def of(cls, contacts: Contacts, alive: Bools, last: int, half_life_days: float) -> Ties:
        """Ties among the customers who are *alive*, by number, from the contacts known on day *last*."""
        seen = contacts.known <= last
        age = np.where(seen, last + 1 - contacts.day, 0)
        # below 2^−50 it is zero for all purposes
        decay = np.exp2(-np.minimum(np.arange(age.max(initial=0) + 1) / half_life_days, 50.0)) * UNIT
        weight = np.where(seen, np.rint(contacts.weight * decay[age]), 0.0).astype(np.int64)
        there = _over(np.logical_or, seen, contacts.start)
        there &= alive[contacts.source] & alive[contacts.target]
        # mostly all of them, of which no copy has to be made
        ties = slice(None) if there.all() else np.flatnonzero(there)
        mutual = (contacts.back >= 0) & there[contacts.back]
        pair = np.repeat(np.arange(there.size, dtype=np.int32), np.diff(contacts.start, append=seen.size))
        seen &= there[pair]
        by_power = {}
        for place, power in enumerate(POWERS):
            rows = np.flatnonzero(seen & (contacts.power == place))
            own = pair[rows]
            shown = own[np.diff(own, prepend=-1) != 0]
            by_power[power] = (
                _count(contacts.source[shown], alive.size),
                sums(contacts.source[own], weight[rows], alive.size),
                _count(contacts.source[shown[mutual[shown]]], alive.size),
            )
        return cls(
            alive.size,
            contacts.source[ties],
            contacts.target[ties],
            _over(np.add, weight, contacts.start)[ties],
            _over(np.minimum, np.where(seen, contacts.day, last), contacts.start)[ties],
            contacts.back if isinstance(ties, slice) else _among(ties, contacts.back),
            by_power,
        )

    def matrix(self, value: np.ndarray) -> sp.csr_matrix:
        """*value* of each tie; sources are rows, targets columns."""
        return _matrix(self.source, self.target, value, self.size)


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
    mutual = ties.mutual
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
    for power, (reach, weight, back) in ties.by_power.items():
        columns |= {
            f"{power}_reach": reach,
            f"{power}_strength": weight / UNIT,
            f"{power}_mutual": back,
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
    import networkit as nk  # slow to import

    live = ties.weight >= LIVE * UNIT
    # of two live ties between the same customers, the one from the lower number
    once = live & ((ties.source < ties.target) | ~(ties.mutual & live[ties.back]))
    nk.setNumberOfThreads(1)
    edges = _matrix(ties.source[once], ties.target[once], np.ones(np.count_nonzero(once)), ties.size)
    graph = nk.graph.GraphFromCsr(edges, directed=False)
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


def _matrix(source: Ints, target: Ints, value: np.ndarray, size: int) -> sp.csr_matrix:
    """*value* of each pair, which are ordered by source, then target."""
    begin = np.zeros(size + 1, dtype=np.int64)
    np.cumsum(np.bincount(source, minlength=size), out=begin[1:])
    return sp.csr_matrix((value, target, begin), shape=(size, size))


def _back(source: Ints, target: Ints) -> Ints:
    """Of each pair, ordered by source, then target, the place of that from target to source; −1 for none."""
    size = 1 + max(source.max(initial=0), target.max(initial=0))
    pair, back = source * size + target, np.full(source.size, -1)
    # in the order of targets, where looking up is five times as cheap as in any other
    turned = _matrix(source, target, np.arange(source.size), size).tocsc().data
    wanted = target[turned] * size + source[turned]
    found = np.searchsorted(pair, wanted)
    same = np.flatnonzero(pair[np.minimum(found, max(pair.size - 1, 0))] == wanted)
    back[turned[same]] = found[same]
    return back


def _among(chosen: Ints, place: Ints) -> Ints:
    """Of each of the *chosen*, where among them its *place* leads; −1 if nowhere or to one not chosen."""
    new = np.full(place.size + 1, -1)
    new[chosen] = np.arange(chosen.size)
    return new[place[chosen]]


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
