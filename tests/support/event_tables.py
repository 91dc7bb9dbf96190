"""Tables of customers, orders and interactions, written by hand or drawn at random with contagion."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import ibis
import pandas as pd
import pyarrow as pa

from ripple.features.tables.tables import Tables
from ripple.settings import Credit, Settings

Row = dict[str, Any]
Rows = list[Row]
_TIME = pa.timestamp("us")
SCHEMAS = {
    "customers": pa.schema({"customer_id": pa.string(), "joined_at": _TIME}),
    "orders": pa.schema(
        {
            "customer_id": pa.string(),
            "ordered_at": _TIME,
            "product": pa.string(),
            "revenue": pa.float64(),
            "known_at": _TIME,
        }
    ),
    "interactions": pa.schema(
        {
            "source_id": pa.string(),
            "target_id": pa.string(),
            "occurred_at": _TIME,
            "kind": pa.string(),
            "weight": pa.float64(),
            "known_at": _TIME,
        }
    ),
    "usage": pa.schema({"customer_id": pa.string(), "occurred_at": _TIME, "feature": pa.string()}),
}


def day(number: float) -> datetime:
    """A moment, counted in days."""
    return datetime(2025, 1, 1) + timedelta(days=number)


def joined(customer: str, on: float = 0.0, **attributes: object) -> Row:
    """A row of customers."""
    return {"customer_id": customer, "joined_at": day(on), **attributes}


def order(
    customer: str, on: float, product: str = "p", revenue: float = 100.0, known: float | None = None
) -> Row:
    """A row of orders."""
    known_at = day(on if known is None else known)
    return {
        "customer_id": customer,
        "ordered_at": day(on),
        "product": product,
        "revenue": revenue,
        "known_at": known_at,
    }


def contact(
    source: str,
    target: str,
    on: float = 10.0,
    kind: str = "follow",
    weight: float | None = None,
    known: float | None = None,
) -> Row:
    """A row of interactions."""
    return {
        "source_id": source,
        "target_id": target,
        "occurred_at": day(on),
        "kind": kind,
        "weight": weight,
        "known_at": day(on if known is None else known),
    }


def referral(source: str, target: str, on: float = 0.0) -> Row:
    """A row of interactions: *source* referred *target*."""
    return contact(source, target, on, "referral")


def activity(customer: str, on: float) -> Row:
    """An event of use."""
    return {"customer_id": customer, "occurred_at": day(on), "feature": "f"}


def tables(
    customers: Rows, orders: Rows, interactions: Rows | None = None, usage: Rows | None = None
) -> Tables:
    """The tables of a dataset; customers may have attributes."""
    rows = {"customers": customers, "orders": orders, "interactions": interactions, "usage": usage}
    present = {name: table for name, table in rows.items() if table is not None}
    attributes = {name for row in customers for name in row} - set(SCHEMAS["customers"].names)
    return Tables(
        {
            name: ibis.memtable(
                pa.Table.from_pandas(pd.DataFrame(table), preserve_index=False)
                if name == "customers" and attributes
                else pa.Table.from_pylist(table, SCHEMAS[name])
            )
            for name, table in present.items()
        }
    )


WINDOW = day(40), day(100)
REVENUES = (0.0, 12.5, 40.0, 99.99, 250.0)


def contagion(
    seed: int, crowd: int = 30, contagion_probability: float = 0.7
) -> tuple[Rows, Rows, Rows, Rows]:
    """Customers, orders, interactions and usage of a few customers who often buy what a contact bought.

    Half days, so that much coincides; refunds, late news, odd weights, newcomers, referrals; everybody has
    attributes.
    """
    rng = random.Random(seed)

    def half_day(first: float = 0.0, last: float = 110.0) -> float:
        return rng.randint(round(2 * first), round(2 * last)) / 2

    def known(on: float) -> float:
        return on + half_day(0, 60) if rng.random() < 0.1 else on

    names = [f"c{number:02d}" for number in range(crowd)]
    customers = [
        joined(
            name,
            half_day(40, 70) if rng.random() < 0.15 else half_day(0, 10),
            segment=rng.choice(["red", "blue", None]),
            seats=rng.choice([1.0, 5.0, 20.0, 100.0, None]),
            trial=rng.random() < 0.5,
        )
        for name in names
    ]
    since = {row["customer_id"]: (row["joined_at"] - day(0)) / timedelta(days=1) for row in customers}
    contacts: Rows = []
    for source in names:
        for target in rng.sample(names, 3):
            for _ in range(rng.randint(1, 3)):
                on = half_day(max(since[source], since[target]), 105)
                weight = rng.choice([None, 0.0, 0.5, 1.0, 3.0])
                if source != target:
                    kind = rng.choice(["follow", "answer"])
                    contacts.append(contact(source, target, on, kind, weight, known(on)))
    chain = rng.sample(names, 5)
    contacts += [referral(a, b, since[b]) for a, b in itertools.pairwise(chain)]
    adopted: dict[tuple[str, str], float] = {}
    for product in "pqr":
        queue = [(half_day(since[name] + 1), name) for name in rng.sample(names, crowd // 3)]
        while queue:
            queue.sort(reverse=True)
            on, name = queue.pop()
            if (name, product) in adopted or on > 115:
                continue
            adopted[name, product] = on
            for row in contacts:
                if (
                    row["source_id"] == name
                    and row["occurred_at"] < day(on)
                    and rng.random() < contagion_probability
                ):
                    queue.append((on + half_day(0.5, 3), row["target_id"]))
    orders: Rows = []
    for (name, product), on in adopted.items():
        revenue = rng.choice(REVENUES)
        orders.append(order(name, on, product, revenue, known(on)))
        if rng.random() < 0.3:
            later = on + half_day(0, 30)
            orders.append(
                order(name, later, product, rng.choice([-revenue, -revenue / 2, 30.0]), known(later))
            )
    usage = [activity(name, half_day(since[name])) for name in names for _ in range(rng.randint(0, 3))]
    return customers, orders, contacts, usage


def shuffled(rows: Iterable[Row], seed: int) -> Rows:
    """The same rows in another order."""
    rows = list(rows)
    random.Random(seed).shuffle(rows)
    return rows


def credit_settings(**credit: Any) -> Settings:
    """Settings under which every adopter is compared with all others at risk."""
    return Settings(credit=Credit(**({"controls": 1000} | credit)))
