"""What is odd about a dataset that keeps every rule: a line each, with the number and what to do."""

from __future__ import annotations

from collections.abc import Iterator

import ibis.expr.types as ir

from ripple.features.dataset import Dataset
from ripple.features.tables.contract import CONTRACTS
from ripple.features.tables.near_names import near_column
from ripple.features.validation.currencies import other_currency
from ripple.features.validation.event_days import thin_tail
from ripple.features.validation.findings import Report, count_with_share
from ripple.suggestions import most_similar

MAX_NAMES = 8
"""The number of columns, or of kinds of interaction, that are named."""


def notes(dataset: Dataset, report: Report) -> Iterator[str]:
    """What is odd about *dataset*, whose rows *report* has counted."""
    yield from _unused_tables(dataset)
    yield from _unused_columns(dataset)
    for name, kind in dataset.left_out.items():
        yield f"customers.{name}: is of type {kind} and left out; make it text or a number by SQL"
    yield from _attributes_of_strangers(dataset)
    yield from other_currency(dataset)
    yield from _no_contacts(dataset, report)
    yield from _kinds_without_power(dataset)
    yield from _joined_late(dataset, report)
    yield from _order_lines(dataset, report)
    if tail := thin_tail(report.days, report.start, report.end):
        yield tail


def _unused_tables(dataset: Dataset) -> Iterator[str]:
    for name, near in dataset.unknown_tables.items():
        if near is not None and near not in dataset.tables:
            yield f"table '{name}' is not used; if it is {near}: [tables.{near}] from = \"{name}\""
    others = [name for name, near in dataset.unknown_tables.items() if near is None or near in dataset.tables]
    if others:
        yield f"{_named(others, 'table')} not used: {_list(others)}"


def _unused_columns(dataset: Dataset) -> Iterator[str]:
    """The columns that nothing is made of; by itself each that is called nearly like one of the contract."""
    for table, by_origin in dataset.unused.items():
        contract = CONTRACTS[table]
        present = set(dataset.tables[table].columns) if table in dataset.tables else set()
        absent = [column.name for column in contract.columns if column.name not in present]
        for origin, names in by_origin.items():
            near = {name: near_column(name, absent) for name in names}
            # of several that are near the same one, the first
            first = {column: name for name, column in reversed(near.items()) if column is not None}
            for column, name in reversed(first.items()):
                yield (
                    f"{table}: column '{name}' is not used; if it is {column}: "
                    f'[tables.{table}.columns] {column} = "{name}"'
                )
            others = [name for name in names if name not in first.values()]
            if others:
                where = "" if origin == table else f" of {origin}"
                yield f"{table}: {_named(others, 'column')}{where} not used: {_list(others)}"


def _attributes_of_strangers(dataset: Dataset) -> Iterator[str]:
    if dataset.attribute_history is None:
        return
    rows = dataset.attribute_history.rows.filter(lambda table: table.value.notnull())
    count = _number(rows.anti_join(dataset.tables["customers"], "customer_id").count())
    if count:
        yield (
            f"attributes: {count:,} value{'s' * (count != 1)} of customers who are not in customers "
            f"{'are' if count != 1 else 'is'} not used"
        )


def _no_contacts(dataset: Dataset, report: Report) -> Iterator[str]:
    if "interactions" not in dataset.tables:
        yield "interactions: absent; only what customers spend themselves can be predicted"
        return
    if not report.rows["interactions"]:
        yield (
            "interactions: 0 rows; nobody can be credited with referrals or influence: features can be "
            "computed, a model cannot be trained"
        )
        return
    interactions = dataset.tables["interactions"]
    contacts = interactions.filter(interactions.kind != "referral")
    if not _number(contacts.count()):
        yield "interactions: 0 contacts besides referrals; nobody can be credited with influence"


def _kinds_without_power(dataset: Dataset) -> Iterator[str]:
    if "interactions" not in dataset.tables:
        return
    powers = dataset.settings.powers
    kinds = dataset.tables["interactions"].group_by("kind").aggregate(rows=lambda table: table.count())
    kinds = kinds.filter(kinds.kind.notin(list(powers))).to_pyarrow().to_pylist()
    if kinds:
        kinds = sorted(kinds, key=lambda kind: (-kind["rows"], kind["kind"]))
        named = []
        for kind in kinds:
            near = most_similar(kind["kind"], powers, 0.7)
            rows = f"{kind['rows']:,} row{'s' * (kind['rows'] != 1)}"
            named.append(f"{kind['kind']} ({rows}{f'; {near}?' if near else ''})")
        yield (
            f"interactions.kind: {_named(named, 'kind')} without a power, which count as "
            f"contacts only: {_list(named)}; give each its power in [kinds]"
        )


def _joined_late(dataset: Dataset, report: Report) -> Iterator[str]:
    orders, customers = dataset.tables["orders"], dataset.tables["customers"]
    first = orders.group_by("customer_id").aggregate(first=orders.ordered_at.min())
    # a day, as either may be a date without its time
    late = customers.join(first, "customer_id")
    count = _number(late.filter(late["first"].truncate("D") < late.joined_at.truncate("D")).count())
    if count:
        yield (
            f"customers.joined_at: {count_with_share(count, report.rows['customers'], 'customer')} joined "
            "after their first order, which hides what led to it; joined_at is the day of the first contact, "
            "not that on which a row was written"
        )


def _order_lines(dataset: Dataset, report: Report) -> Iterator[str]:
    if not dataset.tables.has("orders", "order_id") or dataset.tables.has("orders", "line"):
        return
    orders = dataset.tables["orders"]
    paid = orders.filter(orders.revenue >= 0, orders.order_id.notnull())
    lines = paid.group_by("order_id", "product").aggregate(rows=paid.count())
    lines = lines.filter(lines.rows > 1)
    count = _number(lines.rows.sum().fill_null(0))
    if count:
        yield (
            f"orders.order_id: {count_with_share(count, report.rows['orders'])} share order and product with "
            "another and are added up as its lines; if they are versions of one, keep the last"
        )


def _number(value: ir.Scalar) -> int:
    return int(value.to_pyarrow().as_py() or 0)


def _named(names: list[str], noun: str) -> str:
    return f"{len(names)} {noun}{'s' * (len(names) != 1)}"


def _list(names: list[str]) -> str:
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return ", ".join(names[:MAX_NAMES]) + more
