"""Time and memory of the label, at three sizes: `python benchmarks/credit.py`.

The goal is a million customers with 10 million orders and 20 million interactions in under 4 minutes and 8 GB
on two cores, and a cost that grows no faster than events × log events: `x_n_log_n` is CPU per event and per
log2 of the events, against the smallest size, so at most 1 means no faster. The floor is one scan of orders
and interactions with a group-by of customer, by DuckDB alone, on two threads as the label.

The data are made up: three years in which customers join, buy what has been launched and meet mostly within
their community. A part of the adoptions follows that of somebody who had been in touch, because a label that
finds no influence skips some of its work; `influence_share` of the window's revenue says that it found some.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from harness import cpu_seconds, peak_memory_gb, publish
from numpy.typing import NDArray

from ripple.features.dataset import open_dataset
from ripple.settings import Settings
from ripple.training.attribution import network_value

SIZES = (100_000, 300_000, 1_000_000)
SEED, THREADS = 7, 2
QUIET = "SET enable_progress_bar = false"
END = datetime(2026, 1, 1)
START = END - timedelta(days=180)

SECONDS = 3 * 365 * 86_400
DAY = 86_400
ORDERS, INTERACTIONS = 10, 20
"""Per customer on average."""
PRODUCTS, LEVELS, COMMUNITY = 40, 8, 60
OWN_ADOPTIONS, CAUSED_ADOPTIONS = 3.4, 1.45
"""Per customer on average, before those that would be the second of a product or lie beyond the end."""
DELAY_DAYS = 20
INSIDE, REFERRED = 0.8, 0.05
"""Share of interactions inside a community, and of customers whom a referral brought in."""
KINDS = ("message", "meeting", "webinar", "referral")

FLOOR = """
SELECT customer_id, count(*), max(moment), sum(amount) FROM (
    SELECT customer_id, ordered_at AS moment, revenue AS amount FROM '{0}/orders.parquet'
    UNION ALL SELECT source_id, occurred_at, weight FROM '{0}/interactions.parquet'
) GROUP BY ALL"""
ADOPTIONS = """
SELECT count(*) FROM (
    SELECT min(ordered_at) AS adopted FROM '{0}/orders.parquet' GROUP BY customer_id, product
) WHERE adopted > ? AND adopted <= ?"""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def write(customers: int, folder: Path) -> None:
    """Make up a dataset of *customers*; moments are seconds since the data began."""
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
        joined_at=_moment(joined),
        industry=_text("industry", rng.integers(0, LEVELS, customers)),
        region=_text("region", group % LEVELS),
    )
    order = np.argsort(met, kind="stable")
    _save(
        folder / "interactions.parquet",
        source_id=ids.take(pa.array(source[order])),
        target_id=ids.take(pa.array(target[order])),
        occurred_at=_moment(met[order]),
        kind=pa.array(KINDS).take(
            pa.array(np.where(referral, len(KINDS) - 1, rng.integers(0, len(KINDS) - 1, met.size))[order])
        ),
        weight=pa.array(np.round(rng.gamma(2.0, 0.5, met.size), 3)),
    )
    customer, product, at = _adoptions(rng, joined, group, source, target, met)
    again = rng.integers(0, customer.size, ORDERS * customers - customer.size)
    later = at[again] + (rng.random(again.size) * (SECONDS - at[again])).astype(np.int64)
    customer, product = (np.concatenate((column, column[again])) for column in (customer, product))
    at = np.concatenate((at, later))
    order = np.argsort(at, kind="stable")
    _save(
        folder / "orders.parquet",
        customer_id=ids.take(pa.array(customer[order])),
        ordered_at=_moment(at[order]),
        product=_text("product", product[order]),
        revenue=pa.array(np.round(rng.lognormal(4.0, 1.0, at.size), 2)),
    )


def _interactions(
    rng: np.random.Generator, joined: Ints, group: Ints, edges: Ints
) -> tuple[Ints, Ints, Ints, NDArray[np.bool_]]:
    """Source, target, moment, and whether it is a referral; some begin many more than others do."""
    customers, first, size = joined.size, edges[group], np.diff(edges)[group]
    # a newcomer's referral, by a member of the community who was there before, at the moment of joining
    brought = rng.permutation(customers)[: int(3 * REFERRED * customers)]
    by = first[brought] + (rng.random(brought.size) * size[brought]).astype(np.int64)
    fits = np.flatnonzero(joined[by] < joined[brought])[: int(REFERRED * customers)]
    brought, by = brought[fits], by[fits]
    number = INTERACTIONS * customers - brought.size
    source = _drawn(rng, rng.lognormal(0.0, 1.0, customers), number)
    # inside the community, those next to a customer are met more often
    step = 1 + (rng.random(number) ** 2 * (size[source] - 1)).astype(np.int64)
    near = first[source] + (source - first[source] + step) % size[source]
    far = (source + rng.integers(1, customers, number)) % customers
    target = np.where(rng.random(number) < INSIDE, near, far)
    known = np.maximum(joined[source], joined[target])
    met = known + (rng.random(number) * (SECONDS - known)).astype(np.int64)
    return (
        np.concatenate((source, by)),
        np.concatenate((target, brought)),
        np.concatenate((met, joined[brought])),
        np.arange(INTERACTIONS * customers) >= number,
    )


def _adoptions(
    rng: np.random.Generator, joined: Ints, group: Ints, source: Ints, target: Ints, met: Ints
) -> tuple[Ints, Ints, Ints]:
    """Customer, product and moment of first purchases: of their own, and after somebody they had met."""
    customer = _drawn(rng, (SECONDS - joined).astype(np.float64), int(OWN_ADOPTIONS * joined.size))
    at = joined[customer] + (rng.random(customer.size) * (SECONDS - joined[customer])).astype(np.int64)
    launched = 1 + at * PRODUCTS // SECONDS
    # each community has its favourites among what has been launched
    product = ((rng.random(customer.size) ** 2 * launched).astype(np.int64) + group[customer]) % launched
    order = np.argsort(customer, kind="stable")
    customer, product, at = customer[order], product[order], at[order]
    owned = np.bincount(customer, minlength=joined.size)
    first = np.cumsum(owned) - owned
    contact = rng.integers(0, source.size, int(CAUSED_ADOPTIONS * joined.size))
    contact = contact[owned[source[contact]] > 0]
    who = source[contact]
    cause = first[who] + (rng.random(who.size) * owned[who]).astype(np.int64)
    then = np.maximum(met[contact], at[cause]) + 1
    then += (rng.exponential(DELAY_DAYS * DAY, then.size)).astype(np.int64)
    kept = then < SECONDS
    customer = np.concatenate((customer, target[contact][kept]))
    product = np.concatenate((product, product[cause][kept]))
    at = np.concatenate((at, then[kept]))
    order = np.lexsort((at, product, customer))
    customer, product, at = customer[order], product[order], at[order]
    fresh = np.append(True, np.diff(customer * PRODUCTS + product) > 0)
    return customer[fresh], product[fresh], at[fresh]


def _drawn(rng: np.random.Generator, weight: Floats, number: int) -> Ints:
    """Positions drawn in proportion to their weight."""
    upto = np.cumsum(weight)
    found = np.searchsorted(upto, rng.random(number) * upto[-1], side="right")
    return np.minimum(found, weight.size - 1)


def _moment(seconds: Ints) -> pa.Array:
    began = np.datetime64(END, "s") - np.timedelta64(SECONDS, "s")
    return pa.array((began + seconds.astype("timedelta64[s]")).astype("datetime64[us]"))


def _text(name: str, number: Ints) -> pa.Array:
    return pc.binary_join_element_wise(name, pa.array(number).cast(pa.string()), " ")


def _save(file: Path, **columns: pa.Array) -> None:
    pq.write_table(pa.table(columns), file)


def measure(folder: Path) -> dict[str, Any]:
    """Cost of the label of one dataset; in a process of its own, whose largest size is then the label's."""
    dataset = open_dataset(folder, Settings(until=END))
    dataset.tables["orders"].get_backend().raw_sql(f"SET threads = {THREADS}; {QUIET}")
    labels = []
    started = time.perf_counter()
    cpu = cpu_seconds(
        lambda: labels.append(network_value(dataset.tables, START, END, dataset.settings).to_pyarrow()),
        rounds=1,
    )
    wall, peak = time.perf_counter() - started, peak_memory_gb()
    with duckdb.connect(config={"threads": THREADS}) as connection:
        connection.execute(QUIET)
        floor = cpu_seconds(lambda: connection.sql(FLOOR.format(folder)).to_arrow_table())
        (adoptions,) = connection.execute(ADOPTIONS.format(folder), [START, END]).fetchone() or (0,)
    rows = {
        name: pq.read_metadata(folder / f"{name}.parquet").num_rows
        for name in ("customers", "orders", "interactions")
    }
    influence, revenue = (pc.sum(labels[0][name]).as_py() for name in ("influence_value", "direct_value"))
    return rows | {
        "adoptions": adoptions,
        "wall_s": wall,
        "cpu_s": cpu,
        "peak_gb": peak,
        "cpu_us_per_event": 1e6 * cpu / (rows["orders"] + rows["interactions"]),
        "x_n_log_n": None,
        "floor_cpu_s": floor,
        "label_x_floor": cpu / floor,
        "influence_share": influence / revenue,
    }


def main() -> None:
    """Measure every size and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="numbers of customers")
    sizes = sorted(parser.parse_args().sizes)
    rows = []
    # a process for each task, begun by this one, which stays small: peak memory is inherited from the parent
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=fresh, max_tasks_per_child=1) as processes:
        for size in sizes:
            with tempfile.TemporaryDirectory() as folder:
                processes.submit(write, size, Path(folder)).result()
                rows.append(processes.submit(measure, Path(folder)).result())
    costs = [row["cpu_us_per_event"] / math.log2(row["orders"] + row["interactions"]) for row in rows]
    publish("credit", [row | {"x_n_log_n": cost / costs[0]} for row, cost in zip(rows, costs, strict=True)])


if __name__ == "__main__":
    main()
