"""Every feature again, slow and clear, in plain Python: what the fast expressions must equal.

Rows are dictionaries, times datetimes and what is missing None. Nothing here is shared with `features`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, datetime, timedelta

import pandas as pd

from tests.support.oracles.oracle_graph import network_columns
from tests.support.oracles.oracle_rows import Column, Row, Value, exact_sum, mean, quantity, rows_by
from tests.support.oracles.oracle_usage import engagement_columns, sophistication_columns

EVENT_TIME = {
    "customers": "joined_at",
    "orders": "ordered_at",
    "usage": "occurred_at",
    "catalog": "released_at",
    "interactions": "occurred_at",
    "feedback": "occurred_at",
}
NEEDED = {
    "margin_share": ("orders", "margin"),
    "active_users": ("usage", "user_id"),
    "days_from_release": ("catalog", "released_at"),
}
"""Prefix of features → the optional column without which they do not exist."""
PRECISION = {"pagerank": 1e-6, "neighbour_revenue": 1e-8, "neighbour_products": 1e-8}
"""Relative, of what is found by iteration or given in nine digits; of all else 1e-9."""


def features(
    frames: dict[str, pd.DataFrame],
    as_of: datetime,
    windows: Sequence[int],
    half_life_days: float,
    powers: dict[str, str],
    credit: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """One row per customer who had joined before *as_of*, one column per feature, None where undefined."""
    past = {name: _past(name, frame, as_of) for name, frame in frames.items()}
    customers = sorted(row["customer_id"] for row in past["customers"])
    # whoever has not joined yet is nobody: rows that name them do not count
    past = {name: [row for row in rows if _names(row) <= set(customers)] for name, rows in past.items()}
    columns: dict[str, Column] = {}
    columns |= _value(past, windows)
    if "usage" in past:
        past["usage"] = [row for row in past["usage"] if quantity(row) > 0]
        columns |= engagement_columns(past, windows, customers)
        columns |= sophistication_columns(past, windows)
    if "interactions" in past:
        columns |= network_columns(past, windows, half_life_days, powers)
        columns |= _referrals(past, windows)
    if "feedback" in past:
        columns |= _feedback(past)
    if credit is not None:
        columns |= _credit(credit)
    lost = tuple(begin for begin, (name, column) in NEEDED.items() if column not in frames.get(name, ()))
    table = {
        name: [column(customer) for customer in customers]
        for name, column in columns.items()
        if not name.startswith(lost)
    }
    index = pd.Index(customers, name="customer_id", dtype="str")
    return pd.DataFrame(table, index=index, dtype="float64")


def assert_equal(matrix: pd.DataFrame, expected: pd.DataFrame) -> None:
    """Whether a feature matrix is that of the oracle, in any order of columns."""
    assert set(matrix.columns) == set(expected.columns)
    for name, column in expected.items():
        pd.testing.assert_series_equal(matrix[name], column, rtol=PRECISION.get(str(name), 1e-9), atol=0)


def _past(name: str, frame: pd.DataFrame, as_of: datetime) -> list[Row]:
    """Rows that had happened and were known, with their `age`: in days of the calendar, 1 on the last."""
    last = (as_of - timedelta(microseconds=1)).date()
    past = []
    for record in frame.to_dict("records"):
        row = {column: None if pd.isna(value) else value for column, value in record.items()}
        moment = row.get(EVENT_TIME[name])
        if all(time is None or time < as_of for time in (moment, row.get("known_at"))):
            past.append(row | {"age": None if moment is None else (last - moment.date()).days + 1})
    return past


def _known_day(order: Row) -> date:
    known: datetime = max(order["ordered_at"], order.get("known_at") or order["ordered_at"])
    return known.date()


def _names(row: Row) -> set[str]:
    return {row[column] for column in ("customer_id", "source_id", "target_id") if column in row}


def _value(past: dict[str, list[Row]], windows: Sequence[int]) -> dict[str, Column]:
    orders = rows_by(past["orders"], "customer_id")
    tenure = {row["customer_id"]: row["age"] for row in past["customers"]}

    def last_order(customer: str) -> Value:
        return min((row["age"] for row in orders[customer] if row["revenue"] > 0), default=None)

    def count(customer: str, days: int) -> float:
        paid = [row for row in orders[customer] if row["revenue"] > 0 and row["age"] <= days]
        alone = sum(row.get("order_id") is None for row in paid)
        lines = [row for row in paid if row.get("order_id") is not None]
        return alone + len({(row["order_id"], row["age"], _known_day(row)) for row in lines})

    def revenue(customer: str, days: float) -> float:
        return exact_sum(row["revenue"] for row in orders[customer] if row["age"] <= days)

    def margin_share(customer: str) -> Value:
        known = [row for row in orders[customer] if row.get("margin") is not None]
        spent = exact_sum(row["revenue"] for row in known)
        return exact_sum(row["margin"] for row in known) / spent if spent else None

    columns: dict[str, Column] = {
        "days_since_last_order": last_order,
        "total_revenue": lambda customer: revenue(customer, math.inf),
        "products_bought": lambda customer: len({row["product"] for row in orders[customer]}),
        "margin_share": margin_share,
        "tenure_days": lambda customer: tenure[customer],
    }
    for days in windows:
        columns[f"order_count_{days}d"] = lambda customer, days=days: count(customer, days)
        columns[f"revenue_{days}d"] = lambda customer, days=days: revenue(customer, days)
    return columns


def _referrals(past: dict[str, list[Row]], windows: Sequence[int]) -> dict[str, Column]:
    orders, usage = rows_by(past["orders"], "customer_id"), rows_by(past.get("usage", []), "customer_id")
    referrals = [row for row in past["interactions"] if row["kind"] == "referral"]
    invited, brought = rows_by(referrals, "source_id"), {row["target_id"] for row in referrals}

    def newcomers(customer: str, days: float = math.inf) -> list[str]:
        return [row["target_id"] for row in invited[customer] if row["age"] <= days]

    def spent(newcomer: str, days: float = math.inf) -> float:
        return exact_sum(row["revenue"] for row in orders[newcomer] if row["age"] <= days)

    def bought(newcomer: str, days: int) -> bool:
        return any(row["revenue"] > 0 and row["age"] <= days for row in orders[newcomer])

    def active(newcomer: str, days: int) -> bool:
        return any(row["age"] <= days for row in usage[newcomer])

    columns: dict[str, Column] = {
        "referrals": lambda customer: len(newcomers(customer)),
        "paying_referrals": lambda customer: sum(spent(each) > 0 for each in newcomers(customer)),
        "referral_revenue": lambda customer: exact_sum(spent(each) for each in newcomers(customer)),
        "best_referral": lambda customer: max(map(spent, newcomers(customer)), default=0.0),
        "was_referred": lambda customer: float(customer in brought),
    }
    for days in windows:
        columns |= {
            f"recent_referrals_{days}d": lambda customer, days=days: len(newcomers(customer, days)),
            f"buying_referrals_{days}d": lambda customer, days=days: sum(
                bought(each, days) for each in newcomers(customer)
            ),
            f"recent_referral_revenue_{days}d": lambda customer, days=days: exact_sum(
                spent(each, days) for each in newcomers(customer)
            ),
        }
        if "usage" in past:
            columns[f"active_referrals_{days}d"] = lambda customer, days=days: sum(
                active(each, days) for each in newcomers(customer)
            )
    return columns


def _feedback(past: dict[str, list[Row]]) -> dict[str, Column]:
    feedback = rows_by(past["feedback"], "customer_id")

    def latest(customer: str) -> Value:
        """The worst one of the last day with any."""
        said = [(row["age"], row["score"]) for row in feedback[customer]]
        return min(said)[1] if said else None

    return {
        "feedback_count": lambda customer: len(feedback[customer]),
        "feedback_mean": lambda customer: mean([row["score"] for row in feedback[customer]]),
        "feedback_latest": latest,
    }


def _credit(credit: pd.DataFrame) -> dict[str, Column]:
    given = credit.set_index("customer_id")

    def column(name: str) -> Column:
        return lambda customer: float(given[name].get(customer, 0.0))

    names = ("influence_value", "referral_value", "network_value", "influenced_customers")
    return {f"past_{name}": column(name) for name in names}
