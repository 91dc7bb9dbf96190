"""Every feature again, slow and clear, in plain Python: what the fast expressions must equal.

Rows are dictionaries, times datetimes and what is missing None. Nothing here is shared with `features`.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd

Row = dict[str, Any]
Value = float | None
Column = Callable[[str], Value]
Pair = tuple[str, str]
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
"""How the names of features begin → the optional column without which they do not exist."""
PRECISION = {"pagerank": 1e-6, "neighbour_revenue": 1e-8, "neighbour_products": 1e-8}
"""Relative, of what is found by iteration or given in nine digits; of all else 1e-9."""
POWERS = ("referent", "informational", "expert")
DAMPING = 0.85


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
        columns |= _engagement(past, windows, customers)
        columns |= _sophistication(past, windows)
    if "interactions" in past:
        columns |= _network(past, windows, half_life_days, powers)
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


def assert_equal(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    """Whether a feature matrix is that of the oracle, in any order of columns."""
    assert set(found.columns) == set(expected.columns)
    for name, column in expected.items():
        pd.testing.assert_series_equal(found[name], column, rtol=PRECISION.get(str(name), 1e-9), atol=0)


def _past(name: str, frame: pd.DataFrame, as_of: datetime) -> list[Row]:
    """Rows that had happened and were known, with their `age`: in days of the calendar, 1 on the last."""
    last = (as_of - timedelta(microseconds=1)).date()
    found = []
    for record in frame.to_dict("records"):
        row = {column: None if pd.isna(value) else value for column, value in record.items()}
        moment = row.get(EVENT_TIME[name])
        if all(time is None or time < as_of for time in (moment, row.get("known_at"))):
            found.append(row | {"age": None if moment is None else (last - moment.date()).days + 1})
    return found


def _names(row: Row) -> set[str]:
    return {row[column] for column in ("customer_id", "source_id", "target_id") if column in row}


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


def _value(past: dict[str, list[Row]], windows: Sequence[int]) -> dict[str, Column]:
    orders = _by(past["orders"], "customer_id")
    tenure = {row["customer_id"]: row["age"] for row in past["customers"]}

    def last_order(customer: str) -> Value:
        return min((row["age"] for row in orders[customer] if row["revenue"] > 0), default=None)

    def count(customer: str, days: int) -> float:
        return sum(row["revenue"] > 0 and row["age"] <= days for row in orders[customer])

    def revenue(customer: str, days: float) -> float:
        return _total(row["revenue"] for row in orders[customer] if row["age"] <= days)

    def margin_share(customer: str) -> Value:
        known = [row for row in orders[customer] if row.get("margin") is not None]
        spent = _total(row["revenue"] for row in known)
        return _total(row["margin"] for row in known) / spent if spent else None

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


def _engagement(
    past: dict[str, list[Row]], windows: Sequence[int], customers: list[str]
) -> dict[str, Column]:
    usage = _by(past["usage"], "customer_id")

    def recent(customer: str, days: int) -> list[Row]:
        return [row for row in usage[customer] if row["age"] <= days]

    def active_days(customer: str, days: int) -> float:
        return len({row["age"] for row in recent(customer, days)})

    def active_users(customer: str, days: int) -> float:
        return len({row.get("user_id") for row in recent(customer, days)} - {None})

    def trend(customer: str, days: int) -> Value:
        both = len(recent(customer, 2 * days))
        return len(recent(customer, days)) / both if both else None

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
        columns[f"events_{days}d"] = lambda customer, days=days: len(recent(customer, days))
        columns[f"active_days_{days}d"] = lambda customer, days=days: active_days(customer, days)
        columns[f"usage_trend_{days}d"] = lambda customer, days=days: trend(customer, days)
        columns[f"engagement_percentile_{days}d"] = lambda customer, days=days: percentile(customer, days)
        columns[f"active_users_{days}d"] = lambda customer, days=days: active_users(customer, days)
    return columns


def _sophistication(past: dict[str, list[Row]], windows: Sequence[int]) -> dict[str, Column]:
    usage = _by(past["usage"], "customer_id")
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
        return sum(row["feature"] in advanced for row in recent) / len(recent) if recent else 0.0

    def coverage(customer: str) -> float:
        return len(advanced & used(customer)) / len(advanced) if advanced else 0.0

    def entropy(customer: str, days: int) -> Value:
        counts = Counter(row["feature"] for row in usage[customer] if row["age"] <= days).values()
        events = sum(counts)
        if not events:
            return None
        # −Σ p ln p with p = n ÷ events, written as a sum that `_total` rounds
        return round(max(math.log(events) - _total(n * math.log(n) for n in counts) / events, 0.0), 6)

    def days_from_release(customer: str) -> Value:
        released = {feature: catalog.get(feature, {}).get("age") for feature in used(customer)}
        return _mean([age - first[customer, feature] for feature, age in released.items() if age is not None])

    def earliness(customer: str) -> Value:
        """By feature, the share of its other users who did not start on an earlier day."""
        shares = []
        for feature in used(customer):
            others = [age for (user, what), age in first.items() if what == feature and user != customer]
            before = sum(age > first[customer, feature] for age in others)
            shares.append(1 - before / len(others) if others else 1.0)
        return _mean(shares)

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


def _network(
    past: dict[str, list[Row]], windows: Sequence[int], half_life_days: float, powers: dict[str, str]
) -> dict[str, Column]:
    orders, usage = _by(past["orders"], "customer_id"), _by(past.get("usage", []), "customer_id")
    contacts = [row for row in past["interactions"] if row["kind"] != "referral"]
    ties = _weights(contacts, half_life_days)
    by_power = {
        power: _weights((row for row in contacts if powers.get(row["kind"]) == power), half_life_days)
        for power in POWERS
    }
    begun: dict[Pair, int] = {}
    """The age of the first contact, which is the largest."""
    for row in contacts:
        pair = row["source_id"], row["target_id"]
        begun[pair] = max(begun.get(pair, 0), row["age"])
    bought: dict[str, dict[str, int]] = defaultdict(dict)
    """By customer and product, the age of the first purchase, which is the largest."""
    for row in past["orders"]:
        own = bought[row["customer_id"]]
        own[row["product"]] = max(own.get(row["product"], 0), row["age"])
    targets, sources = defaultdict(set), defaultdict(set)
    for source, target in ties:
        targets[source].add(target)
        sources[target].add(source)
    ranks = _pagerank(ties, [row["customer_id"] for row in past["customers"]])
    cores = _cores({frozenset(pair) for pair, weight in ties.items() if weight >= 0.25})

    def strength(end: int, customer: str, ties: dict[Pair, float] = ties) -> float:
        return _total(weight for pair, weight in ties.items() if pair[end] == customer)

    def reached(customer: str, power: str) -> set[str]:
        return {target for source, target in by_power[power] if source == customer}

    def reciprocity(customer: str, power: str) -> Value:
        found = reached(customer, power)
        return sum((target, customer) in ties for target in found) / len(found) if found else None

    def second_hand_reach(customer: str) -> float:
        return sum(len(targets[target] - {customer}) for target in targets[customer])

    def neighbour_revenue(customer: str) -> Value:
        spent = [_total(row["revenue"] for row in orders[target]) for target in targets[customer]]
        return _mean(spent)

    def neighbour_products(customer: str) -> Value:
        weight = strength(0, customer)
        held = _total(ties[customer, target] * len(bought[target]) for target in targets[customer])
        return held / weight if weight else None

    def neighbour_lack(customer: str) -> Value:
        own = len(bought[customer])
        return _mean([max(own - len(bought[target]), 0) for target in targets[customer]])

    def neighbour_activity(customer: str) -> Value:
        return _mean_flag(
            any(row["age"] <= max(windows) for row in orders[target] + usage[target])
            for target in targets[customer]
        )

    def leads(source: str, target: str, product: str) -> bool:
        """Whether *source* had the product, and had been in touch, before *target* bought it first."""
        day = bought[target][product]
        return bought[source].get(product, 0) > day and begun[source, target] >= day

    def made(customer: str, days: int) -> list[str]:
        return [product for product, age in bought[customer].items() if age <= days]

    def led_purchases(customer: str, days: int) -> float:
        return sum(
            leads(customer, target, product) for target in targets[customer] for product in made(target, days)
        )

    def followed_purchases(customer: str, days: int) -> Value:
        return _mean_flag(
            any(leads(source, customer, product) for source in sources[customer])
            for product in made(customer, days)
        )

    columns: dict[str, Column] = {
        "out_degree": lambda customer: len(targets[customer]),
        "out_strength": lambda customer: strength(0, customer),
        "in_degree": lambda customer: len(sources[customer]),
        "in_strength": lambda customer: strength(1, customer),
        "second_hand_reach": second_hand_reach,
        "pagerank": lambda customer: ranks[customer],
        "core_number": lambda customer: cores.get(customer, 0),
        "neighbour_revenue": neighbour_revenue,
        "neighbour_products": neighbour_products,
        "neighbour_lack": neighbour_lack,
        "neighbour_activity": neighbour_activity,
    }
    for days in windows:
        columns[f"led_purchases_{days}d"] = lambda customer, days=days: led_purchases(customer, days)
        columns[f"followed_purchases_{days}d"] = lambda customer, days=days: followed_purchases(
            customer, days
        )
    for power, own in by_power.items():
        columns[f"{power}_reach"] = lambda customer, power=power: len(reached(customer, power))
        columns[f"{power}_strength"] = lambda customer, own=own: strength(0, customer, own)
        columns[f"{power}_reciprocity"] = lambda customer, power=power: reciprocity(customer, power)
    return columns


def _mean_flag(flags: Iterable[bool]) -> Value:
    found = list(flags)
    return sum(found) / len(found) if found else None


def _weights(contacts: Iterable[Row], half_life_days: float) -> dict[Pair, float]:
    """Weight by source and target: that of each kind and day, decayed, to six decimals, added up."""
    together: dict[tuple[str, str, str, int, object], list[float]] = defaultdict(list)
    for row in contacts:
        # what became known later is a row of its own
        known = None if row.get("known_at") is None else max(row["known_at"], row["occurred_at"]).date()
        known = known or row["occurred_at"].date()
        key = row["source_id"], row["target_id"], row["kind"], row["age"], known
        together[key].append(1.0 if row.get("weight") is None else row["weight"])
    decayed: dict[Pair, list[float]] = defaultdict(list)
    for (source, target, _, age, _), weights in together.items():
        decay = 0.5 ** min(age / half_life_days, 50)
        decayed[source, target].append(round(_total(weights) * decay * 1_000_000) / 1_000_000)
    return {pair: _total(weights) for pair, weights in decayed.items()}


def _pagerank(ties: dict[Pair, float], customers: list[str]) -> dict[str, float]:
    """Times the number of customers. Targets vote for sources by weight; those nobody reaches for all."""
    cast: dict[str, float] = defaultdict(float)
    for (_, target), weight in ties.items():
        cast[target] += weight
    rank, moved = dict.fromkeys(customers, 1.0), 1.0
    while customers and moved > 1e-12:
        found = dict.fromkeys(customers, 0.0)
        for (source, target), weight in ties.items():
            if cast[target]:
                found[source] += DAMPING * rank[target] * weight / cast[target]
        rest = 1 - sum(found.values()) / len(customers)
        found = {customer: value + rest for customer, value in found.items()}
        moved = max(abs(found[customer] - rank[customer]) for customer in customers)
        rank = found
    return rank


def _cores(edges: set[frozenset[str]]) -> dict[str, int]:
    """By customer the largest k such that they are left when, again and again, all with fewer than k go."""
    cores, k = {}, 0
    while edges:
        k += 1
        while True:
            degree = Counter(customer for edge in edges for customer in edge)
            left = {edge for edge in edges if all(degree[customer] >= k for customer in edge)}
            if left == edges:
                break
            edges = left
        cores |= {customer: k for edge in edges for customer in edge}
    return cores


def _referrals(past: dict[str, list[Row]], windows: Sequence[int]) -> dict[str, Column]:
    orders, usage = _by(past["orders"], "customer_id"), _by(past.get("usage", []), "customer_id")
    referrals = [row for row in past["interactions"] if row["kind"] == "referral"]
    invited, brought = _by(referrals, "source_id"), {row["target_id"] for row in referrals}

    def newcomers(customer: str, days: float = math.inf) -> list[str]:
        return [row["target_id"] for row in invited[customer] if row["age"] <= days]

    def spent(newcomer: str, days: float = math.inf) -> float:
        return _total(row["revenue"] for row in orders[newcomer] if row["age"] <= days)

    def bought(newcomer: str, days: int) -> bool:
        return any(row["revenue"] > 0 and row["age"] <= days for row in orders[newcomer])

    def active(newcomer: str, days: int) -> bool:
        return any(row["age"] <= days for row in usage[newcomer])

    columns: dict[str, Column] = {
        "referrals": lambda customer: len(newcomers(customer)),
        "paying_referrals": lambda customer: sum(spent(each) > 0 for each in newcomers(customer)),
        "referral_revenue": lambda customer: _total(spent(each) for each in newcomers(customer)),
        "best_referral": lambda customer: max(map(spent, newcomers(customer)), default=0.0),
        "was_referred": lambda customer: float(customer in brought),
    }
    for days in windows:
        columns |= {
            f"recent_referrals_{days}d": lambda customer, days=days: len(newcomers(customer, days)),
            f"buying_referrals_{days}d": lambda customer, days=days: sum(
                bought(each, days) for each in newcomers(customer)
            ),
            f"recent_referral_revenue_{days}d": lambda customer, days=days: _total(
                spent(each, days) for each in newcomers(customer)
            ),
        }
        if "usage" in past:
            columns[f"active_referrals_{days}d"] = lambda customer, days=days: sum(
                active(each, days) for each in newcomers(customer)
            )
    return columns


def _feedback(past: dict[str, list[Row]]) -> dict[str, Column]:
    feedback = _by(past["feedback"], "customer_id")

    def latest(customer: str) -> Value:
        """The worst one of the last day with any."""
        said = [(row["age"], row["score"]) for row in feedback[customer]]
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
