"""Examples and tables made by hand or at random: what a dataset would give, with a known relation."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa

from ripple.features.tables.tables import Tables
from ripple.settings import Credit, Cutoffs, Settings
from ripple.training.examples import feature_sequence
from ripple.training.examples.cutoffs import Schedule, schedule
from ripple.training.examples.examples import Examples

START = datetime(2024, 1, 1)
END = START + timedelta(days=390)
SETTINGS = Settings(
    horizon_days=60, top_share=0.05, cutoffs=Cutoffs(step_days=30, history_days=90, evaluate=3)
)
RISING = ("past_network_value", "referrals", "best_referral")


def plan() -> Schedule:
    """Nine cutoffs, of which the last three judge."""
    return schedule(START, END, SETTINGS)


def examples(cutoff: datetime = START, customers: int = 300, seed: int = 0) -> Examples:
    """Customers whose hidden strength shows in some features and in the label; half are credited nothing."""
    random = np.random.default_rng(seed)
    strength = random.lognormal(0, 1, customers)
    referrals = random.poisson(strength / 2).astype(float)
    features = pd.DataFrame(
        {
            "past_network_value": np.where(random.random(customers) < 0.5, 100 * strength, 0.0),
            "referrals": referrals,
            "best_referral": np.where(referrals > 0, random.lognormal(4, 1, customers), np.nan),
            "total_revenue": random.lognormal(5, 1, customers),
            "out_degree": random.poisson(3 * strength).astype(float),
            "days_since_last_order": random.exponential(40, customers),
            "order_count_30d": random.poisson(1, customers).astype(float),
            "constant": 1.0,
            "undefined": np.nan,
        },
        index=pd.Index([f"c{number:05d}" for number in range(customers)], name="customer_id"),
    )
    value = np.where(
        random.random(customers) < 0.5, 100 * strength * random.lognormal(0, 0.5, customers), 0.0
    )
    labels = pd.DataFrame(
        {
            "network_value": value,
            "referral_value": value / 2,
            "influence_value": value / 2,
            "direct_value": features["total_revenue"] / 4,
        },
        index=features.index,
    )
    return Examples(cutoff, feature_sequence.Rows.of(features), labels, labels)


def history(customers: int = 300) -> dict[datetime, Examples]:
    """Examples at every cutoff of the plan."""
    return {cutoff: examples(cutoff, customers, seed) for seed, cutoff in enumerate(plan().all)}


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
    """A customer."""
    return {"customer_id": customer, "joined_at": day(on), **attributes}


def order(
    customer: str, on: float, product: str = "p", revenue: float = 100.0, known: float | None = None
) -> Row:
    """A purchase."""
    known_at = day(on if known is None else known)
    return {
        "customer_id": customer,
        "ordered_at": day(on),
        "product": product,
        "revenue": revenue,
        "known_at": known_at,
    }


def reach(
    source: str,
    target: str,
    on: float = 10.0,
    kind: str = "follow",
    weight: float | None = None,
    known: float | None = None,
) -> Row:
    """An interaction."""
    return {
        "source_id": source,
        "target_id": target,
        "occurred_at": day(on),
        "kind": kind,
        "weight": weight,
        "known_at": day(on if known is None else known),
    }


def referral(source: str, target: str, on: float = 0.0) -> Row:
    """A record that *source* brought in *target*."""
    return reach(source, target, on, "referral")


def use(customer: str, on: float) -> Row:
    """A sign of life."""
    return {"customer_id": customer, "occurred_at": day(on), "feature": "f"}


def tables(
    customers: Rows, orders: Rows, interactions: Rows | None = None, usage: Rows | None = None
) -> Tables:
    """The tables of a dataset; customers may have attributes."""
    rows = {"customers": customers, "orders": orders, "interactions": interactions, "usage": usage}
    held = {name: given for name, given in rows.items() if given is not None}
    attributes = {name for row in customers for name in row} - set(SCHEMAS["customers"].names)
    return Tables(
        {
            name: ibis.memtable(
                pa.Table.from_pandas(pd.DataFrame(given), preserve_index=False)
                if name == "customers" and attributes
                else pa.Table.from_pylist(given, SCHEMAS[name])
            )
            for name, given in held.items()
        }
    )


WINDOW = day(40), day(100)
REVENUES = (0.0, 12.5, 40.0, 99.99, 250.0)


def contagion(seed: int, crowd: int = 30, passed_on: float = 0.7) -> tuple[Rows, Rows, Rows, Rows]:
    """Customers, orders, interactions and usage of a few customers who often buy what a contact bought.

    Half days, so that much coincides; refunds, late news, odd weights, newcomers, referrals; everybody has
    attributes.
    """
    pick = random.Random(seed)

    def half_day(first: float = 0.0, last: float = 110.0) -> float:
        return pick.randint(round(2 * first), round(2 * last)) / 2

    def known(on: float) -> float:
        return on + half_day(0, 60) if pick.random() < 0.1 else on

    names = [f"c{number:02d}" for number in range(crowd)]
    customers = [
        joined(
            name,
            half_day(40, 70) if pick.random() < 0.15 else half_day(0, 10),
            segment=pick.choice(["red", "blue", None]),
            seats=pick.choice([1.0, 5.0, 20.0, 100.0, None]),
            trial=pick.random() < 0.5,
        )
        for name in names
    ]
    since = {row["customer_id"]: (row["joined_at"] - day(0)) / timedelta(days=1) for row in customers}
    met: Rows = []
    for source in names:
        for target in pick.sample(names, 3):
            for _ in range(pick.randint(1, 3)):
                on = half_day(max(since[source], since[target]), 105)
                weight = pick.choice([None, 0.0, 0.5, 1.0, 3.0])
                if source != target:
                    kind = pick.choice(["follow", "answer"])
                    met.append(reach(source, target, on, kind, weight, known(on)))
    brought_in = pick.sample(names, 5)
    met += [referral(a, b, since[b]) for a, b in itertools.pairwise(brought_in)]
    adopted: dict[tuple[str, str], float] = {}
    for product in "pqr":
        queue = [(half_day(since[name] + 1), name) for name in pick.sample(names, crowd // 3)]
        while queue:
            queue.sort(reverse=True)
            on, name = queue.pop()
            if (name, product) in adopted or on > 115:
                continue
            adopted[name, product] = on
            for row in met:
                if row["source_id"] == name and row["occurred_at"] < day(on) and pick.random() < passed_on:
                    queue.append((on + half_day(0.5, 3), row["target_id"]))
    orders: Rows = []
    for (name, product), on in adopted.items():
        paid = pick.choice(REVENUES)
        orders.append(order(name, on, product, paid, known(on)))
        if pick.random() < 0.3:
            again = on + half_day(0, 30)
            orders.append(order(name, again, product, pick.choice([-paid, -paid / 2, 30.0]), known(again)))
    usage = [use(name, half_day(since[name])) for name in names for _ in range(pick.randint(0, 3))]
    return customers, orders, met, usage


def shuffled(rows: Iterable[Row], seed: int) -> Rows:
    """The same rows in another order."""
    rows = list(rows)
    random.Random(seed).shuffle(rows)
    return rows


def chosen(**credit: Any) -> Settings:
    """Settings under which every adopter is compared with all others at risk."""
    return Settings(credit=Credit(**({"controls": 1000} | credit)))
