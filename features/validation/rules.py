"""The rules of the input contract, each an Ibis expression that is true for the rows that break it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import ibis
import ibis.expr.types as ir

from ripple.errors import InputError
from ripple.features.expressions import LIMIT
from ripple.features.tables.contract import CONTRACT, TIERS
from ripple.features.tables.tables import Tables
from ripple.settings import Settings
from ripple.suggestions import nearest

Predicate = Callable[[ir.Table], ir.BooleanValue]
NO_NULLS = "no nulls"
NUMBER = f"a finite number below {LIMIT:,.0f}"
PURCHASE = ("customer_id", "product")


@dataclass(frozen=True)
class Rule:
    """A condition that every row must meet, given by a predicate that is true for rows that break it."""

    table: str
    column: str
    name: str
    remedy: str
    broken: Predicate
    harmless: bool = False
    """True where rows that break it may be left out without asking: they say nothing that could be used."""
    candidates: Callable[[ir.Table], ir.Table] | None = None
    """The few rows that a rule has to compare; the same rows break it among these as among all."""
    group_by: tuple[str, ...] = ()
    """The columns in which rows are equal that a rule compares."""

    @property
    def place(self) -> str:
        """The column that the rule is about, with its table."""
        return f"{self.table}.{self.column}"

    @property
    def key(self) -> str:
        """The name of the rule in ripple.toml."""
        return f"{self.place}: {self.name}"


def rules(tables: Tables, accepted: Mapping[str, ir.Table], end: datetime) -> Iterator[Rule]:
    """Every rule for *tables* whose data end at *end*.

    Rules about customers look them up in ``accepted["customers"]``, which must be there when they run.
    """
    for name in tables.tables:
        contract = CONTRACT[name]
        for column in contract.required:
            yield Rule(name, column, NO_NULLS, "fill it in", _null(column))
        for column in (c.name for c in contract.columns if c.type == "number" and tables.has(name, c.name)):
            remedy = "leave the value out, correct it or give all of them in a larger unit"
            yield Rule(name, column, NUMBER, remedy, _not_a_number(column))
        for column in contract.customers if name != "customers" else ():
            remedy = "add the customer to customers or remove the row"
            yield Rule(name, column, "a known customer", remedy, _unknown_customer(column, accepted))
        moment = contract.time or ("joined_at" if name == "customers" else None)
        if moment:
            remedy = f"the data end on {end:%Y-%m-%d %H:%M} (set `until` in ripple.toml if that is wrong)"
            yield Rule(name, moment, "not after the end of the data", remedy, _after(moment, end))
        if name in ("customers", "catalog"):
            key = contract.required[0]
            yield _unique(name, key, "keep one row for each")
    if tables.has("orders", "order_id"):
        yield _unique("orders", "order_id", "keep one row")
    yield Rule(
        "orders",
        "revenue",
        "negative only as a refund",
        "a refund follows orders of the same customer and product that paid at least as much",
        _unpaid_refund,
        candidates=_orders_with_refunds,
        group_by=PURCHASE,
    )
    if "catalog" in tables:
        yield Rule(
            "catalog", "tier", f"one of {', '.join(TIERS)}", "correct the tier", lambda t: t.tier.notin(TIERS)
        )
    if tables.has("usage", "quantity"):
        yield Rule("usage", "quantity", "not negative", "correct it", lambda t: t.quantity < 0)
    if "feedback" in tables:
        yield Rule(
            "feedback", "score", "between -1 and 1", "rescale the score", lambda t: ~t.score.between(-1, 1)
        )
    if "interactions" in tables:
        yield Rule(
            "interactions",
            "target_id",
            "not the source itself",
            "remove the row: nobody influences themselves",
            lambda t: t.source_id == t.target_id,
        )
        yield Rule(
            "interactions",
            "kind",
            "one referrer for a customer",
            "the referral known first counts",
            _later_referral,
            harmless=True,
            candidates=lambda t: t.filter(t.kind == "referral"),
            group_by=("target_id",),
        )
    if tables.has("interactions", "weight"):
        yield Rule("interactions", "weight", "not negative", "correct the weight", lambda t: t.weight < 0)


def _unique(table: str, key: str, remedy: str) -> Rule:
    return Rule(table, key, "unique", remedy, _repeated(key), candidates=_sharing(key), group_by=(key,))


def _null(column: str) -> Predicate:
    return lambda table: table[column].isnull()


def _not_a_number(column: str) -> Predicate:
    return lambda table: table[column].isnan() | (table[column].abs() >= LIMIT)


def _unknown_customer(column: str, accepted: Mapping[str, ir.Table]) -> Predicate:
    def broken(table: ir.Table) -> ir.BooleanValue:
        known = accepted["customers"].customer_id
        return table[column].notnull() & ~table[column].isin(known.as_table().drop_null().customer_id)

    return broken


def _after(column: str, end: datetime) -> Predicate:
    return lambda table: table[column] > end


def _repeated(key: str) -> Predicate:
    """The rows after the first of a key, so that one of each is left where they are set aside."""
    return lambda table: (
        table[key].notnull() & (ibis.row_number().over(group_by=key, order_by=table.columns) > 0)
    )


def _sharing(key: str) -> Callable[[ir.Table], ir.Table]:
    """The rows whose key another row has too."""

    def rows(table: ir.Table) -> ir.Table:
        keys = table.group_by(key).aggregate(rows=table.count())
        return table.semi_join(keys.filter(keys.rows > 1), key)

    return rows


def _orders_with_refunds(orders: ir.Table) -> ir.Table:
    """All orders by a customer of a product of which they had a refund."""
    return orders.semi_join(orders.filter(orders.revenue < 0), PURCHASE)


def _unpaid_refund(orders: ir.Table) -> ir.BooleanValue:
    """A negative revenue that exceeds what the customer had paid for the product until then."""
    paid = orders.revenue.sum().over(
        ibis.window(
            group_by=PURCHASE,
            order_by=["ordered_at", orders.revenue.desc()],
            preceding=None,
            following=0,
        )
    )
    return (orders.revenue < 0) & (paid < -0.005)


def _later_referral(interactions: ir.Table) -> ir.BooleanValue:
    """A referral of a customer whose referral by somebody was known before."""
    is_referral = interactions.kind == "referral"
    # by when it was known, or a late backfill would take away the referral that a past cutoff saw
    known = interactions.occurred_at
    if "known_at" in interactions.columns:
        known = ibis.greatest(known, interactions.known_at.fill_null(known))
    rank = ibis.row_number().over(
        group_by=[interactions.target_id, is_referral],
        order_by=[known, "occurred_at", *interactions.columns],
    )
    return is_referral & (rank > 0)


def validate_rule_keys(settings: Settings, rules: Iterable[Rule]) -> None:
    """Raise an `InputError` if ``checks.set_aside`` names a rule that is not among *rules*."""
    known = {rule.key for rule in rules}
    for key in settings.checks.set_aside:
        if key not in known:
            raise InputError(f"checks.set_aside names an unknown rule '{key}'{nearest(key, known)}")
