"""Every feature again, slow and clear, in plain Python: what the fast expressions must equal.

Rows are dictionaries, times datetimes and what is missing None. Nothing here is shared with `features`.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import pandas as pd

Row = dict[str, Any]
Value = float | None
Column = Callable[[str], Value]
EVENT_TIME = {
    "customers": "joined_at",
    "orders": "ordered_at",
    "usage": "occurred_at",
    "catalog": "released_at",
    "interactions": "occurred_at",
    "feedback": "occurred_at",
}
POWERS = ("referent", "informational", "expert")


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
    columns: dict[str, Column] = {}
    columns |= _value(past, as_of, windows)
    columns |= _engagement(past, as_of, windows, customers)
    columns |= _sophistication(past, as_of, windows)
    columns |= _network(past, as_of, half_life_days, powers)
    columns |= _referrals(past, as_of, windows)
    columns |= _feedback(past, as_of)
    if credit is not None:
        columns |= _credit(credit)
    table = {name: [column(customer) for customer in customers] for name, column in columns.items()}
    return pd.DataFrame(table, index=pd.Index(customers, name="customer_id"), dtype="float64")


def _past(name: str, frame: pd.DataFrame, as_of: datetime) -> list[Row]:
    rows = [
        {column: None if pd.isna(value) else value for column, value in row.items()}
        for row in frame.to_dict("records")
    ]
    times = (EVENT_TIME[name], "known_at")
    return [row for row in rows if all(row.get(time) is None or row[time] < as_of for time in times)]


def _age(moment: datetime, as_of: datetime) -> float:
    """In days, the moment cut to its second."""
    return (as_of - moment.replace(microsecond=0)).total_seconds() / 86_400


def _total(values: Iterable[float]) -> float:
    """Added exactly, each rounded to six decimals first."""
    return float(sum((Decimal(str(round(value, 6))) for value in values), Decimal(0)))


def _mean(values: Sequence[float]) -> Value:
    return _total(values) / len(values) if values else None


def _by(rows: Iterable[Row], key: str) -> dict[Any, list[Row]]:
    grouped: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row[key]].append(row)
    return grouped


def _share_smaller(value: float, values: Sequence[float]) -> float:
    """Share of the *other* values that are smaller; 0 for a value on its own."""
    return sum(other < value for other in values) / (len(values) - 1) if len(values) > 1 else 0.0


def _value(past: dict[str, list[Row]], as_of: datetime, windows: Sequence[int]) -> dict[str, Column]:
    orders = _by(past["orders"], "customer_id")
    joined = {row["customer_id"]: row["joined_at"] for row in past["customers"]}

    def last_order(customer: str) -> Value:
        ages = [_age(row["ordered_at"], as_of) for row in orders[customer] if row["revenue"] > 0]
        return min(ages, default=None)

    def count(customer: str, days: int) -> float:
        return sum(row["revenue"] > 0 and _age(row["ordered_at"], as_of) <= days for row in orders[customer])

    def revenue(customer: str, days: float) -> float:
        return _total(row["revenue"] for row in orders[customer] if _age(row["ordered_at"], as_of) <= days)

    def margin_share(customer: str) -> Value:
        known = [row for row in orders[customer] if row["margin"] is not None]
        spent = _total(row["revenue"] for row in known)
        return _total(row["margin"] for row in known) / spent if spent else None

    columns: dict[str, Column] = {
        "days_since_last_order": last_order,
        "total_revenue": lambda customer: revenue(customer, math.inf),
        "products_bought": lambda customer: len({row["product"] for row in orders[customer]}),
        "margin_share": margin_share,
        "tenure_days": lambda customer: _age(joined[customer], as_of),
    }
    for days in windows:
        columns[f"order_count_{days}d"] = lambda customer, days=days: count(customer, days)
        columns[f"revenue_{days}d"] = lambda customer, days=days: revenue(customer, days)
    return columns


def _engagement(
    past: dict[str, list[Row]], as_of: datetime, windows: Sequence[int], customers: list[str]
) -> dict[str, Column]:
    usage = _by(past["usage"], "customer_id")

    def recent(customer: str, days: int) -> list[Row]:
        return [row for row in usage[customer] if _age(row["occurred_at"], as_of) <= days]

    def active_days(customer: str, days: int) -> float:
        return len({row["occurred_at"].date() for row in recent(customer, days)})

    def active_users(customer: str, days: int) -> float:
        return len({row["user_id"] for row in recent(customer, days)} - {None})

    def trend(customer: str, days: int) -> Value:
        both = len(recent(customer, 2 * days))
        return len(recent(customer, days)) / both if both else None

    def percentile(customer: str, days: int) -> float:
        return _share_smaller(active_days(customer, days), [active_days(each, days) for each in customers])

    def ages(customer: str) -> list[float]:
        return [_age(row["occurred_at"], as_of) for row in usage[customer]]

    columns: dict[str, Column] = {
        "days_since_last_use": lambda customer: min(ages(customer), default=None),
        "days_since_first_use": lambda customer: max(ages(customer), default=None),
    }
    for days in windows:
        columns[f"events_{days}d"] = lambda customer, days=days: len(recent(customer, days))
        columns[f"active_days_{days}d"] = lambda customer, days=days: active_days(customer, days)
        columns[f"active_users_{days}d"] = lambda customer, days=days: active_users(customer, days)
        columns[f"usage_trend_{days}d"] = lambda customer, days=days: trend(customer, days)
        columns[f"engagement_percentile_{days}d"] = lambda customer, days=days: percentile(customer, days)
    return columns


def _sophistication(past: dict[str, list[Row]], as_of: datetime, windows: Sequence[int]) -> dict[str, Column]:
    usage = _by(past["usage"], "customer_id")
    catalog = {row["feature"]: row for row in past["catalog"]}
    advanced = {name for name, row in catalog.items() if row["tier"] == "advanced"}

    first: dict[tuple[str, str], datetime] = {}
    for row in past["usage"]:
        key = row["customer_id"], row["feature"]
        first[key] = min(first.get(key, row["occurred_at"]), row["occurred_at"])

    def used(customer: str) -> list[str]:
        return [feature for user, feature in first if user == customer]

    def advanced_share(customer: str, days: int) -> float:
        recent = [row for row in usage[customer] if _age(row["occurred_at"], as_of) <= days]
        return sum(row["feature"] in advanced for row in recent) / len(recent) if recent else 0.0

    def coverage(customer: str) -> float:
        return len(advanced & set(used(customer))) / len(advanced) if advanced else 0.0

    def entropy(customer: str) -> Value:
        counts = Counter(row["feature"] for row in usage[customer]).values()
        events = sum(counts)
        if not events:
            return None
        # −Σ p ln p with p = n ÷ events, written as a sum that `_total` rounds
        return round(max(math.log(events) - _total(n * math.log(n) for n in counts) / events, 0.0), 6)

    def days_from_release(customer: str) -> Value:
        released = {feature: catalog.get(feature, {}).get("released_at") for feature in used(customer)}
        return _mean(
            [
                _age(moment, as_of) - _age(first[customer, feature], as_of)
                for feature, moment in released.items()
                if moment is not None
            ]
        )

    def earliness(customer: str) -> Value:
        shares = []
        for feature in used(customer):
            starts = [moment.timestamp() for (_, what), moment in first.items() if what == feature]
            shares.append(1 - _share_smaller(first[customer, feature].timestamp(), starts))
        return _mean(shares)

    columns: dict[str, Column] = {
        "features_used": lambda customer: len(used(customer)),
        "advanced_features_used": lambda customer: len(advanced & set(used(customer))),
        "advanced_coverage": coverage,
        "advanced_power_user": lambda customer: float(coverage(customer) > 0.8),
        "usage_entropy": entropy,
        "days_from_release": days_from_release,
        "earliness": earliness,
    }
    for days in windows:
        columns[f"advanced_share_{days}d"] = lambda customer, days=days: advanced_share(customer, days)
    return columns


def _network(
    past: dict[str, list[Row]], as_of: datetime, half_life_days: float, powers: dict[str, str]
) -> dict[str, Column]:
    orders = _by(past["orders"], "customer_id")
    ties = [
        row
        | {
            "power": powers.get(row["kind"]),
            "strength": (1.0 if row["weight"] is None else row["weight"])
            * 0.5 ** min(_age(row["occurred_at"], as_of) / half_life_days, 50),
        }
        for row in past["interactions"]
        if row["kind"] != "referral"
    ]
    pairs = {(row["source_id"], row["target_id"]) for row in ties}

    def reached(customer: str, power: str | None = None) -> set[str]:
        return {
            row["target_id"] for row in ties if row["source_id"] == customer and power in (None, row["power"])
        }

    def strength(end: str, customer: str, power: str | None = None) -> float:
        return _total(
            row["strength"] for row in ties if row[end] == customer and power in (None, row["power"])
        )

    def reciprocity(customer: str, power: str) -> Value:
        targets = reached(customer, power)
        return sum((target, customer) in pairs for target in targets) / len(targets) if targets else None

    def neighbour_revenue(customer: str) -> Value:
        return _mean([_total(row["revenue"] for row in orders[other]) for other in reached(customer)])

    def neighbour_products(customer: str) -> Value:
        weights = {
            target: _total(
                row["strength"] for row in ties if (row["source_id"], row["target_id"]) == (customer, target)
            )
            for target in reached(customer)
        }
        products = {target: len({row["product"] for row in orders[target]}) for target in weights}
        weight = _total(weights.values())
        return _total(weights[target] * products[target] for target in weights) / weight if weight else None

    columns: dict[str, Column] = {
        "out_degree": lambda customer: len(reached(customer)),
        "out_strength": lambda customer: strength("source_id", customer),
        "in_degree": lambda customer: len({source for source, target in pairs if target == customer}),
        "in_strength": lambda customer: strength("target_id", customer),
        "neighbour_revenue": neighbour_revenue,
        "neighbour_products": neighbour_products,
    }
    for power in POWERS:
        columns[f"{power}_reach"] = lambda customer, power=power: len(reached(customer, power))
        columns[f"{power}_strength"] = lambda customer, power=power: strength("source_id", customer, power)
        columns[f"{power}_reciprocity"] = lambda customer, power=power: reciprocity(customer, power)
    return columns


def _referrals(past: dict[str, list[Row]], as_of: datetime, windows: Sequence[int]) -> dict[str, Column]:
    orders, usage = _by(past["orders"], "customer_id"), _by(past["usage"], "customer_id")
    invited = _by([row for row in past["interactions"] if row["kind"] == "referral"], "source_id")

    def newcomers(customer: str, days: float = math.inf) -> list[str]:
        return [row["target_id"] for row in invited[customer] if _age(row["occurred_at"], as_of) <= days]

    def spent(newcomer: str, days: float = math.inf) -> float:
        return _total(row["revenue"] for row in orders[newcomer] if _age(row["ordered_at"], as_of) <= days)

    def bought(newcomer: str, days: int) -> bool:
        return any(row["revenue"] > 0 and _age(row["ordered_at"], as_of) <= days for row in orders[newcomer])

    def active(newcomer: str, days: int) -> bool:
        return any(_age(row["occurred_at"], as_of) <= days for row in usage[newcomer])

    columns: dict[str, Column] = {
        "referrals": lambda customer: len(newcomers(customer)),
        "paying_referrals": lambda customer: sum(spent(each) > 0 for each in newcomers(customer)),
        "referral_revenue": lambda customer: _total(spent(each) for each in newcomers(customer)),
        "best_referral": lambda customer: max(map(spent, newcomers(customer)), default=0.0),
    }
    for days in windows:
        columns |= {
            f"recent_referrals_{days}d": lambda customer, days=days: len(newcomers(customer, days)),
            f"buying_referrals_{days}d": lambda customer, days=days: sum(
                bought(each, days) for each in newcomers(customer)
            ),
            f"active_referrals_{days}d": lambda customer, days=days: sum(
                active(each, days) for each in newcomers(customer)
            ),
            f"recent_referral_revenue_{days}d": lambda customer, days=days: _total(
                spent(each, days) for each in newcomers(customer)
            ),
        }
    return columns


def _feedback(past: dict[str, list[Row]], as_of: datetime) -> dict[str, Column]:
    feedback = _by(past["feedback"], "customer_id")

    def latest(customer: str) -> Value:
        """The worse one of two in the same second."""
        said = [(_age(row["occurred_at"], as_of), row["score"]) for row in feedback[customer]]
        return min(said)[1] if said else None

    return {
        "feedback_count": lambda customer: len(feedback[customer]),
        "feedback_mean": lambda customer: _mean([row["score"] for row in feedback[customer]]),
        "feedback_latest": latest,
    }


def _credit(credit: pd.DataFrame) -> dict[str, Column]:
    given = credit.set_index("customer_id")

    def column(name: str) -> Column:
        return lambda customer: float(given[name].get(customer, 0.0))

    names = ("influence_value", "referral_value", "network_value", "influenced_customers")
    return {f"past_{name}": column(name) for name in names}
