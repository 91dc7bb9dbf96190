"""Ways to break each rule of the input contract, one at a time, in the small dataset."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from ripple.features.dataset import Dataset
from ripple.features.tables.contract import CONTRACT
from tests.support.oracles.feature_frames import LAST_DAY, Frames

END = LAST_DAY + timedelta(days=1)
LATE = datetime(2024, 8, 1)
NEVER = datetime(9999, 6, 1)
"""What stands for "never" in many systems."""
REQUIRED = [(name, column) for name, contract in CONTRACT.items() for column in contract.required]
CUSTOMER_COLUMNS = [
    (name, column)
    for name, contract in CONTRACT.items()
    for column in contract.customers
    if name != "customers"
]
TIMES = [(name, contract.time or "joined_at") for name, contract in CONTRACT.items() if name != "catalog"]
NUMBERS = [
    (name, column.name)
    for name, contract in CONTRACT.items()
    for column in contract.columns
    if column.type == "number"
]


@dataclass(frozen=True)
class Case:
    """A way to break one rule, and the finding that is to be reported."""

    key: str
    break_rule: Callable[[Frames], None]
    count: int = 1
    shown: str = ""
    """Part of an example row."""


SPARE = {"orders": 3, "interactions": 3}
"""Table → a row on which no other row depends, where that is not the last one."""


def put(table: str, column: str, value: object) -> Callable[[Frames], None]:
    """Give one row another value."""

    def break_rule(frames: Frames) -> None:
        frame = frames[table]
        if isinstance(value, str) or value is None:
            frame[column] = frame[column].astype(object)
        frame.loc[frame.index[SPARE.get(table, -1)], column] = value

    return break_rule


def add(table: str, **values: object) -> Callable[[Frames], None]:
    """Add a copy of the last row with other values."""

    def break_rule(frames: Frames) -> None:
        row = frames[table].iloc[[-1]].assign(**values)
        frames[table] = pd.concat([frames[table], row], ignore_index=True)

    return break_rule


def both(*breaks: Callable[[Frames], None]) -> Callable[[Frames], None]:
    def break_rule(frames: Frames) -> None:
        for break_rule in breaks:
            break_rule(frames)

    return break_rule


NUMBER = "a finite number below 1,000,000,000,000"
REFUND = "orders.revenue: negative only as a refund"
CASES = [
    *[Case(f"{table}.{column}: no nulls", put(table, column, None)) for table, column in REQUIRED],
    Case("usage.feature: no nulls", put("usage", "feature", "")),
    *[
        Case(f"{table}.{column}: a known customer", put(table, column, "ghost"), shown=f"{column}=ghost")
        for table, column in CUSTOMER_COLUMNS
    ],
    *[
        Case(f"{table}.{column}: {NUMBER}", put(table, column, np.inf), shown=f"{column}=inf")
        for table, column in NUMBERS
        if column != "score"
    ],
    Case(f"orders.margin: {NUMBER}", put("orders", "margin", -np.inf), shown="margin=-inf"),
    Case(f"orders.margin: {NUMBER}", put("orders", "margin", -1e12), shown="margin=-1000000000000.0"),
    Case(f"orders.revenue: {NUMBER}", put("orders", "revenue", 1e12), shown="revenue=1000000000000.0"),
    Case("customers.customer_id: unique", add("customers", customer_id="c1"), shown="customer_id=c1"),
    Case("customers.customer_id: unique", both(*[add("customers", customer_id="c1")] * 4), count=4),
    Case("catalog.feature: unique", add("catalog", feature="f1", tier="advanced"), shown="feature=f1"),
    Case("orders.order_id: of one customer", put("orders", "order_id", "o1"), shown="order_id=o1"),
    *[
        Case(
            f"{table}.{column}: below 1,000,000,000,000 a day",
            both(*[add(table, **{column: 5e11 + i}, **more(i)) for i in range(2)]),
            count=2,
            shown=f"{column}=500000000000.0",
        )
        for table, column, more in [
            ("orders", "revenue", lambda i: {"order_id": f"o9{i}"}),
            ("orders", "margin", lambda i: {"order_id": f"o9{i}", "revenue": 1.0}),
            ("usage", "quantity", lambda _: {}),
        ]
    ],
    Case("orders.ordered_at: not repeated", add("orders"), shown="order_id=o5"),
    *[
        Case(
            f"{table}.{column}: a time of the years 1 to 9998", put(table, column, NEVER), shown="9999-06-01"
        )
        for table, column in [*TIMES, ("catalog", "released_at")]
    ],
    *[
        Case(f"{table}.{column}: not after the end of the data", put(table, column, LATE), shown="2024-08-01")
        for table, column in TIMES
    ],
    Case(REFUND, add("orders", product="p3", order_id="o9"), shown="product=p3"),
    Case(REFUND, add("orders", revenue=-70.01, order_id="o9"), shown="revenue=-70.01"),
    Case(REFUND, add("orders", ordered_at=datetime(2024, 5, 1), order_id="o9"), count=1),
    Case(REFUND, add("orders", customer_id="c4", order_id="o9"), shown="customer_id=c4"),
    Case("catalog.tier: one of core, advanced", put("catalog", "tier", "Core"), shown="tier=Core"),
    Case("usage.quantity: not negative", put("usage", "quantity", -1.0), shown="quantity=-1.0"),
    Case("interactions.weight: not negative", put("interactions", "weight", -0.5), shown="weight=-0.5"),
    Case("interactions.target_id: not the source itself", put("interactions", "target_id", "c3")),
    Case("feedback.score: between -1 and 1", put("feedback", "score", 1.01), shown="score=1.01"),
    Case("feedback.score: between -1 and 1", put("feedback", "score", -5.0), shown="score=-5.0"),
]
ONE_CASE_PER_RULE = list({case.key.partition(": ")[2]: case for case in CASES}.values())
INFINITE_SCORE = f"feedback.score: {NUMBER}"


def rows(dataset: Dataset, table: str) -> list[dict[str, Any]]:
    """The rows of a table of *dataset*."""
    return dataset.tables[table].to_pyarrow().to_pylist()
