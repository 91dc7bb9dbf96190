"""Splits a table of events of all kinds: purchases and refunds, events between two people, and use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

from ripple.features.profiling.choices import choose_amount
from ripple.features.profiling.entities import Entities, entities_of_events
from ripple.features.profiling.identities import identified
from ripple.features.profiling.interactions import find_interactions, same_person
from ripple.features.profiling.links import Links
from ripple.features.profiling.profile import Field, TableProfile, View, values_of
from ripple.features.profiling.values import BAD_STATES
from ripple.features.profiling.views import derived, lists, repeats
from ripple.features.profiling.words import (
    FEATURE,
    ORDERS,
    REFUNDED,
    REFUNDS,
    REVENUE,
    Words,
    likeness,
    terms,
    tokens,
)
from ripple.features.profiling.writing.sql_text import column_sql

MAX_EVENTS = 300
"""The number of different events up to which a table is split by them."""
MIN_FILLED = 0.5
"""The share of the rows of an event that name two people, from which it is one between them."""
UNNESTING = ("duckdb", "postgres")
"""The dialects of SQL in which lists are proposed to be read."""
_MIN_DEAL = 0.5
_BUYS = ORDERS | {
    "bought": 0.95,
    "charged": 0.85,
    "ordered": 0.95,
    "paid": 0.9,
    "purchased": 0.97,
    "sold": 0.8,
}
_NOT_YET = {
    *("abandoned", "add", "added", "attempted", "begin", "click", "clicked", "cart", "entered", "initiated"),
    *("intent", "invited", "method", "removed", "requested", "start", "started", "updated", "view", "viewed"),
} | BAD_STATES
"""Words of events on the way to a purchase, or instead of one."""
_ARRIVALS: Words = dict.fromkeys(
    terms("""
        account created, autocapture, first open, first visit, heartbeat, identify, page leave, page ping,
        page view, page viewed, pageleave, pageview, registered, registration, scroll, session end,
        session start, sign up, signed up, signup, user created, user engagement
    """),
    1.0,
)
"""Events of coming and staying, which products count by themselves and which name no feature."""
_USES = {"copied", "installed", "opened", "read", "use", "used", "viewed"}
"""Words of events between two people in which the second one uses the product."""


def views_of(links: Links, entities: Entities, dialect: str) -> tuple[Entities, list[TableProfile]]:
    """The tables to be mapped: those that are there, or in their place what can be made of them.

    Args:
        links: the links between the tables that are there.
        entities: who the customers are by these.
        dialect: the dialect of SQL of the place.

    Returns:
        Who the customers are, with the links of the tables to be mapped, and these tables.
    """
    events = {
        table.name: (table, one) for table in links.tables.values() if (one := event_field(table)) is not None
    }
    if entities.customers is None:
        for table, one in events.values():
            if any(_deals(table, one, links.tables, dialect)):
                entities = entities_of_events(links, table)
                break
    made: list[TableProfile] = []
    for table in links.tables.values():
        if table.name in entities.stop and table.name not in events:
            made += [table, *_lists(table, links.tables, dialect)]
            continue
        parts = None
        if table.name in events:
            entities, parts = _split(*events[table.name], entities, dialect)
        whole = [table] if parts is None else parts
        if repeats(table) and (dialect == "duckdb" or not any(one.is_nested for one in table.fields)):
            whole = [_once(one, links.tables) for one in whole]
        whole = [identified(one, entities.seeing(whole), links.tables) for one in whole]
        made += whole
        made += [one for base in whole for one in _lists(base, links.tables, dialect)]
    return entities.seeing(made), made


def event_field(table: TableProfile) -> Field | None:
    """The column with the names of events, if there is one."""
    if not any(one.is_time for one in table.fields):
        return None
    names = [
        one
        for one in table.fields
        if one.type == "text"
        and not one.in_list
        and 1 < len(one.counts) <= MAX_EVENTS
        and not one.is_time
        and len(one.counts) < 0.5 * one.filled
        and likeness(one.words, FEATURE) >= 0.93
    ]
    return max(names, key=lambda one: likeness(one.words, FEATURE), default=None)


def _split(
    table: TableProfile, event: Field, entities: Entities, dialect: str
) -> tuple[Entities, list[TableProfile] | None]:
    tables = entities.links.tables
    deals = list(_deals(table, event, tables, dialect))
    meetings = []
    for value in _between_two(table, event, entities):
        view = _of_event(table, event, value, tables, dialect)
        if view is not None and view.name not in {deal.name for deal in deals}:
            entities = entities.seeing([view])
            if find_interactions(entities, view) is not None:
                meetings.append(view)
    left_out = {view.view.event for view in deals if view.view}
    left_out |= {view.view.event for view in meetings if view.view and not set(view.words) & _USES}
    left_out |= {value for value in event.counts if likeness(tokens(value), _ARRIVALS) >= 0.93}
    if not left_out:
        return entities, [table, *meetings] if meetings else None
    if left_out >= set(event.counts):
        return entities, [*deals, *meetings] or None
    values = ", ".join(map(_literal, sorted(left_out)))
    test = f"<> {values}" if len(left_out) == 1 else f"NOT IN ({values})"
    use = derived(f"use of {table.name}", View(table.name, f"{_sql(event, dialect)} {test}"), tables)
    return entities, [*([use] if use else []), *deals, *meetings]


def _deals(
    table: TableProfile, event: Field, tables: dict[str, TableProfile], dialect: str
) -> Iterator[TableProfile]:
    """A table for each event by which somebody pays or is paid back."""
    for value in event.counts:
        words = tokens(value)
        if set(words) & _NOT_YET:
            continue
        if max(likeness(words, _BUYS), likeness(words, REFUNDS)) < _MIN_DEAL:
            continue
        view = _of_event(table, event, value, tables, dialect)
        known = REVENUE if likeness(words, REFUNDS) < _MIN_DEAL else REVENUE | REFUNDED
        if view is not None and any(
            choose_amount(one, known) for one in (view, *_lists(view, tables, dialect))
        ):
            yield view


def _of_event(
    table: TableProfile, event: Field, value: str, tables: dict[str, TableProfile], dialect: str
) -> TableProfile | None:
    where = f"{_sql(event, dialect)} = {_literal(value)}"
    return derived(_name(table, value), View(table.name, where, value), tables)


def _sql(event: Field, dialect: str) -> str:
    column = column_sql(event, "", dialect)
    return f"({column})" if event.path and event.nested == "json" else column


def _name(table: TableProfile, value: str) -> str:
    return f"{table.name} {value}"


def _between_two(table: TableProfile, event: Field, entities: Entities) -> list[str]:
    """The events whose rows name two people."""
    rows = table.sample.rows
    events = values_of(rows, event)
    persons = [one for one in entities.persons(table) if not one.path]
    filled = [
        Counter(name for name, who in zip(events, values_of(rows, person.field), strict=True) if name and who)
        for person in persons
    ]
    found = []
    for name, number in event.counts.items():
        often = [
            person
            for person, counts in zip(persons, filled, strict=True)
            if counts[name] >= MIN_FILLED * number
        ]
        if any(not same_person(*pair) for pair in combinations(often, 2)):
            found.append(name)
    return found


def _once(table: TableProfile, tables: dict[str, TableProfile]) -> TableProfile:
    """The table without the rows that come twice."""
    return derived(table.name, replace(table.view or View(table.name), distinct=True), tables) or table


def _lists(table: TableProfile, tables: dict[str, TableProfile], dialect: str) -> Iterator[TableProfile]:
    """A table for each list of objects in *table*, where the place has SQL for that."""
    if dialect not in UNNESTING:
        return
    for view in lists(table):
        name = " ".join((table.name, *view.elements))
        if (one := derived(name, view, tables)) is not None:
            yield one


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
