"""Finds customers and their attributes, who belongs to whom, what currencies were worth, and the catalog."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from ripple.features.profiling.choices import choose_named, choose_person, choose_time
from ripple.features.profiling.entities import Entities
from ripple.features.profiling.profile import MAX_COMMON, Field, TableProfile, values_of
from ripple.features.profiling.proposal import Choice, Part
from ripple.features.profiling.words import (
    CATALOG,
    FEATURE,
    JOINED,
    RATES,
    TIER,
    Words,
    head_likeness,
    likeness,
)
from ripple.features.profiling.writing.sql_text import column_sql, quoted

_PRIVATE = {
    *(
        "name",
        "email",
        "mail",
        "phone",
        "address",
        "street",
        "city",
        "zip",
        "postal",
        "url",
        "website",
        "domain",
        "note",
    ),
    *("description", "password", "token", "ip", "first", "last", "object", "currency"),
}
"""Words of columns of customers that are no attributes: they name single customers, or say nothing."""
MIN_ATTRIBUTES = 2
"""The number of columns that are attributes from which a table of any name is taken for one of these."""
ATTRIBUTES: Words = {
    **{"attribute": 1.0, "trait": 1.0, "property": 0.9, "enrichment": 0.9, "firmographic": 1.0},
    **{"profile": 0.8, "segment": 0.9, "history": 0.7, "snapshot": 0.7, "health": 0.6},
}
"""What a table of attributes of customers is called."""
_NAMES: Words = {"attribute": 1.0, "trait": 1.0, "property": 0.95, "name": 0.9, "key": 0.8}
_GUESTS = {
    "external",
    "guest",
    "guest user",
    "external collaborator",
    "outside_collaborator",
    "single_channel_guest",
}
MAX_UNSTEADY = 1.05
"""How many values of a column customers have, at most, for it to be an attribute of theirs."""
_SIZES = {"seat", "employee", "size", "license", "headcount", "staff"}
_DOLLARS = {
    "EUR": 1.1,
    "GBP": 1.27,
    "JPY": 0.0068,
    "NOK": 0.094,
    "SEK": 0.095,
    "DKK": 0.146,
    "CHF": 1.12,
    "CAD": 0.73,
    "AUD": 0.66,
    "INR": 0.012,
    "BRL": 0.19,
    "CNY": 0.14,
    "PLN": 0.25,
    "MXN": 0.055,
    "USD": 1.0,
}
"""About what a unit of a currency is worth in dollars: enough to tell a rate from its inverse."""


def find_customers(entities: Entities, events: Part | None, dialect: str = "duckdb") -> Part | None:
    """The customers: a table of theirs, or else whoever is named in *events*."""
    table, key = entities.customers, entities.key
    if table is None or key is None:
        return None if events is None else _from_events(events, dialect)
    time = choose_time(table, entities.links, JOINED)
    columns = {
        "customer_id": Choice(
            key,
            confidence=0.95,
            why=f"{'unique, ' if key.unique else ''}{len(key.counts):,} of them, and {entities.why}",
        )
    }
    if time is not None:
        columns["joined_at"] = time
    for one in table.fields:
        if one is not key and _is_attribute(one) and (key.unique or _is_steady(table, key, one)):
            name = one.path[-1] if one.path else one.column
            columns.setdefault(
                name, Choice(one, confidence=0.7, why=f"an attribute with {len(one.counts)} values")
            )
    if key.unique or time is None:
        return Part("customers", table, columns)
    return _grouped(Part("customers", table, columns), dialect)


def _grouped(part: Part, dialect: str) -> Part:
    """The customers of a table with several rows of each."""
    names = {
        name: column_sql(choice.field, "", dialect)
        for name, choice in part.columns.items()
        if choice.field is not None
    }
    key, first = names.pop("customer_id"), names.pop("joined_at")
    others = "".join(f", MAX({column}) AS {quoted(name)}" for name, column in names.items())
    sql = (
        f"SELECT {key} AS customer_id, MIN({first}) AS joined_at{others}\n"
        f"FROM {quoted(part.table.source)}\nWHERE ({key}) IS NOT NULL\nGROUP BY {key}"
    )
    return replace(part, sql=sql, notes=("one of the several rows of each customer",))


def _is_steady(table: TableProfile, key: Field, one: Field) -> bool:
    """Whether a column has one value for each customer, in a table with several rows of each."""
    rows = table.sample.rows
    pairs = {
        (who, value)
        for who, value in zip(values_of(rows, key), values_of(rows, one), strict=True)
        if who and value
    }
    return len(pairs) <= MAX_UNSTEADY * len({who for who, _ in pairs})


def _from_events(events: Part, dialect: str) -> Part | None:
    customer = events.columns["customer_id"]
    time = events.columns.get("ordered_at") or events.columns["occurred_at"]
    if customer.path or customer.field is None or customer.field.path or time.field is None or time.path:
        return None
    columns = {
        "customer_id": replace(customer, confidence=0.6, why="there is no table of customers"),
        "joined_at": replace(time, confidence=0.5, why="the first that is known of them"),
    }
    return _grouped(Part("customers", events.table, columns), dialect)


def _is_attribute(field: Field) -> bool:
    if field.is_time or set(field.words[-1:]) & _PRIVATE:
        return False
    if field.type == "other" or field.filled < 0.3 * field.rows or len(field.counts) < 2:
        return False
    if field.is_number:
        return bool(set(field.words) & _SIZES)
    return (
        field.type == "text"
        and len(field.counts) <= min(MAX_COMMON, 0.3 * field.filled)
        and field.words[-1] != "id"
    )


def find_attributes(entities: Entities, table: TableProfile) -> Part | None:
    """Attributes of customers in a table of their own, with a row for each value or a column for each."""
    named = head_likeness(table.words, ATTRIBUTES)
    person = next((one for one in entities.persons(table) if not one.path and one.kind == "customer"), None)
    if person is None or table is entities.customers or table.view is not None:
        return None
    columns = {"customer_id": choose_person(person)}
    time = choose_time(table, entities.links, JOINED | {"valid from": 1.0, "from": 0.9, "changed": 0.9})
    if time is not None and not person.field.unique:
        columns["valid_from"] = time
    name = choose_named(table, _NAMES, 0.7)
    value = choose_named(table, {"value": 1.0}, 0.9)
    if named and name is not None and value is not None and name.field is not value.field:
        return Part("attributes", table, columns | {"name": name, "value": value})
    if "valid_from" not in columns and not person.field.unique:
        return None
    wide = [one for one in table.fields if one is not person.field and not one.path and _is_attribute(one)]
    if len(wide) < (1 if named else MIN_ATTRIBUTES):
        return None
    notes = ("attributes of customers, each of them a column",)
    return Part("attributes", table, columns, (), tuple(one.column for one in wide), notes)


def find_members(entities: Entities, dialect: str = "duckdb") -> Part | None:
    """Which customer a user belongs to, and since when."""
    table, user, account = entities.members, entities.user, entities.account
    if table is None or user is None or account is None:
        return None
    columns = {
        "user_id": Choice(user, confidence=0.85, why=f"{len(user.counts):,} users"),
        "customer_id": Choice(account, entities.way, confidence=0.85, why="the customer they belong to"),
    }
    where = tuple(_full_members(table, user))
    time = choose_time(table, entities.links, JOINED | {"valid from": 1.0, "from": 0.8})
    if time is None or user.unique or time.field is None:
        return Part("members", table, columns, where)
    why = "users belong to their first customer from the beginning, to others since then"
    first = "CASE WHEN row_number() OVER (PARTITION BY {0} ORDER BY {1}) > 1 THEN {1} END"
    columns["valid_from"] = replace(
        time, sql=first, of=(((), user), ((), time.field)), confidence=0.7, why=why
    )
    part = Part("members", table, columns, where)
    rows = table.sample.rows
    if (
        entities.way
        or where
        or len(set(zip(*(values_of(rows, one) for one in (user, account)), strict=True))) == len(rows)
    ):
        return part
    who, whose, since = (column_sql(one, "", dialect) for one in (user, account, time.field))
    sql = (
        f"SELECT {who} AS user_id, {whose} AS customer_id, "
        f"{first.format(who, f'MIN({since})')} AS valid_from\nFROM {quoted(table.source)}\n"
        f"WHERE ({who}) IS NOT NULL AND ({whose}) IS NOT NULL\nGROUP BY {who}, {whose}"
    )
    return replace(part, sql=sql)


def _full_members(table: TableProfile, user: Field) -> Iterator[Choice]:
    """The condition that leaves out guests, if all of them belong to a customer of their own."""
    users = values_of(table.sample.rows, user)
    for one in table.fields:
        guests = sorted(value for value in one.counts if value.strip().lower() in _GUESTS)
        if not guests or one.type != "text" or len(one.counts) > MAX_COMMON:
            continue
        roles = values_of(table.sample.rows, one)
        full = {who for who, role in zip(users, roles, strict=True) if role not in guests}
        if all(who in full for who in users):
            literals = ", ".join("'" + value.replace("'", "''") + "'" for value in guests)
            test = f"<> {literals}" if len(guests) == 1 else f"NOT IN ({literals})"
            why = "guests belong to a customer of their own"
            yield Choice(sql=f"({{0}} IS NULL OR {{0}} {test})", of=(((), one),), confidence=0.7, why=why)


def find_rates(table: TableProfile, base: str | None) -> Part | None:
    """What a unit of each currency was worth."""
    if not head_likeness(table.words, RATES):
        return None
    currency = next(
        (
            one
            for one in table.fields
            if one.type == "text"
            and one.counts
            and all(len(value.strip()) == 3 and value.isalpha() for value in one.counts)
        ),
        None,
    )
    rate = choose_named(
        table, {"rate": 1.0, "value": 0.7, "price": 0.6, "usd": 0.6}, 0.5, [currency], numbers=True
    )
    if currency is None or rate is None or rate.field is None:
        return None
    rates = _rates(table, currency, rate.field)
    worth = [
        math.log(value * scale)
        for code, value in rates.items()
        if (scale := _dollars(base) / _DOLLARS.get(code, math.nan)) == scale and value > 0
    ]
    inverse = sum(map(abs, worth)) > sum(
        abs(math.log(_dollars(base) / _DOLLARS[code] / value))
        for code, value in rates.items()
        if code in _DOLLARS and value > 0
    )
    columns = {
        "currency": Choice(currency, confidence=0.95, why=", ".join(sorted(currency.counts)[:5])),
        "rate": rate
        if not inverse
        else Choice(
            rate.field,
            sql="1 / CAST({0} AS DOUBLE)",
            of=(((), rate.field),),
            confidence=0.7,
            why="the inverse, as the numbers say how many of a currency one is worth",
        ),
    }
    times = [one for one in table.fields if one.is_time]
    if times:
        form = times[0].times[0]
        columns["valid_from"] = Choice(
            times[0], options={"format": form} if form else {}, confidence=0.85, why="times"
        )
    return Part("rates", table, columns)


def base_currency(table: TableProfile) -> str | None:
    """The currency of which a table of rates has 1."""
    part = find_rates(table, None)
    if part is None:
        return None
    currency, rate = part.columns["currency"].field, part.columns["rate"].field
    assert currency is not None
    assert rate is not None
    ones = [code for code, value in _rates(table, currency, rate).items() if value == 1]
    return ones[0] if ones else None


def _dollars(base: str | None) -> float:
    return _DOLLARS.get(base or "USD", 1.0)


def _rates(table: TableProfile, currency: Field, rate: Field) -> dict[str, float]:
    rows = table.sample.rows.select([currency.column, rate.column]).to_pylist()
    return {
        row[currency.column].strip().upper(): float(row[rate.column])
        for row in rows
        if row[currency.column] and row[rate.column] is not None
    }


def find_catalog(table: TableProfile, tiers: tuple[str, str] = ("core", "advanced")) -> Part | None:
    """Which features are core and which are advanced."""
    if not head_likeness(table.words, CATALOG) or table.sample.rows.num_rows > 5_000:
        return None
    feature = choose_named(table, FEATURE | {"name": 0.9, "slug": 0.9, "key": 0.8, "code": 0.8}, 0.7)
    tier = choose_named(table, TIER, 0.5, [feature.field if feature else None])
    if (
        feature is None
        or tier is None
        or feature.field is None
        or tier.field is None
        or not feature.field.unique
    ):
        return None
    values = {value.strip().lower() for value in tier.field.counts}
    if values <= set(tiers):
        return Part("catalog", table, {"feature": feature, "tier": tier})
    if len(values) != 2 or not likeness(tier.field.words, {"advanced": 1.0}):
        return None
    true = next((value for value in tier.field.counts if value.lower() in ("true", "1", "yes", "t")), None)
    if true is None:
        return None
    literal = f"'{true}'" if tier.field.type == "text" else true
    is_advanced = Choice(
        sql="CASE WHEN {0} = " + literal + " THEN 'advanced' ELSE 'core' END",
        of=(((), tier.field),),
        confidence=0.8,
        why="a flag",
    )
    return Part("catalog", table, {"feature": feature, "tier": is_advanced})
