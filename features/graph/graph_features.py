"""The graph of contacts at a cutoff, as arrays: what a customer's neighbours are, have and do.

An edge leads from source to target; its weight is that of all their interactions, referrals apart, each
decayed by its age. Weights are whole millionths, so that sums do not depend on the order of customers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import pairwise
from typing import get_args

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse as sp
from numpy.typing import NDArray

from ripple.arrays import Bools, Floats, Ints, expand, sums
from ripple.features.rollup.daily import WHEN
from ripple.settings import Power

UNIT = 1_000_000
DAMPING = 0.85
TOLERANCE = 1e-8
MOST_ROUNDS = 200
DIGITS = 9
"""Significant digits of what is computed in floating point."""
LIVE = 0.25
"""A tie of a smaller weight is over: its one contact is more than two half-lives ago."""
POWERS = get_args(Power)
AT_ONCE = 1_000_000
"""Pairs of a purchase and a contact that are looked at together."""
CELLS = 10_000_000
"""Of the table of products and customers in which they are looked up."""
NEVER = np.int32(2**31 - 1)


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
        # half a second less for twenty million rows than telling the power in the engine
        kinds = ibis.literal(list(powers), "array<string>")
        shown = np.array([*map(POWERS.index, powers.values()), -1], np.int8)
        rows = contact_days.select(
            "customer", "target", *WHEN, "weight", place=kinds.index(contact_days.kind).cast("int16")
        )
        # a column at a time, as together they are most of what is held in memory
        source, target, day, known, weight, place = rows.to_pyarrow().columns
        size = 1 + int(pc.max(target).as_py() or 0)
        pair = source.to_numpy().astype(np.int64)
        pair *= size
        pair += target.to_numpy()
        # months are in this order already, and merged faster here than by an engine
        order = np.argsort(pair, kind="stable")
        pair = pair[order]
        start = np.flatnonzero(_changes(pair))
        source, target = np.divmod(pair[start], size)
        return cls(
            source,
            target,
            start,
            _back(source, target),
            day.to_numpy()[order],
            known.to_numpy()[order],
            weight.to_numpy()[order],
            shown[place.to_numpy()[order]],
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
        product = rows["product"].combine_chunks().dictionary_encode().indices.to_numpy()
        customer = rows["customer"].to_numpy()
        order = np.argsort(customer, kind="stable")
        # of 16 bits, if they suffice, as NumPy sorts these five times as fast
        few = product.astype(np.min_scalar_type(product.max(initial=0)))
        order = order[np.argsort(few[order], kind="stable")]
        return cls(
            customer[order].astype(np.int64),
            product[order].astype(np.int64),
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
    weight: Floats
    """Decayed, in whole millionths."""
    first: Ints
    """Day of the first contact."""
    mutual: Bools
    """Whether the target reaches the source too."""
    by_power: Mapping[str, tuple[Floats, Floats, Floats]]
    """By power: of each customer, how many targets are reached by contacts that show it, the weight of these
    contacts in millionths, and how many of the targets reach the customer too."""

    @classmethod
    def of(cls, contacts: Contacts, alive: Bools, last: int, half_life_days: float) -> Ties:
        """Ties among the customers who are *alive*, by number, from the contacts known on day *last*."""
        seen = contacts.known <= last
        weight = _decayed(contacts, last, half_life_days)
        weight[~seen] = 0.0
        there = _over(np.logical_or, seen, contacts.start)
        there &= alive[contacts.source] & alive[contacts.target]
        # mostly all of them, of which no copy has to be made
        ties = slice(None) if there.all() else np.flatnonzero(there)
        mutual = (contacts.back >= 0) & there[contacts.back]
        rows_of_pair = np.diff(contacts.start, append=seen.size)
        pair = np.repeat(np.arange(there.size, dtype=np.int32), rows_of_pair)
        seen &= np.repeat(there, rows_of_pair)
        by_power = {}
        for place, power in enumerate(POWERS):
            rows = np.flatnonzero(seen & (contacts.power == place))
            own = pair[rows]
            shown = own[_changes(own)]
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
            mutual[ties],
            by_power,
        )

    @cached_property
    def weights(self) -> sp.csr_matrix:
        """The weight of each tie; sources are rows, targets columns."""
        return self.matrix(self.weight)

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
    both = _count(source[ties.mutual], size)
    links, weights, one = ties.matrix(np.ones(source.size)), ties.weights, np.ones(size)
    degree, strength = links @ one, weights @ one
    bought = _count(purchases.customer, size)
    lacking = np.maximum(bought[source] - bought[target], 0)
    columns = {
        "out_degree": degree,
        "out_strength": strength / UNIT,
        "in_degree": _count(target, size),
        "in_strength": weights.T @ one / UNIT,
        "mutual": both,
        "second_hand": links @ degree - both,
        "pagerank": _rounded(pagerank(ties, alive)),
        "core": core_number(ties).astype(np.float64),
        "spent_by_targets": _rounded(_mean(links @ spent, degree)),
        "products_of_targets": _rounded(_mean(weights @ bought, strength)),
        "lacking_in_targets": _mean(sums(source, lacking, size), degree),
        "active_targets": _mean(links @ active.astype(np.float64), degree),
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
    cast = ties.weights.T @ np.ones(ties.size)
    share = np.divide(1.0, cast, out=np.zeros(ties.size), where=cast > 0)
    rank = present / number
    for _ in range(MOST_ROUNDS):
        passed = DAMPING * (ties.weights @ (rank * share))
        found = passed + present * ((1 - passed.sum()) / number)
        moved, rank = np.abs(found - rank).sum(), found
        if moved < TOLERANCE:
            break
    return rank * number


def core_number(ties: Ties) -> Ints:
    """Largest k such that the customer is among customers who all have k live ties among themselves.

    Ties count either way (Seidman 1983). Whoever has the fewest is taken away first, as by Batagelj &
    Zaveršnik (2003), but all of them at once.
    """
    live = ties.weight >= LIVE * UNIT
    one_way = _matrix(ties.source[live], ties.target[live], np.ones(np.count_nonzero(live), bool), ties.size)
    either_way = one_way + one_way.T
    begin, near = either_way.indptr.astype(np.int64), either_way.indices
    number, left, there = np.zeros(ties.size, np.int64), np.diff(begin), np.ones(ties.size, bool)
    k = 0
    while there.any():
        k = max(k, int(left[there].min()))
        peeled = np.flatnonzero(there & (left <= k))
        while peeled.size:
            number[peeled], there[peeled] = k, False
            lost = near[expand(begin[peeled], begin[peeled + 1])[1]]
            lost = lost[there[lost]]
            np.subtract.at(left, lost, 1)
            peeled = np.unique(lost[left[lost] <= k])
    return number


def _leads(ties: Ties, purchases: Purchases, last: int, windows: Sequence[int]) -> dict[str, Floats]:
    """By window of recent first purchases: how many of others each customer led, by having been in touch and
    bought the product before; how many each made, and how many of these somebody led."""
    size = ties.size
    recent = np.flatnonzero(purchases.day > last - max(windows))
    made_by, day, product = (each[recent] for each in (purchases.customer, purchases.day, purchases.product))
    followed = np.zeros(recent.size, dtype=bool)
    led = {window: np.zeros(size) for window in windows}
    into = ties.matrix(_counted(ties.source.size)).tocsc()
    begin = into.indptr.astype(np.int64)
    width = max(min(CELLS // size, 1 + product.max(initial=0)), 1)
    # by product, of a few at a time, and customer: the day of the first purchase
    bought = np.full(width * size, NEVER)
    for part in _chunks(begin[made_by + 1] - begin[made_by], product // width):
        least = product[part.start] // width * width
        made = slice(*np.searchsorted(purchases.product, (least, least + width)))
        cells = (purchases.product[made] - least) * size + purchases.customer[made]
        bought[cells] = purchases.day[made]
        which, place = expand(begin[made_by[part]], begin[made_by[part] + 1])
        which += part.start
        source = into.indices[place]
        before = np.flatnonzero(bought[(product[which] - least) * size + source] < day[which])
        bought[cells] = NEVER
        leads = before[ties.first[into.data[place[before]] - 1] <= day[which[before]]]
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
    place = _matrix(source, target, _counted(source.size), size)
    # at each pair that has an opposite one, the place of that, counted from one
    opposite = (place != 0).multiply(place.T.tocsr())
    back = np.full(source.size, -1)
    back[opposite.T.tocsr().data - 1] = opposite.data - 1
    return back


def _chunks(number: Ints, group: Ints) -> Iterator[slice]:
    """Slices of one *group* each, in which *number* adds up to about `AT_ONCE`."""
    edges = np.flatnonzero(_changes(np.cumsum(number) // AT_ONCE) | _changes(group))
    for begin, end in pairwise([*edges, number.size]):
        yield slice(int(begin), int(end))


def _counted(number: int) -> NDArray[np.unsignedinteger]:
    """From one to *number*, in as few bits as they need."""
    return np.arange(1, number + 1, dtype=np.min_scalar_type(number))


def _changes(value: NDArray[np.integer]) -> Bools:
    """Whether each differs from the one before; the first does."""
    changes = np.ones(value.size, dtype=bool)
    np.not_equal(value[1:], value[:-1], out=changes[1:])
    return changes


def _decayed(contacts: Contacts, last: int, half_life_days: float) -> Floats:
    """Weight of each row on the day after *last*, in whole millionths, in place as there are many."""
    weight = contacts.day - np.float64(last + 1)
    weight /= half_life_days
    # below 2^−50 it is zero for all purposes
    np.exp2(np.clip(weight, -50.0, 0.0, out=weight), out=weight)
    weight *= UNIT
    weight *= contacts.weight
    return np.rint(weight, out=weight)


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
