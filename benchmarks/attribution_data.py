"""Synthetic datasets of any size for measuring the label, see `attribution_cost`.

Three years in which customers join, buy what has been launched and meet mostly within their community. A
part of the adoptions follows that of somebody who had been in touch, because a label that finds no influence
skips some of its work. The same number of customers always gives the same files. Moments are seconds since
the data begin.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ripple.arrays import Floats, Ints

SEED = 7
END = datetime(2026, 1, 1)
DAY = 86_400
SECONDS = 3 * 365 * DAY

ORDERS, INTERACTIONS = 10, 20
"""The number of orders and of interactions, per customer on average."""
PRODUCTS, LEVELS, COMMUNITY = 40, 8, 60
"""The number of products, of levels of each attribute, and of customers in a community."""
OWN_ADOPTIONS, CAUSED_ADOPTIONS = 3.4, 1.45
"""The number of adoptions without and with a cause, per customer on average.

Those that would be the second of a product or lie beyond the end are still in it.
"""
DELAY_DAYS = 20
"""The mean of the exponential delay of a caused adoption, in days."""
INSIDE, REFERRED = 0.8, 0.05
"""The share of interactions inside a community, and of customers whom a referral brought in."""
KINDS = ("message", "meeting", "webinar", "referral")


def write(customers: int, folder: Path) -> None:
    """Write a dataset of *customers* into *folder*."""
    rng = np.random.default_rng(SEED)
    joined = rng.integers(0, SECONDS - DAY, customers)
    # customers are numbered by community; all are of about the same size
    groups = max(customers // COMMUNITY, 1)
    edges = np.arange(groups + 1) * customers // groups
    group = np.repeat(np.arange(groups), np.diff(edges))
    names = np.char.add("c", np.char.zfill(rng.permutation(customers).astype(str), 8))
    ids = pa.array(names.tolist())
    source, target, met, referral = _interactions(rng, joined, group, edges)
    _save(
        folder / "customers.parquet",
        customer_id=ids,
        joined_at=_timestamps(joined),
        industry=_labels("industry", rng.integers(0, LEVELS, customers)),
        region=_labels("region", group % LEVELS),
    )
    order = np.argsort(met, kind="stable")
    _save(
        folder / "interactions.parquet",
        source_id=ids.take(pa.array(source[order])),
        target_id=ids.take(pa.array(target[order])),
        occurred_at=_timestamps(met[order]),
        kind=pa.array(KINDS).take(
            pa.array(np.where(referral, len(KINDS) - 1, rng.integers(0, len(KINDS) - 1, met.size))[order])
        ),
        weight=pa.array(np.round(rng.gamma(2.0, 0.5, met.size), 3)),
    )
    customer, product, at = _adoptions(rng, joined, group, source, target, met)
    repeated = rng.integers(0, customer.size, ORDERS * customers - customer.size)
    later = at[repeated] + (rng.random(repeated.size) * (SECONDS - at[repeated])).astype(np.int64)
    customer, product = (np.concatenate((column, column[repeated])) for column in (customer, product))
    at = np.concatenate((at, later))
    order = np.argsort(at, kind="stable")
    _save(
        folder / "orders.parquet",
        customer_id=ids.take(pa.array(customer[order])),
        ordered_at=_timestamps(at[order]),
        product=_labels("product", product[order]),
        revenue=pa.array(np.round(rng.lognormal(4.0, 1.0, at.size), 2)),
    )


def _interactions(
    rng: np.random.Generator, joined: Ints, group: Ints, edges: Ints
) -> tuple[Ints, Ints, Ints, NDArray[np.bool_]]:
    """Source, target, moment and whether it is a referral; the number by source is log-normal."""
    customers, first, size = joined.size, edges[group], np.diff(edges)[group]
    # a newcomer's referral, by a member of the community who was there before, at the moment of joining
    referred = rng.permutation(customers)[: int(3 * REFERRED * customers)]
    by = first[referred] + (rng.random(referred.size) * size[referred]).astype(np.int64)
    fits = np.flatnonzero(joined[by] < joined[referred])[: int(REFERRED * customers)]
    referred, by = referred[fits], by[fits]
    number = INTERACTIONS * customers - referred.size
    source = _sample_by_weight(rng, rng.lognormal(0.0, 1.0, customers), number)
    # inside the community, those next to a customer are met more often
    step = 1 + (rng.random(number) ** 2 * (size[source] - 1)).astype(np.int64)
    near = first[source] + (source - first[source] + step) % size[source]
    far = (source + rng.integers(1, customers, number)) % customers
    target = np.where(rng.random(number) < INSIDE, near, far)
    known = np.maximum(joined[source], joined[target])
    met = known + (rng.random(number) * (SECONDS - known)).astype(np.int64)
    return (
        np.concatenate((source, by)),
        np.concatenate((target, referred)),
        np.concatenate((met, joined[referred])),
        np.arange(INTERACTIONS * customers) >= number,
    )


def _adoptions(
    rng: np.random.Generator, joined: Ints, group: Ints, source: Ints, target: Ints, met: Ints
) -> tuple[Ints, Ints, Ints]:
    """Customer, product and moment of first purchases: of their own, and after somebody they had met."""
    customer = _sample_by_weight(rng, (SECONDS - joined).astype(np.float64), int(OWN_ADOPTIONS * joined.size))
    at = joined[customer] + (rng.random(customer.size) * (SECONDS - joined[customer])).astype(np.int64)
    launched = 1 + at * PRODUCTS // SECONDS
    # each community has its favourites among what has been launched
    product = ((rng.random(customer.size) ** 2 * launched).astype(np.int64) + group[customer]) % launched
    order = np.argsort(customer, kind="stable")
    customer, product, at = customer[order], product[order], at[order]
    adoptions = np.bincount(customer, minlength=joined.size)
    first = np.cumsum(adoptions) - adoptions
    tie = rng.integers(0, source.size, int(CAUSED_ADOPTIONS * joined.size))
    tie = tie[adoptions[source[tie]] > 0]
    who = source[tie]
    cause = first[who] + (rng.random(who.size) * adoptions[who]).astype(np.int64)
    then = np.maximum(met[tie], at[cause]) + 1
    then += (rng.exponential(DELAY_DAYS * DAY, then.size)).astype(np.int64)
    in_time = then < SECONDS
    customer = np.concatenate((customer, target[tie][in_time]))
    product = np.concatenate((product, product[cause][in_time]))
    at = np.concatenate((at, then[in_time]))
    order = np.lexsort((at, product, customer))
    customer, product, at = customer[order], product[order], at[order]
    is_first = np.append(True, np.diff(customer * PRODUCTS + product) > 0)
    return customer[is_first], product[is_first], at[is_first]


def _sample_by_weight(rng: np.random.Generator, weight: Floats, number: int) -> Ints:
    """So many indices, drawn in proportion to their weight."""
    cumulative = np.cumsum(weight)
    indices = np.searchsorted(cumulative, rng.random(number) * cumulative[-1], side="right")
    return np.minimum(indices, weight.size - 1)


def _timestamps(seconds: Ints) -> pa.Array:
    begin = np.datetime64(END, "s") - np.timedelta64(SECONDS, "s")
    return pa.array((begin + seconds.astype("timedelta64[s]")).astype("datetime64[us]"))


def _labels(name: str, number: Ints) -> pa.Array:
    return pc.binary_join_element_wise(name, pa.array(number).cast(pa.string()), " ")


def _save(file: Path, **columns: pa.Array) -> None:
    pq.write_table(pa.table(columns), file)
