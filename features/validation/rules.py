"""The rules of the input contract, each an Ibis expression that is true for the rows that break it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import ibis
import ibis.expr.types as ir

from ripple.errors import InputError
from ripple.features.expressions import LIMIT
from ripple.features.tables.contract import CONTRACT, EVENT_TABLES, TIERS
from ripple.features.tables.tables import Tables
from ripple.sections.tables import Checks
from ripple.settings import Settings
from ripple.suggestions import nearest

Predicate = Callable[[ir.Table], ir.BooleanValue]
NO_NULLS = "no nulls"
NUMBER = f"a finite number below {LIMIT:,.0f}"
FIRST_TIME, LAST_TIME = datetime.min, datetime(9998, 12, 31, 23, 59, 59, 999_999)
"""Between these a time is one at which something can have happened: the year 9999 stands for "never"."""
PAID_FOR = {"same product": ("customer_id", "product"), "customer": ("customer_id",)}
"""By `Checks.refunds`, the columns that a refund shares with the orders that it takes back."""
HASH = "__hash"
LARGE = 1e6
"""So many rows of one customer and day are less than this that they never add up to `LIMIT`."""


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
    warning: bool = False
    """True where rows that break it may be right, and are used."""

    @property
    def place(self) -> str:
        """The column that the rule is about, with its table."""
        return f"{self.table}.{self.column}"

    @property
    def key(self) -> str:
        """The name of the rule in ripple.toml."""
        return f"{self.place}: {self.name}"


def rules(
    tables: Tables, accepted: Mapping[str, ir.Table], end: datetime, checks: Checks | None = None
) -> Iterator[Rule]:
    """Every rule for *tables* whose data end at *end*.

    Rules about customers look them up in ``accepted["customers"]``, which must be there when they run.
    """
    checks = checks or Checks()
    for name in tables.tables:
        contract = CONTRACT[name]
        for column in contract.required:
            yield Rule(name, column, NO_NULLS, "fill it in", _null(column))
        for column in (c.name for c in contract.columns if c.type == "time" and tables.has(name, c.name)):
            remedy = "correct it, or leave it empty where it is optional and not known"
            yield Rule(name, column, "a time of the years 1 to 9998", remedy, _impossible(column))
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
    for name in EVENT_TABLES:
        if name in tables:
            yield _no_repeats(name, tables, checks)
    for name, column in (("orders", "revenue"), ("orders", "margin"), ("usage", "quantity")):
        if tables.has(name, column):
            yield _bounded_days(name, column)
    if tables.has("orders", "order_id"):
        yield Rule(
            "orders",
            "order_id",
            "of one customer",
            "an order may have several lines, all of one customer: correct customer_id or order_id",
            lambda t: t.customer_id != t.customer_id.min().over(ibis.window(group_by="order_id")),
            candidates=_sharing("order_id"),
            group_by=("order_id",),
        )
    if tables.has("orders", "order_id", "line"):
        yield Rule(
            "orders",
            "line",
            "unique in its order",
            "give each line of an order a number of its own",
            _repeated_line,
            candidates=_sharing("order_id", "line"),
            group_by=("order_id", "line"),
        )
    if paid_for := PAID_FOR.get(checks.refunds):
        same = "customer and product" if checks.refunds == "same product" else "customer"
        wider = "customer" if checks.refunds == "same product" else "any"
        yield Rule(
            "orders",
            "revenue",
            "negative only as a refund",
            f"a refund follows orders of the same {same} that paid at least as much; if yours need not: "
            f'[checks] refunds = "{wider}"',
            _unpaid_refund(paid_for),
            candidates=_orders_with_refunds(paid_for),
            group_by=paid_for,
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


def _impossible(column: str) -> Predicate:
    return lambda table: ~table[column].between(FIRST_TIME, LAST_TIME)


def _after(column: str, end: datetime) -> Predicate:
    return lambda table: (table[column] > end) & (table[column] <= LAST_TIME)


def _repeated(key: str) -> Predicate:
    """The rows after the first of a key, so that one of each is left where they are set aside."""
    return lambda table: (
        table[key].notnull() & (ibis.row_number().over(group_by=key, order_by=table.columns) > 0)
    )


def _sharing(*key: str) -> Callable[[ir.Table], ir.Table]:
    """The rows whose key another row has too."""

    def rows(table: ir.Table) -> ir.Table:
        keys = table.group_by(key).aggregate(rows=table.count())
        return table.semi_join(keys.filter(keys.rows > 1), key)

    return rows


def _repeated_line(orders: ir.Table) -> ir.BooleanValue:
    """A line of an order after the first of its number; a refund may have that of what it takes back."""
    line = ibis.window(group_by=["order_id", "line", orders.revenue < 0], order_by=orders.columns)
    has_line = orders.order_id.notnull() & orders.line.notnull() & (orders.revenue >= 0)
    return has_line & (ibis.row_number().over(line) > 0)


def _bounded_days(name: str, column: str) -> Rule:
    """That a daily table can hold what the rows of a customer and day add up to."""
    moment = CONTRACT[name].time or ""

    def large(table: ir.Table) -> ir.BooleanValue:
        return table[column].abs() >= LARGE

    def broken(table: ir.Table) -> ir.BooleanValue:
        day = ibis.window(group_by=["customer_id", table[moment].truncate("D")])
        return large(table) & (ibis.ifelse(large(table), table[column].abs(), 0.0).sum().over(day) >= LIMIT)

    return Rule(
        name,
        column,
        f"below {LIMIT:,.0f} a day",
        "correct the values, or give all of them in a larger unit",
        # a single one is a matter of its own
        lambda table: broken(table) & (table[column].abs() < LIMIT),
        candidates=lambda table: table.filter(large(table)),
        group_by=("customer_id",),
    )


def _no_repeats(name: str, tables: Tables, checks: Checks) -> Rule:
    """That no row of an event table repeats another, apart from when it was known: the first one counts.

    Events of the same second, or day, may well be equal. Orders with an id may not: they would be paid twice.
    """
    contract = CONTRACT[name]
    columns = [column for column in tables[name].columns if column != "known_at"]
    remedy = f'they all count; if they were loaded twice: [checks] drop_repeats = ["{name}"]'
    is_error = tables.has(name, "order_id")
    if is_error:
        remedy = (
            'if they were loaded twice: [checks] drop_repeats = ["orders"]; '
            "if an order has equal lines: give each its number in the column line"
        )

    def candidates(table: ir.Table) -> ir.Table:
        hashed = table.mutate(**{HASH: ibis.struct({column: table[column] for column in columns}).hash()})
        return _sharing(HASH)(hashed).drop(HASH)

    def broken(table: ir.Table) -> ir.BooleanValue:
        order = [table.known_at.asc(nulls_first=True)] if "known_at" in table.columns else columns[:1]
        return ibis.row_number().over(ibis.window(group_by=columns, order_by=order)) > 0

    return Rule(
        name,
        contract.time or "",
        "not repeated",
        remedy,
        broken,
        harmless=name in checks.drop_repeats,
        candidates=candidates,
        group_by=(contract.customers[0], contract.time or ""),
        warning=not is_error,
    )


def _orders_with_refunds(paid_for: tuple[str, ...]) -> Callable[[ir.Table], ir.Table]:
    """All orders that a refund may take back."""
    return lambda orders: orders.semi_join(orders.filter(orders.revenue < 0), paid_for)


def _unpaid_refund(paid_for: tuple[str, ...]) -> Predicate:
    """A negative revenue that exceeds what had been paid until then by orders that share *paid_for*."""

    def broken(orders: ir.Table) -> ir.BooleanValue:
        paid = orders.revenue.sum().over(
            ibis.window(
                group_by=paid_for,
                order_by=["ordered_at", orders.revenue.desc()],
                preceding=None,
                following=0,
            )
        )
        return (orders.revenue < 0) & (paid < -0.005)

    return broken


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
