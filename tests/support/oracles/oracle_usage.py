"""Slow and clear features of usage, part of `feature_oracle`."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from tests.support.oracles.oracle_rows import Column, Pair, Row, Value, exact_sum, mean, quantity, rows_by


def engagement_columns(
    past: dict[str, list[Row]], windows: Sequence[int], customers: list[str]
) -> dict[str, Column]:
    """Features of the family engagement."""
    usage = rows_by(past["usage"], "customer_id")

    def recent(customer: str, days: int) -> list[Row]:
        return [row for row in usage[customer] if row["age"] <= days]

    def active_days(customer: str, days: int) -> float:
        return len({row["age"] for row in recent(customer, days)})

    def active_users(customer: str, days: int) -> float:
        return len({row.get("user_id") for row in recent(customer, days)} - {None})

    def events(customer: str, days: int) -> float:
        return exact_sum(quantity(row) for row in recent(customer, days))

    def trend(customer: str, days: int) -> Value:
        both = events(customer, 2 * days)
        return events(customer, days) / both if both else None

    def percentile(customer: str, days: int) -> float:
        return _share_smaller(active_days(customer, days), [active_days(each, days) for each in customers])

    def weeks_in_a_row(customer: str) -> float:
        ages, weeks = {row["age"] for row in usage[customer]}, 0
        while weeks < 52 and ages & set(range(7 * weeks + 1, 7 * weeks + 8)):
            weeks += 1
        return weeks

    columns: dict[str, Column] = {
        "days_since_last_use": lambda customer: min((row["age"] for row in usage[customer]), default=None),
        "days_since_first_use": lambda customer: max((row["age"] for row in usage[customer]), default=None),
        "weeks_in_a_row": weeks_in_a_row,
    }
    for days in windows:
        columns[f"events_{days}d"] = lambda customer, days=days: events(customer, days)
        columns[f"active_days_{days}d"] = lambda customer, days=days: active_days(customer, days)
        columns[f"usage_trend_{days}d"] = lambda customer, days=days: trend(customer, days)
        columns[f"engagement_percentile_{days}d"] = lambda customer, days=days: percentile(customer, days)
        columns[f"active_users_{days}d"] = lambda customer, days=days: active_users(customer, days)
    return columns


def sophistication_columns(past: dict[str, list[Row]], windows: Sequence[int]) -> dict[str, Column]:
    """Features of the family sophistication."""
    usage = rows_by(past["usage"], "customer_id")
    catalog = {row["feature"]: row for row in past.get("catalog", [])}
    advanced = {name for name, row in catalog.items() if row["tier"] == "advanced"}

    first: dict[Pair, int] = {}
    """The age of the first use, which is the largest."""
    for row in past["usage"]:
        key = row["customer_id"], row["feature"]
        first[key] = max(first.get(key, 0), row["age"])

    def used(customer: str, days: float = math.inf) -> set[str]:
        return {row["feature"] for row in usage[customer] if row["age"] <= days}

    def advanced_share(customer: str, days: int) -> float:
        recent = [row for row in usage[customer] if row["age"] <= days]
        events = exact_sum(map(quantity, recent))
        of_advanced = exact_sum(quantity(row) for row in recent if row["feature"] in advanced)
        return of_advanced / events if events else 0.0

    def coverage(customer: str) -> float:
        return len(advanced & used(customer)) / len(advanced) if advanced else 0.0

    def entropy(customer: str, days: int) -> Value:
        by_feature: Counter[str] = Counter()
        for row in usage[customer]:
            if row["age"] <= days:
                by_feature[row["feature"]] += quantity(row)
        counts = by_feature.values()
        events = exact_sum(counts)
        if not events:
            return None
        # −Σ p ln p with p = n ÷ events, written as a sum that `exact_sum` rounds
        return round(max(math.log(events) - exact_sum(n * math.log(n) for n in counts) / events, 0.0), 6)

    def days_from_release(customer: str) -> Value:
        released = {feature: catalog.get(feature, {}).get("age") for feature in used(customer)}
        return mean([age - first[customer, feature] for feature, age in released.items() if age is not None])

    def earliness(customer: str) -> Value:
        """By feature, the share of its other users who did not start on an earlier day."""
        shares = []
        for feature in used(customer):
            others = [age for (user, what), age in first.items() if what == feature and user != customer]
            before = sum(age > first[customer, feature] for age in others)
            shares.append(1 - before / len(others) if others else 1.0)
        return mean(shares)

    columns: dict[str, Column] = {
        "features_ever_used": lambda customer: len(used(customer)),
        "earliness": earliness,
    }
    if "catalog" in past:
        columns |= {
            "advanced_features_used": lambda customer: len(advanced & used(customer)),
            "advanced_coverage": coverage,
            "advanced_power_user": lambda customer: float(coverage(customer) > 0.8),
            "days_from_release": days_from_release,
        }
    for days in windows:
        columns[f"features_used_{days}d"] = lambda customer, days=days: len(used(customer, days))
        columns[f"usage_entropy_{days}d"] = lambda customer, days=days: entropy(customer, days)
        if "catalog" in past:
            columns[f"advanced_share_{days}d"] = lambda customer, days=days: advanced_share(customer, days)
    return columns


def _share_smaller(value: float, values: Sequence[float]) -> float:
    """Share of the *other* values that are smaller; 0 for a value on its own."""
    return sum(other < value for other in values) / (len(values) - 1) if len(values) > 1 else 0.0
