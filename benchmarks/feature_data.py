"""Synthetic datasets of any size for measuring the features, see `feature_cost`: `write` and `append_day`.

Three years in which customers join, use the service on some days with a few features that they like, more
of them with time, buy, are refunded, and meet mostly within their community. Every table but the catalog is
a folder with one file for each month. Orders and interactions are in the file of the month in which they
became known, so a late one of an earlier month or day turns up in a later file; inside a file rows are in
the order of time, as logs are. The same number of customers always gives the same files.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ripple.arrays import Floats, Ints

SEED = 7
START, END = datetime(2023, 1, 1), datetime(2026, 1, 1)
MONTHS, FURTHER_DAYS = 36, 30
"""The number of months that `write` covers, and of days after the end that `append_day` can add."""
DAY = 86_400_000_000
"""A day in microseconds, the unit of all moments here, which count from START."""
SPAN = (END - START).days * DAY

EVENTS, ORDERS, INTERACTIONS, FEEDBACK = 100, 10, 20, 0.5
"""The number of rows of each table, per customer on average."""
VOLUME_SIGMA, STAY_DAYS = 1.2, 1_500
"""The standard deviation of the log of the volume of use, and the mean number of days a customer stays."""
TASKS, REPEATS, SESSION = 2.1, 1.6, DAY // 12
"""The mean number of tasks in a session and of events in a task, and the longest session."""
FEATURES, BASICS = 40, 8
NEWCOMER_FEATURES, YEARLY_FEATURES, FAVOURITE_POWER = 4, 19, 1.6
"""The number of features a newcomer uses and of further ones after a year, and the skew to favourites."""
PRODUCTS, OWN_PRODUCTS, COMMUNITY = 40, 8, 60
INDUSTRIES, COUNTRIES = 12, 40
INSIDE, REFERRED, REFUNDED = 0.8, 0.1, 0.01
"""The share of interactions inside a community, of newcomers referred, and of orders refunded."""
DAYS_LATE, MOMENTS_LATE, NO_KNOWN_AT = 0.03, 0.5, 0.2
"""The share of rows known days later, known a moment later, and without a known_at."""
KINDS = ("follow", "mention", "share", "answer", "template", "referral")

UNKNOWN = np.iinfo(np.int64).min
"""The moment that becomes null in a table."""

Columns = dict[str, NDArray[Any]]
"""Columns of a table: numbers, texts as indices into `_names`, moments in microseconds."""


@dataclass(frozen=True)
class Population:
    """All customers, one entry each, in the order in which they join; some join only after the end."""

    joined: Ints
    left: Ints
    volume: Floats
    """Relative; rates of everything grow with it."""
    favourites: NDArray[np.int8]
    """Customer × rank: the features from the most to the least liked."""
    released: Ints
    """Moment of release of each feature."""
    first_user: Ints
    """Number of the first of the customer's users; one entry more than there are customers."""
    member: Ints
    """The customers, community by community and therein in the order in which they join."""
    seat: Ints
    """The index of each customer in `member`."""
    community_begin: Ints
    """The index in `member` at which each customer's community begins."""

    @staticmethod
    def draw(customers: int) -> Population:
        """A population of so many who join before the end; after it as many a day join as before."""
        rng = np.random.default_rng(SEED)
        total = customers + customers * FURTHER_DAYS * DAY // SPAN
        later = rng.integers(SPAN, SPAN + FURTHER_DAYS * DAY, total - customers)
        joined = np.sort(np.append(rng.integers(0, SPAN, customers), later))
        liked = rng.gumbel(size=(total, FEATURES)) + rng.gumbel(size=FEATURES)
        released = np.sort(rng.uniform(-365 * DAY, 0.95 * SPAN, FEATURES)).astype(np.int64)
        released[:BASICS] = -365 * DAY
        volume = rng.lognormal(0.0, VOLUME_SIGMA, total)
        users = np.minimum(rng.geometric(0.5, total) + np.sqrt(volume).astype(np.int64), 12)
        groups = max(total // COMMUNITY, 1)
        edges = np.arange(groups + 1) * total // groups
        group = rng.permutation(np.repeat(np.arange(groups), np.diff(edges)))
        member = np.argsort(group, kind="stable")
        return Population(
            joined,
            joined + rng.exponential(STAY_DAYS * DAY, total).astype(np.int64),
            volume,
            np.argsort(liked, axis=1).astype(np.int8),
            released,
            np.append(0, np.cumsum(users)),
            member,
            np.argsort(member),
            edges[group],
        )

    def new(self, start: int, end: int) -> Ints:
        """Indices of the customers who join in [start, end)."""
        return np.arange(*np.searchsorted(self.joined, (start, end)))

    def rate(self, average: float, power: float = 1.0) -> Floats:
        """Events per microsecond and customer: those who joined before the end have *average* by then."""
        weight = self.volume**power
        exposure = (np.minimum(self.left, SPAN) - self.joined)[self.joined < SPAN]
        return weight * average * exposure.size / (weight[: exposure.size] @ exposure)

    def events(self, rng: np.random.Generator, rate: Floats, start: int, end: int) -> tuple[Ints, Ints]:
        """Customers and moments of the events in [start, end) that come at *rate*."""
        begin = np.maximum(self.joined, start)
        exposure = np.maximum(np.minimum(self.left, end) - begin, 0)
        who = np.repeat(np.arange(rate.size), rng.poisson(rate * exposure))
        return who, begin[who] + _below(rng, exposure[who])


def write(customers: int, folder: Path) -> None:
    """Write a dataset of *customers* into *folder*."""
    people = Population.draw(customers)
    folder.mkdir(parents=True, exist_ok=True)
    advanced = np.random.default_rng(SEED).permutation(np.arange(BASICS, FEATURES))[: FEATURES // 2]
    catalog = {
        "feature": _text("feature", FEATURES, 2),
        "tier": pa.array(np.where(np.isin(np.arange(FEATURES), advanced), "advanced", "core")),
        "released_at": _moments(people.released),
    }
    pq.write_table(pa.table(catalog), folder / "catalog.parquet")
    months = np.arange(np.datetime64(START, "M"), np.datetime64(END, "M") + 1)
    edges = (months.astype("datetime64[us]") - np.datetime64(START)).astype(np.int64).tolist()
    _append(people, folder, list(zip(map(str, months), edges, edges[1:], strict=False)))


def append_day(folder: Path) -> None:
    """Add the day after the last to the dataset in *folder*, as further files."""
    files = sorted((folder / "customers").glob("*.parquet"))
    people = Population.draw(sum(pq.read_metadata(file).num_rows for file in files[:MONTHS]))
    day = len(files) - MONTHS
    if day >= FURTHER_DAYS:
        raise ValueError(f"{folder} has {day} days after {END:%Y-%m-%d} already, and there are no more.")
    start = SPAN + day * DAY
    _append(people, folder, [(f"{END + timedelta(days=day):%Y-%m-%d}", start, start + DAY)])


def _append(people: Population, folder: Path, windows: list[tuple[str, int, int]]) -> None:
    """Write a file for each window, by name and [start, end), to every table but the catalog."""
    names = _names(people)
    for number, (table, make) in enumerate(TABLES.items()):
        (folder / table).mkdir(exist_ok=True)
        before = sum(pq.read_metadata(file).num_rows for file in (folder / table).glob("*.parquet"))
        for name, start, end in windows:
            columns = make(np.random.default_rng((SEED, number, start // DAY)), people, start, end)
            order = np.argsort(next(columns[key] for key in columns if key.endswith("_at")), kind="stable")
            arrays = {key: _array(key, column[order], names) for key, column in columns.items()}
            if table == "orders":
                arrays["order_id"] = _text("order", order.size, 9, first=before)
            pq.write_table(pa.table(arrays), folder / table / f"{name}.parquet", compression="zstd")
            before += order.size


def _customers(rng: np.random.Generator, people: Population, start: int, end: int) -> Columns:
    new = people.new(start, end)
    industry, country = (_skewed(rng, np.full(new.size, levels)) for levels in (INDUSTRIES, COUNTRIES))
    return {"customer_id": new, "joined_at": people.joined[new], "industry": industry, "country": country}


def _usage(rng: np.random.Generator, people: Population, start: int, end: int) -> Columns:
    who, begin = people.events(rng, people.rate(EVENTS / TASKS / REPEATS), start, end)
    session = np.repeat(np.arange(who.size), 1 + rng.poisson(TASKS - 1, who.size))
    years = (begin - people.joined[who]) / (365 * DAY)
    tried = np.minimum(NEWCOMER_FEATURES + YEARLY_FEATURES * np.sqrt(years), FEATURES)[session]
    feature = people.favourites[who[session], _skewed(rng, tried, FAVOURITE_POWER)]
    # a favourite that is not released yet is replaced by a basic feature
    feature = np.where(people.released[feature] > begin[session], feature % BASICS, feature)
    first = people.first_user[who[session]]
    user = first + _skewed(rng, people.first_user[who[session] + 1] - first)
    task = np.repeat(np.arange(session.size), rng.geometric(1 / REPEATS, session.size))
    session = session[task]
    until_midnight = (DAY - begin % DAY)[session]
    return {
        "customer_id": who[session],
        "occurred_at": begin[session] + _below(rng, np.minimum(until_midnight, SESSION)),
        "feature": feature[task],
        "user_id": user[task],
    }


def _orders(rng: np.random.Generator, people: Population, start: int, end: int) -> Columns:
    who, known = people.events(rng, people.rate(ORDERS, 0.5), start, end)
    at, known_at = _occurred_and_known_at(rng, known, people.joined[who])
    launched = np.minimum(OWN_PRODUCTS + at * (PRODUCTS - OWN_PRODUCTS) // SPAN, PRODUCTS)
    product = (who * 7 + _skewed(rng, np.full(who.size, OWN_PRODUCTS))) % launched
    revenue = np.round(20 * 1.1**product * rng.lognormal(0.0, 0.5, who.size), 2)
    back = np.flatnonzero(rng.random(who.size) < REFUNDED)
    refunded = known[back] + _below(rng, np.minimum(20 * DAY, end - known[back]))
    part = np.where(rng.random(back.size) < 0.7, 1.0, 0.5)
    refund = -np.floor(revenue[back] * part * 100) / 100
    product, revenue = np.append(product, product[back]), np.append(revenue, refund)
    return {
        "customer_id": np.append(who, who[back]),
        "ordered_at": np.append(at, refunded),
        "product": product,
        "revenue": revenue,
        "margin": np.round(revenue * (0.3 + 0.01 * product), 2),
        "known_at": np.append(known_at, refunded),
    }


def _interactions(rng: np.random.Generator, people: Population, start: int, end: int) -> Columns:
    source, known = people.events(rng, people.rate(INTERACTIONS, 0.7), start, end)
    everybody = np.searchsorted(people.joined, known, side="right")
    # members of the community who had joined by then precede the others in it
    first, total = people.community_begin[source], people.joined.size
    candidates = np.searchsorted(
        people.community_begin[people.member] * total + people.member, first * total + everybody
    )
    candidates -= first
    near = first + (people.seat[source] - first + 1 + _skewed(rng, candidates - 1)) % candidates
    far = (source + 1 + _below(rng, everybody - 1)) % everybody
    inside = (rng.random(source.size) < INSIDE) & (candidates > 1)
    target = np.where(inside, people.member[near], far)
    at, known_at = _occurred_and_known_at(
        rng, known, np.maximum(people.joined[source], people.joined[target])
    )
    # newcomers whom a member of the community brought in
    new = people.new(start, end)
    new = new[(rng.random(new.size) < REFERRED) & (people.seat[new] > people.community_begin[new])]
    by = people.member[
        people.community_begin[new] + _below(rng, people.seat[new] - people.community_begin[new])
    ]
    kind = np.append(rng.integers(0, len(KINDS) - 1, source.size), np.full(new.size, len(KINDS) - 1))
    columns = {
        "source_id": np.append(source, by),
        "target_id": np.append(target, new),
        "occurred_at": np.append(at, people.joined[new]),
        "kind": kind,
        "weight": np.round(rng.gamma(2.0, 0.5, kind.size), 2),
        "known_at": np.append(known_at, people.joined[new]),
    }
    others = columns["source_id"] != columns["target_id"]
    return {name: column[others] for name, column in columns.items()}


def _feedback(rng: np.random.Generator, people: Population, start: int, end: int) -> Columns:
    who, at = people.events(rng, people.rate(FEEDBACK, 0.5), start, end)
    return {
        "customer_id": who,
        "occurred_at": at,
        "score": np.round(np.tanh(rng.normal(0.3, 0.7, who.size)), 2),
    }


TABLES: dict[str, Callable[[np.random.Generator, Population, int, int], Columns]] = {
    "customers": _customers,
    "usage": _usage,
    "orders": _orders,
    "interactions": _interactions,
    "feedback": _feedback,
}


def _occurred_and_known_at(rng: np.random.Generator, known: Ints, earliest: Ints) -> tuple[Ints, Ints]:
    """The moments at which rows that become *known* then occurred, and their column known_at."""
    drawn = rng.random(known.size)
    lag = np.where(drawn < DAYS_LATE + MOMENTS_LATE, rng.exponential(60e6, known.size), 0.0)
    lag = np.where(drawn < DAYS_LATE, rng.uniform(DAY, 10 * DAY, known.size), lag).astype(np.int64)
    return np.maximum(known - lag, earliest), np.where(drawn > 1 - NO_KNOWN_AT, UNKNOWN, known)


def _below(rng: np.random.Generator, limit: Ints) -> Ints:
    """Whole numbers from 0 to below each limit, 0 where that is 0."""
    return (rng.random(limit.size) * limit).astype(np.int64)


def _skewed(rng: np.random.Generator, limit: NDArray[Any], power: float = 2.0) -> Ints:
    """Whole numbers below each limit, the small ones more often."""
    return (rng.random(limit.size) ** power * limit).astype(np.int64)


def _names(people: Population) -> dict[str, pa.Array]:
    """Column → the texts that its numbers stand for."""
    customer = _text("customer", people.joined.size, 7)
    return {
        "customer_id": customer,
        "source_id": customer,
        "target_id": customer,
        "user_id": _text("user", int(people.first_user[-1]), 8),
        "feature": _text("feature", FEATURES, 2),
        "product": _text("product", PRODUCTS, 2),
        "industry": _text("industry", INDUSTRIES, 2),
        "country": _text("country", COUNTRIES, 2),
        "kind": pa.array(KINDS),
    }


def _text(name: str, count: int, width: int, first: int = 0) -> pa.Array:
    digits = pc.utf8_lpad(pa.array(np.arange(first, first + count)).cast(pa.string()), width, "0")
    return pc.binary_join_element_wise(name, digits, " ")


def _array(name: str, column: NDArray[Any], names: dict[str, pa.Array]) -> pa.Array:
    if name in names:
        return names[name].take(pa.array(column))
    return _moments(column) if name.endswith("_at") else pa.array(column)


def _moments(moments: Ints) -> pa.Array:
    return pa.array(np.datetime64(START, "us") + moments.astype("timedelta64[us]"))
