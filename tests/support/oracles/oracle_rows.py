"""Rows as dictionaries, and exact sums and means over them, for the slow features of `feature_oracle`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

Row = dict[str, Any]
Value = float | None
Column = Callable[[str], Value]
Pair = tuple[str, str]


def rows_by(rows: Iterable[Row], key: str) -> dict[Any, list[Row]]:
    """The rows by their value of *key*."""
    grouped: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row[key]].append(row)
    return grouped


def mean(values: Sequence[float]) -> Value:
    """The mean of *values*, None if there are none."""
    return exact_sum(values) / len(values) if values else None


def share_true(flags: Iterable[bool]) -> Value:
    """The share of *flags* that are true, None if there are none."""
    values = list(flags)
    return sum(values) / len(values) if values else None


def exact_sum(values: Iterable[float]) -> float:
    """The exact sum of *values*, each rounded to six decimals first."""
    return float(sum((Decimal(str(round(value, 6))) for value in values), Decimal(0)))


def quantity(row: Row) -> float:
    """What a row of usage counts as: its quantity, 1 where it has none."""
    given = row.get("quantity")
    return 1.0 if given is None else given
