"""Chooses, for a column of the contract, the column of theirs that it is made of."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice
from zoneinfo import available_timezones

from ripple.features.profiling.entities import Person
from ripple.features.profiling.links import Links, Path
from ripple.features.profiling.profile import Field, TableProfile, values_of
from ripple.features.profiling.proposal import Choice, percent
from ripple.features.profiling.values import BAD_STATES, GOOD_STATES
from ripple.features.profiling.words import (
    LATE_WORDS,
    NO_REVENUE,
    REVENUE,
    Words,
    likeness,
)
from ripple.features.tables.sources.source import quoted

_ZONED = re.compile(r"(Z|UTC|[+-]\d\d(:?\d\d)?)$", re.IGNORECASE)
_ZONES = {"iana", "timezone", "tz", "zone"}
MIN_CENTS = 1_000
"""The median of whole amounts from which they are taken for cents."""
_FLAGS = ({"true", "false"}, {"0", "1"}, {"t", "f"}, {"yes", "no"}, {"y", "n"})
_BAD_FLAGS = {
    "deleted",
    "test",
    "void",
    "voided",
    "cancelled",
    "canceled",
    "draft",
    "spam",
    "bot",
    "sandbox",
    "demo",
}
_GOOD_FLAGS = {
    "paid",
    "won",
    "successful",
    "captured",
    "succeeded",
    "completed",
    "settled",
    "live",
}
_STATES = {"status", "state", "stage", "financial"}
_REFUND_TYPES = {
    "refund",
    "refunded",
    "credit",
    "chargeback",
    "credit_note",
    "return",
    "reversal",
    "payment_refund",
}


def choose_person(person: Person, column: str = "customer_id") -> Choice:
    """The column that names a customer, directly or as the account of a user."""
    field, where = person.field, f"{person.field.table}.{person.field.name}"
    known = "customers" if person.kind == "customer" else "users"
    sql = ""
    if field.type == "float":
        sql = "CAST({0} AS BIGINT)"
    return Choice(
        field,
        person.path,
        sql=sql,
        of=((person.path, field),) if sql else (),
        options={"user": True} if person.kind == "user" else {},
        confidence=min(0.98, 0.35 + 0.65 * person.coverage),
        why=f"{percent(person.coverage)} of {where} are among the {known}",
    )


def choose_time(
    table: TableProfile,
    links: Links,
    known: Words,
    paths: Iterable[Path] = ((),),
    only: Sequence[Field] = (),
) -> Choice | None:
    """The time that fits *known* words best, of the table itself or of one that it leads to.

    Args:
        table: the table.
        links: the links of tables.
        known: words of times of what happened.
        paths: the ways to other tables that are looked at.
        only: the columns among which it is, if these are known.
    """
    best: tuple[float, Choice] | None = None
    times = 0
    for path in paths:
        here = links.tables[path[-1].parent.table] if path else table
        for one in here.fields:
            if not one.is_time or (only and one not in only):
                continue
            times += not path
            score = max(likeness(one.words, known), 0.25)
            score *= 0.85 ** len(path)
            if set(one.words) & LATE_WORDS:
                score *= 0.5
            if one.is_date:
                score *= 0.97
            score *= 0.5 + 0.5 * one.filled / one.rows
            if best is None or score > best[0]:
                best = score, _time(one, path, score, _zone(here, one))
    if best is None:
        return None
    score, choice = best
    single = times == 1 and not choice.path
    return replace(
        choice,
        confidence=max(choice.confidence, 0.8) if single else choice.confidence,
        why=choice.why + ("; the only time" if single and not only else ""),
    )


def _time(field: Field, path: Path, score: float, zone: str | None) -> Choice:
    form = field.times[0]
    others = [one for one in field.times[1:] if one.replace("%d", "%m") != form.replace("%d", "%m")]
    swapped = [one for one in field.times[1:] if one not in others]
    why = f"times as {form}" if form else "times"
    options: dict[str, object] = {"format": form} if form else {}
    if zone is not None:
        options["zone"] = zone
        why += ", local ones by the column of the zone"
    elif is_local(field):
        why += ", taken for UTC (zone = … if they are local)"
    confidence = min(0.97, 0.2 + 0.8 * score)
    if swapped:
        why, confidence = f"{why}, which {swapped[0]} fits as well: no day is over 12", 0.4
    sql = "CAST({0} AS VARCHAR)" if "%" in form and field.type in ("integer", "float") else ""
    return Choice(
        field,
        path,
        sql=sql,
        of=((path, field),) if sql else (),
        options=options,
        confidence=confidence,
        why=why,
    )


def is_local(field: Field) -> bool:
    """Whether times say nothing of their zone: neither they nor the name of their column."""
    form = field.times[0]
    if "%" in form:
        return not {"%z", "%Z"} & set(re.findall("%.", form)) and "Z" not in form
    if form or field.type != "text" or {"utc", "gmt"} & set(field.words):
        return False
    return not field.is_date and not any(_ZONED.search(value.strip()) for value in islice(field.counts, 20))


def _zone(table: TableProfile, time: Field) -> str | None:
    """The zone of the local times of a table, if one of its columns has it."""
    if not is_local(time):
        return None
    for one in table.fields:
        if (
            one.type == "text"
            and len(one.counts) == 1
            and set(one.words) & {"timezone", "zone", "tz", "iana"}
        ):
            (zone,) = one.counts
            if zone in available_timezones():
                return zone
    return None


def choose_named(
    table: TableProfile,
    known: Words,
    least: float,
    exclude: Sequence[Field | None] = (),
    *,
    numbers: bool = False,
) -> Choice | None:
    """The column whose name fits *known* words best and is at least so sure."""
    fitting = [
        (likeness(one.words, known), one)
        for one in table.fields
        if one not in exclude
        and one.counts
        and not one.is_time
        and not one.is_nested
        and not one.in_list
        and not (one.is_number and one.words[-1] == "id" and len(one.words) > 2)
        and (one.is_number if numbers else one.type != "other")
    ]
    score, field = max(fitting, key=lambda one: (one[0], one[1].filled), default=(0.0, None))
    if field is None or score < least:
        return None
    return Choice(field, confidence=min(0.95, score), why=f"{len(field.counts):,} different values")


def choose_amount(table: TableProfile, known: Words = REVENUE, least: float = 0.55) -> Choice | None:
    """The amount of money of each row: a column, or price times quantity less discount."""
    numbers = [
        one for one in table.fields if one.is_number and one.filled > 0.2 * one.rows and not one.in_list
    ]
    scored = [
        (likeness(one.words, known), one)
        for one in numbers
        if not set(one.words) & NO_REVENUE and not set(one.numeric) <= {0, 1}
    ]
    score, amount = max(scored, key=lambda one: one[0], default=(0.0, None))
    if amount is None or score < least:
        return None
    cents, why = _is_cents(amount)
    options: dict[str, object] = {"unit": "cents"} if cents else {}
    if amount.decimal == ",":
        options["decimal"] = ","
    low, high = min(amount.numeric), max(amount.numeric)
    plain = Choice(
        amount,
        options=options,
        confidence=min(0.95, score) * (0.9 if cents else 1),
        why=f"{low:,.10g} to {high:,.10g}{why}",
    )
    quantity = max(
        (one for one in numbers if {"quantity", "qty"} & set(one.words)),
        key=lambda one: one.filled,
        default=None,
    )
    is_price = {"price", "unit"} & set(amount.words) and not {"total", "line", "extended"} & set(amount.words)
    if not is_price or quantity is None or max(quantity.numeric) <= 1 or amount.decimal == ",":
        return plain
    discount = next((one for one in numbers if "discount" in one.words and "percent" not in one.words), None)
    of = tuple(((), one) for one in (amount, quantity, discount) if one is not None)
    sql = "CAST({0} AS DOUBLE) * CAST({1} AS DOUBLE)" + (" - CAST({2} AS DOUBLE)" if discount else "")
    what = "price × quantity" + (" − discount" if discount else "")
    return replace(plain, sql=sql, of=of, confidence=0.75, why=f"{what}, as no column is the total")


def _is_cents(field: Field) -> tuple[bool, str]:
    if {"cent", "minor"} & set(field.words):
        return True, ", cents by its name"
    if not field.is_whole or field.type == "float" or any("." in value for value in field.counts):
        return False, ""
    sizes = [abs(number) for number in field.numeric if number]
    if not sizes or statistics.median(sizes) < MIN_CENTS:
        return False, ""
    priced = sum(size % 100 in (0, 50, 90, 95, 99) for size in sizes) / len(sizes)
    return (
        True,
        f", cents as all are whole, half of them over {MIN_CENTS:,} and {percent(priced)} end like prices",
    )


def conditions(tables: Iterable[tuple[Path, TableProfile]], *, paid: bool = True) -> list[Choice]:
    """Conditions on states and flags, so that what is a test, or where *paid* what was not, is left out."""
    chosen: list[Choice] = []
    for path, table in tables:
        flags = [one for one in table.fields if _flag(one)]
        for one in flags:
            words, values = set(one.words), set(one.counts)
            bad, good = words & _BAD_FLAGS, words & _GOOD_FLAGS if paid else set()
            bad |= words & {"refunded"} if paid else set()
            if len(values) == 2 and (bad or good):
                wanted = _value(one, bool(good))
                why = f"{one.name} is a flag with both values"
                chosen.append(Choice(sql=f"{{0}} = {wanted}", of=((path, one),), confidence=0.85, why=why))
        for one in table.fields:
            if not {"delete", "deleted", "voided"} & set(one.words) or one in flags:
                continue
            if one.is_time and one.filled < one.rows:
                why = f"{percent(one.filled / one.rows)} have one"
                chosen.append(Choice(sql="{0} IS NULL", of=((path, one),), confidence=0.85, why=why))
            elif one.is_number and one.counts.get("0", 0) > 0.5 * one.rows and len(one.counts) > 1:
                why = f"{percent(1 - one.counts['0'] / one.rows)} have a time"
                sql = "CAST({0} AS VARCHAR) = '0'"
                chosen.append(Choice(sql=sql, of=((path, one),), confidence=0.85, why=why))
        if any(set(one.words) & _GOOD_FLAGS and len(one.counts) == 2 for one in flags):
            continue
        for one in table.fields if paid else ():
            if one.type == "text" and set(one.words) & _STATES and 1 < len(one.counts) <= 15:
                paid_anyway = _paid(table, one)
                bad_states = [
                    value for value in one.counts if _state(value) in BAD_STATES and value not in paid_anyway
                ]
                good_states = [
                    value for value in one.counts if _state(value) in GOOD_STATES or value in paid_anyway
                ]
                if bad_states and good_states:
                    literals = ", ".join(_literal(value) for value in sorted(bad_states))
                    test = f"<> {literals}" if len(bad_states) == 1 else f"NOT IN ({literals})"
                    kept = [value for value in one.counts if value not in bad_states]
                    why = f"keeps {', '.join(sorted(kept))}"
                    chosen.append(Choice(sql=f"{{0}} {test}", of=((path, one),), confidence=0.8, why=why))
    return chosen


def _paid(table: TableProfile, state: Field) -> set[str]:
    """The states in which every row has a time of payment, where others have none."""
    paid = next((one for one in table.fields if one.is_time and "paid" in one.words), None)
    if paid is None or paid.filled == paid.rows:
        return set()
    rows = table.sample.rows
    pairs = list(zip(values_of(rows, state), values_of(rows, paid), strict=True))
    unpaid = {value for value, moment in pairs if not moment}
    return {value for value, _ in pairs if value} - unpaid


def present(path: Path, field: Field) -> list[Choice]:
    """The condition that a column has a value, if it has none in some rows."""
    missing = field.rows - field.filled
    chosen = []
    if missing:
        why = f"{percent(missing / field.rows)} have none"
        chosen.append(Choice(sql="{0} IS NOT NULL", of=((path, field),), confidence=0.9, why=why))
    return chosen


def names_somebody(person: Person) -> list[Choice]:
    """The conditions that a row names a person; 0 is nobody where no customer and no user has this id."""
    path, field = person.path, person.field
    chosen = present(path, field)
    if person.coverage < 1 and "0" in field.counts:
        why = f"{percent(field.counts['0'] / field.rows)} have 0, which is nobody"
        sql = "CAST({0} AS VARCHAR) <> '0'"
        chosen.append(Choice(sql=sql, of=((path, field),), confidence=0.85, why=why))
    return chosen


def refund_condition(table: TableProfile) -> str | None:
    """SQL that is true for rows that are refunds, if a column of types says so."""
    for one in table.fields:
        if one.type == "text" and not one.path and {"type", "kind", "category"} & set(one.words):
            refunds = [value for value in one.counts if _state(value) in _REFUND_TYPES]
            if refunds and len(refunds) < len(one.counts) <= 30:
                column = one.column if one.column.isidentifier() else quoted(one.column)
                return f"{column} IN ({', '.join(map(_literal, sorted(refunds)))})"
    return None


def _flag(field: Field) -> bool:
    return any({value.lower() for value in field.counts} <= pair for pair in _FLAGS) and bool(field.counts)


def _value(field: Field, wanted: bool) -> str:
    """The literal of a flag."""
    for value in field.counts:
        if (value.lower() in ("true", "1", "t", "yes", "y")) == wanted:
            return _literal(value) if field.type == "text" else value
    return "true" if wanted else "false"


def _state(value: str) -> str:
    return value.strip().lower()


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
