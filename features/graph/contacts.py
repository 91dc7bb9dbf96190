"""The contacts and first purchases of a dataset as arrays, read once and used at every cutoff."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import get_args

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow.compute as pc

from ripple.arrays import Floats, Ints
from ripple.features.graph.sparse import csr_of_pairs, is_run_start, one_based_indices
from ripple.settings import Power

POWERS = get_args(Power)


@dataclass(frozen=True)
class Contacts:
    """Interactions by day, referrals apart, ordered by pair of source and target.

    Attributes:
        source, target: the two customers of each pair.
        start: by pair, the index of its first row.
        reverse: by pair, the index of the pair from target to source; −1 if there is none.
        day, known, weight: by row, the day of the interactions, the day they were known, their weight.
        power: by row, the index in `POWERS` of the power that its kind shows; −1 if it shows none.
    """

    source: Ints
    target: Ints
    start: Ints
    reverse: Ints
    day: Ints
    known: Ints
    weight: Floats
    power: Ints

    @classmethod
    def read(cls, contact_days: ir.Table, powers: Mapping[str, Power]) -> Contacts:
        """All rows of the daily table *contact_days*; *powers* says which power each kind shows."""
        # half a second less for twenty million rows than looking the power up in the engine
        kinds = ibis.literal(list(powers), "array<string>")
        power_of_kind = np.array([*map(POWERS.index, powers.values()), -1], np.int8)
        rows = contact_days.select(
            "customer",
            "target",
            "day",
            "known",
            "weight",
            kind_index=kinds.index(contact_days.kind).cast("int16"),
        )
        # a column at a time, as together they are most of what is held in memory
        source, target, day, known, weight, kind_index = rows.to_pyarrow().columns
        size = 1 + int(pc.max(target).as_py() or 0)
        pair = source.to_numpy().astype(np.int64)
        pair *= size
        pair += target.to_numpy()
        # months are in this order already, and merged faster here than by an engine
        order = np.argsort(pair, kind="stable")
        pair = pair[order]
        start = np.flatnonzero(is_run_start(pair))
        source, target = np.divmod(pair[start], size)
        return cls(
            source,
            target,
            start,
            _reverse(source, target),
            day.to_numpy()[order],
            known.to_numpy()[order],
            weight.to_numpy()[order],
            power_of_kind[kind_index.to_numpy()[order]],
        )


@dataclass(frozen=True)
class Purchases:
    """First purchases of a product by a customer, ordered by product, then customer.

    Attributes:
        known, until: the days from which and until which a row counted as the first purchase of its pair.
    """

    customer: Ints
    product: Ints
    day: Ints
    known: Ints
    until: Ints

    @classmethod
    def read(cls, first_purchases: ir.Table) -> Purchases:
        """All rows of the daily table *first_purchases*, which may hold several days of a pair."""
        rows = first_purchases.to_pyarrow()
        product = rows["product"].combine_chunks().dictionary_encode().indices.to_numpy()
        customer = rows["customer"].to_numpy()
        order = np.argsort(customer, kind="stable")
        # of 16 bits, if they suffice, as NumPy sorts these five times as fast
        narrow = product.astype(np.min_scalar_type(product.max(initial=0)))
        order = order[np.argsort(narrow[order], kind="stable")]
        return cls(
            customer[order].astype(np.int64),
            product[order].astype(np.int64),
            *(rows[name].to_numpy()[order] for name in ("day", "known", "until")),
        )

    def known_on(self, last_day: int) -> Purchases:
        """The first purchase of each pair as it was known on *last_day*."""
        valid = (self.known <= last_day) & (self.until > last_day)
        return Purchases(*(getattr(self, column.name)[valid] for column in fields(self)))


def _reverse(source: Ints, target: Ints) -> Ints:
    """By pair, ordered by source, then target, the index of the pair from target to source; −1 for none."""
    size = 1 + max(source.max(initial=0), target.max(initial=0))
    pair_number = csr_of_pairs(source, target, one_based_indices(source.size), size)
    # at each pair that has an opposite one, the number of that
    opposite = (pair_number != 0).multiply(pair_number.T.tocsr())
    reverse = np.full(source.size, -1)
    reverse[opposite.T.tocsr().data - 1] = opposite.data - 1
    return reverse
