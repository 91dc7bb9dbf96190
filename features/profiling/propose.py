"""Puts a proposal together: profiles a place, finds who customers are, then what each table says of them."""

from __future__ import annotations

import logging
from collections import Counter

from ripple.features.profiling.choices import conditions
from ripple.features.profiling.entities import Entities, find_entities
from ripple.features.profiling.events import find_feedback, find_usage
from ripple.features.profiling.interactions import find_interactions, without_copies
from ripple.features.profiling.links import Links
from ripple.features.profiling.lookups import (
    base_currency,
    find_attributes,
    find_catalog,
    find_customers,
    find_members,
    find_rates,
)
from ripple.features.profiling.orders import find_orders, is_lines, is_of_same
from ripple.features.profiling.profile import ROWS, TableProfile, fold, profile
from ripple.features.profiling.proposal import Choice, Part, Proposal, listed, percent
from ripple.features.profiling.splits import UNNESTING, views_of
from ripple.features.profiling.views import lists
from ripple.features.tables.contract import CONTRACT, LOOKUPS
from ripple.features.tables.sources.source import Place
from ripple.settings import KINDS

logger = logging.getLogger(__name__)

MAX_CODES = 12
"""The number of codes of a type up to which it is asked what each means."""


def propose(place: Place, rows: int = ROWS) -> Proposal:
    """Propose how the tables of an open place map to those of the contract.

    Args:
        place: where the tables are.
        rows: the number of rows of a table that are looked at, at most.
    """
    tables = profile(place, rows)
    logger.info(f"{len(tables)} tables: {listed(f'{table.name} ({table.size})' for table in tables)}")
    links = Links(place, tables)
    entities, looked_at = views_of(links, find_entities(links), place.dialect)
    proposal = Proposal(tables)
    proposal.unchanged = [table.name for table in tables if _keeps_contract(table)]
    _find(proposal, entities, looked_at, place.dialect)
    proposal.parts = [part for part in proposal.parts if part.contract not in proposal.unchanged]
    _settle(proposal, entities)
    if place.dialect not in UNNESTING:
        proposal.questions += [
            f"{table.name}: {'.'.join(view.elements)} is a list; does each of its elements become a row?"
            for table in tables
            for view in lists(table)
        ]
    return proposal


def _keeps_contract(table: TableProfile) -> bool:
    """Whether a table can be read as it is."""
    contract = (CONTRACT | LOOKUPS).get(table.name)
    if contract is None or not set(contract.required) <= set(table.columns):
        return False
    fields = {one.column: one for one in table.fields if not one.path}
    return all(
        column.type != "time" or not fields[column.name].counts or "" in fields[column.name].times
        for column in contract.columns
        if column.name in fields
    )


def _find(proposal: Proposal, entities: Entities, tables: list[TableProfile], dialect: str) -> None:
    taken = set(entities.stop) | set(proposal.unchanged)
    rates = {table.name: base_currency(table) for table in tables if find_rates(table, None)}
    orders, others = find_orders(entities, tables, dialect)
    taken |= {part.table.name for part in orders} | set(rates)
    if others:
        proposal.questions.append(
            f"orders: {listed(table.name for table in others)} could be orders as well; with more than one, "
            "what was paid would count twice"
        )
    passed = {link.parent.table for part in orders for path in part.paths for link in path}
    interactions, usage, feedback, catalog = [], [], [], []
    for table in tables:
        if table.source in set(proposal.unchanged) | set(rates):
            continue
        is_order = table.name in passed or any(part.table is table for part in orders)
        is_order |= not is_lines(table) and any(is_of_same(part.table, table) for part in orders)
        of_use = table.view is not None and bool(table.view.where) and not table.view.event
        part = None if of_use else find_interactions(entities, table, is_order)
        if part is not None:
            interactions.append(part)
        if table.name in taken or is_order or (table.view and (table.view.event or table.view.elements)):
            continue
        if (one := find_feedback(entities, table)) is not None:
            feedback.append(one)
        elif (one := find_catalog(table)) is not None:
            catalog.append(one)
        elif (part is None or _names_events(table)) and (one := find_usage(entities, table)) is not None:
            usage.append(one)
    customers = find_customers(entities, next(iter([*orders, *usage]), None), dialect)
    members = find_members(entities, dialect)
    made_of = {part.table.source for part in (*orders, *usage, *feedback, *interactions, *catalog)}
    attributes = [
        part
        for table in tables
        if table.source not in made_of | taken
        if (part := find_attributes(entities, table)) is not None
    ]
    lookups = [
        part
        for part in (members,)
        if part is not None and _needs_users([*orders, *usage, *feedback, *interactions])
    ]
    if any("currency" in choice.options for part in orders for choice in part.columns.values()):
        lookups += [
            part
            for table in tables
            if table.name in rates and (part := find_rates(table, rates[table.name])) is not None
        ]
        proposal.currency = next((base for base in rates.values() if base), None)
    proposal.parts = [
        *([customers] if customers is not None else []),
        *orders,
        *usage,
        *catalog[:1],
        *without_copies(interactions, entities.customers),
        *feedback,
        *attributes,
        *lookups,
    ]
    _settle_currency(proposal, bool(rates))


def _names_events(table: TableProfile) -> bool:
    return any(
        one.words in (("event", "name"), ("event",), ("event", "type"), ("action",)) for one in table.fields
    )


def _needs_users(parts: list[Part]) -> bool:
    return any(choice.options.get("user") for part in parts for choice in part.columns.values())


def _settle_currency(proposal: Proposal, has_rates: bool) -> None:
    """One currency needs no rates; several without rates are a question."""
    if has_rates:
        return
    codes: Counter[str] = Counter()
    for part in proposal.of("orders"):
        for choice in part.columns.values():
            if "currency" in choice.options:
                _, field = choice.options["currency"]
                codes.update({value.strip().upper(): number for value, number in field.counts.items()})
    if not codes:
        return
    proposal.currency = codes.most_common(1)[0][0]
    if len(codes) == 1:
        for part in proposal.of("orders"):
            for choice in part.columns.values():
                choice.options.pop("at", None)
                if choice.options.pop("currency", None) and choice.options.get("unit") == "minor":
                    choice.options["unit"] = "cents"
    else:
        proposal.questions.append(
            f"currencies: amounts are in {listed(codes)}: add a table rates (currency, rate, "
            f"valid_from), which says what a unit of each was worth in {proposal.currency}"
        )


def _settle(proposal: Proposal, entities: Entities) -> None:
    """What follows from all parts together: rules to set aside, kinds, and what is missing."""
    known = {name for name in CONTRACT if proposal.of(name)} | set(proposal.unchanged)
    if "customers" not in known:
        proposal.questions.append("customers: which table has a row for each customer?")
    elif any("joined_at" not in part.columns for part in proposal.of("customers")):
        proposal.questions.append(
            "customers.joined_at: since when is somebody a customer? No column is a time"
        )
    if "orders" not in known:
        proposal.questions.append("orders: which table says what a customer bought, when and for how much?")
    if not {"usage", "interactions"} & known:
        proposal.questions.append(
            "interactions: who is in touch with whom? Without it only what customers spend is predicted"
        )
    for part in proposal.of("customers"):
        for flag in conditions([((), part.table)], paid=False):
            proposal.questions.append(
                f"customers: should some be left out? where = "
                f'"{flag.sql.format(*(field.name for _, field in flag.of))}", as {flag.why}'
            )
    _ask(proposal, entities, known)
    for part in proposal.of("interactions"):
        kind = part.columns["kind"].value
        if kind is not None and kind not in KINDS:
            proposal.kinds[kind] = "expert" if kind in ("partner", "consultant") else "informational"
    for part in proposal.parts:
        for name in ("customer_id", "source_id", "target_id"):
            choice = part.columns.get(name)
            if choice is not None:
                proposal.ids |= _alike(choice, entities)
            if choice is None or choice.field is None or part.contract in ("customers", *LOOKUPS):
                continue
            if choice.options.get("user"):
                continue
            coverage = entities.links.coverage(choice.field, entities.key) if entities.key else 1.0
            if coverage < 1:
                rule = f"{part.contract}.{name}: a known customer"
                proposal.set_aside[rule] = (
                    f"{percent(1 - coverage)} of {choice.field.table}.{choice.field.name} are not"
                )


def _alike(choice: Choice, entities: Entities) -> dict[str, object]:
    """How ids are made alike, if a column names customers or users only then."""
    field, made = choice.field, dict[str, object]()
    for parent in (entities.key, entities.user):
        if field is None or parent is None or parent is field or not entities.links.unlike(field, parent):
            continue
        values = [*field.counts, *parent.counts]
        trimmed = {value.strip() for value in parent.counts}
        if any(value != value.strip() for value in values):
            made["trim"] = True
        if any(value.strip() not in trimmed and fold(value) in parent.alike for value in field.counts):
            made["case"] = "lower"
    return made


def _ask(proposal: Proposal, entities: Entities, known: set[str]) -> None:
    """What may be so, and only they can know."""
    for part in proposal.of("interactions"):
        for one in part.table.fields:
            if one.words[-1:] == ("id",) and "type" in one.words and 1 < len(one.counts) <= MAX_CODES:
                codes = listed(f"{code} ({percent(n / one.filled)})" for code, n in one.counts.items())
                proposal.questions.append(
                    f"interactions: {part.table.name}.{one.name} is {codes}: which of them show that one "
                    "person reached another? Leave out the others with where"
                )
    if "interactions" not in known:
        proposal.questions.append(
            "interactions: no row names two people. Do codes, invitations or the addresses of links say who "
            "brought whom? docs/interactions.md has the queries"
        )
    if "usage" not in known and "interactions" in known:
        acts = [
            table.name
            for table in proposal.tables
            if table.name not in entities.stop
            and any(one.is_time for one in table.fields)
            and any(not person.path and person.kind == "user" for person in entities.persons(table))
        ]
        if acts:
            proposal.questions.append(
                f"usage: does somebody use your product who makes a row of {listed(acts)}? "
                "Each that counts becomes a part of usage"
            )
