"""Finds what customers bought: lines of orders, invoices or deals, and their refunds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ripple.features.profiling.choices import (
    choose_amount,
    choose_named,
    choose_person,
    choose_time,
    conditions,
    names_somebody,
    present,
    refund_condition,
)
from ripple.features.profiling.entities import Entities, Person
from ripple.features.profiling.links import Link, Path
from ripple.features.profiling.profile import Field, TableProfile
from ripple.features.profiling.proposal import Choice, Part
from ripple.features.profiling.values import CURRENCIES
from ripple.features.profiling.words import (
    LINES,
    MARGIN,
    ORDERED,
    ORDERS,
    PRODUCT,
    REFUNDED,
    REFUNDS,
    REVENUE,
    head_likeness,
    likeness,
    tokens,
)
from ripple.features.profiling.writing.sql_text import ELEMENT

MIN_REFUND = 0.6
"""The likeness from which a table is taken for refunds."""
MIN_ORDERS = 0.5
"""The least score of a table that is taken for orders."""


def find_orders(
    entities: Entities, tables: Sequence[TableProfile], dialect: str
) -> tuple[list[Part], list[TableProfile]]:
    """The parts of orders, and the other *tables* that could have been."""
    scored = []
    for table in tables:
        if table.name in entities.stop or _is_refund(table):
            continue
        part = _part(table, entities)
        if part is not None:
            scored.append((_score(table, entities, part), part))
    scored.sort(key=lambda one: -one[0])
    if not scored or scored[0][0] < MIN_ORDERS:
        return [], []
    best = scored[0][1]
    others = [part.table for score, part in scored[1:] if score >= MIN_ORDERS]
    joined = {link.parent.table for path in best.paths for link in path}
    refunds: list[Part] = []
    # lines of a refund first, as they say more than the whole of it
    for table in sorted(tables, key=lambda one: not is_lines(one)):
        if table.name not in entities.stop and _is_refund(table):
            refund = _refund(table, best, entities, dialect)
            if refund is not None and not any(is_of_same(refund.table, one.table) for one in refunds):
                refunds.append(refund)
    left = [table for table in others if table.name not in joined and not is_of_same(table, best.table)]
    return [best, *refunds], left


def is_lines(table: TableProfile) -> bool:
    """Whether its rows are elements of lists."""
    return table.view is not None and bool(table.view.elements)


def is_of_same(one: TableProfile, other: TableProfile) -> bool:
    """Whether two tables are made of the same rows."""
    wheres = [table.view.where if table.view else "" for table in (one, other)]
    return one.source == other.source and wheres[0] == wheres[1]


def _is_refund(table: TableProfile) -> bool:
    return max(likeness(table.words, REFUNDS), head_likeness(table.words, REFUNDS)) >= MIN_REFUND


def _score(table: TableProfile, entities: Entities, part: Part) -> float:
    name = max(head_likeness(table.words, ORDERS), 0.5 if "order" in table.words else 0.0)
    if table.view is not None and table.view.event:
        name = max(name, MIN_ORDERS, likeness(tokens(table.view.event), ORDERS))
    if table.view is not None and table.view.elements:
        whole = tuple(word for word in table.words if word not in tokens(table.view.elements[-1]))
        name = 0.25 + max(name, likeness(whole, ORDERS))
    parents = [
        head_likeness(entities.links.tables[link.parent.table].words, ORDERS)
        for link in part.columns["customer_id"].path
    ]
    if head_likeness(table.words, LINES):
        name = max(name, 0.25 + max(parents, default=0.3))
    product = part.columns["product"].confidence if part.columns["product"].field else 0.0
    return (
        name
        + 0.3 * product
        + 0.2 * part.columns["revenue"].confidence
        + (0.2 if parents and max(parents) > 0 else 0)
    )


def buyer(persons: Iterable[Person]) -> Person | None:
    """The person of an order who pays."""
    return next(iter(persons), None)


def _ways(table: TableProfile, entities: Entities, person: Person) -> list[Path]:
    """The table itself, the way to its customer, and the tables that it leads to at once."""
    along = [person.path[:end] for end in range(len(person.path) + 1)]
    near = [
        path
        for path in entities.links.paths(table.name, entities.stop)
        if len(path) == 1 and path[0].parent.table not in entities.stop and path[0].coverage > 0.9
    ]
    return [*along, *(path for path in near if path not in along)]


def _part(table: TableProfile, entities: Entities) -> Part | None:
    person = buyer(entities.persons(table))
    revenue = choose_amount(table)
    if person is None or revenue is None:
        return None
    ways = _ways(table, entities, person)
    time = choose_time(table, entities.links, ORDERED, ways)
    if time is None:
        return None
    product = _product(table, [revenue.field, person.first, *_ids(table)])
    negative = refund_condition(table)
    if negative:
        revenue = replace(revenue, options=revenue.options | {"negative_if": negative})
    revenue = with_currency(revenue, table, person.path, entities)
    columns = {
        "customer_id": choose_person(person),
        "ordered_at": time,
        "product": product or Choice(value=table.words[-1], confidence=0.3, why="no column names a product"),
        "revenue": revenue,
    }
    margin = choose_amount(table, MARGIN, 0.9)
    if margin is not None:
        columns["margin"] = with_currency(margin, table, person.path, entities)
    key = next((one for one in _ids(table)), None)
    if key is not None:
        columns["order_id"] = Choice(key, confidence=0.9, why="unique")
    where = [
        *names_somebody(person),
        *([] if time.field is None else present(time.path, time.field)),
        *conditions(_passed(table, person.path, entities)),
    ]
    return Part("orders", table, columns, tuple(where))


def _product(table: TableProfile, exclude: list[Field | None]) -> Choice | None:
    """The column with what was bought; lines of a list name it themselves."""
    if not is_lines(table):
        return choose_named(table, PRODUCT, 0.4, exclude)
    exclude = exclude + [one for one in table.fields if one.column != ELEMENT or one.unique]
    known = choose_named(table, PRODUCT, 0.4, exclude)
    if known is not None:
        return known
    repeated = [
        one
        for one in table.fields
        if one not in exclude and one.type == "text" and one.words[-1:] in (("id",), ("code",), ("name",))
        if one.is_id and 1 < len(one.counts) <= 0.5 * one.filled
    ]
    if not repeated:
        return None
    why = f"the id that lines repeat, with {len(repeated[0].counts):,} values"
    return Choice(repeated[0], confidence=0.6, why=why)


def _passed(table: TableProfile, path: Path, entities: Entities) -> list[tuple[Path, TableProfile]]:
    return [((), table)] + [
        (path[: end + 1], entities.links.tables[path[end].parent.table]) for end in range(len(path))
    ]


def _ids(table: TableProfile) -> list[Field]:
    """The ids of the rows themselves."""
    return [
        one
        for one in table.fields
        if one.unique
        and one.is_id
        and not one.path
        and one.filled == one.rows
        and one.words[-1] in ("id", "uuid", "key", "number", "identifier")
    ][:1]


def with_currency(amount: Choice, table: TableProfile, path: Path, entities: Entities) -> Choice:
    """An amount with the column of its currency, if there is one."""
    for way, here in _passed(table, path, entities):
        for one in here.fields:
            codes = {value.strip().lower() for value in one.counts}
            named = bool({"currency", "iso"} & set(one.words)) and all(len(code) == 3 for code in codes)
            if one.type == "text" and codes and (named or codes <= CURRENCIES):
                options = dict(amount.options)
                if options.get("unit") == "cents":
                    options["unit"] = "minor"
                return replace(amount, options=options | {"currency": (way, one)})
    return amount


def _refund(table: TableProfile, orders: Part, entities: Entities, dialect: str) -> Part | None:
    """The refunds as negative orders of what was bought, None if it is not known whose they are."""
    person = buyer(entities.persons(table))
    revenue = choose_amount(table, REVENUE | REFUNDED)
    if person is None or revenue is None:
        return None
    links = entities.links
    ways = list(links.paths(table.name, entities.stop))
    to_orders = next((path for path in ways if path and path[-1].parent.table == orders.table.name), None)
    persons = entities.persons(table)
    if to_orders is not None:
        # the customer of the order line, by way of it
        persons = _along(entities, to_orders, orders) or persons
    person = buyer(persons) or person
    near = [
        path
        for path in ways
        if len(path) <= 1 and (not path or _is_refund(links.tables[path[0].parent.table]))
    ]
    time = choose_time(table, links, ORDERED, near) or choose_time(table, links, ORDERED, ways)
    if time is None:
        return None
    revenue = with_currency(revenue, table, person.path, entities)
    revenue = replace(
        revenue, options=revenue.options | {"negative_if": "true"}, why=revenue.why + "; paid back"
    )
    bought = orders.columns["ordered_at"]
    if to_orders is not None:
        revenue = _at(revenue, time, replace(bought, path=(*to_orders, *bought.path)))
    own_product = orders.columns["product"]
    own = _own_product(table, own_product.field) or _product(table, [revenue.field, person.first])
    columns = {"customer_id": choose_person(person), "ordered_at": time}
    where = [*names_somebody(person), *conditions([((), table)])]
    key = next((one for one in _ids(table)), None)
    if to_orders is not None and own_product.field is not None:
        columns["product"] = replace(own_product, path=to_orders, confidence=0.85, why="what was bought")
        seen = {path for choice in orders.where for path, _ in choice.parts}
        prefix = {path: (*to_orders, *path) for path in seen}
        flags = [
            one
            for one in orders.where
            if "IS NOT NULL" not in one.sql and "=" in one.sql and "<>" not in one.sql
        ]
        where += [replace(one, of=tuple((prefix[path], field) for path, field in one.of)) for one in flags]
    elif own is not None and own.field is not None and _same_products(own.field, own_product.field):
        columns["product"] = own
    else:
        shared = _shared(table, orders, entities, columns, revenue, where, key, dialect)
        if shared is not None:
            return shared
        columns["product"] = Choice(
            value=own_product.value or "refund", confidence=0.3, why="what was paid back is not known"
        )
    columns["revenue"] = revenue
    if key is not None:
        columns["order_id"] = Choice(key, confidence=0.8, why="unique")
    return Part("orders", table, columns, tuple(where), notes=("refunds, on the day they were paid back",))


def _own_product(table: TableProfile, bought: Field | None) -> Choice | None:
    """The column that is called like that of what was bought."""
    named = [one for one in table.fields if bought and one.words == bought.words and one.path == bought.path]
    return Choice(named[0], confidence=0.8, why="called like what was bought") if named else None


def _same_products(one: Field, other: Field | None) -> bool:
    """Whether two columns name the same products."""
    return other is not None and sum(value in other.counts for value in one.counts) > 0.5 * len(one.counts)


def _at(revenue: Choice, refunded: Choice, bought: Choice) -> Choice:
    """Refunds at the rate of the day on which that was *bought*, as no more than that can be paid back."""
    if "currency" not in revenue.options or refunded.options != bought.options or bought.field is None:
        return revenue
    return replace(revenue, options=revenue.options | {"at": (bought.path, bought.field)})


def _along(entities: Entities, way: Path, orders: Part) -> list[Person]:
    customer = orders.columns["customer_id"]
    if customer.field is None:
        return []
    person = buyer(entities.persons(orders.table))
    return [] if person is None else [replace(person, path=(*way, *person.path))]


def _shared(
    table: TableProfile,
    orders: Part,
    entities: Entities,
    columns: dict[str, Choice],
    revenue: Choice,
    where: list[Choice],
    key: Field | None,
    dialect: str,
) -> Part | None:
    """Refunds of a whole order, of which each of its lines gets its share."""
    product, amount = orders.columns["product"], orders.columns["revenue"]
    to_lines, paid_back = _way_to_lines(table, orders, entities), revenue.field
    person = buyer(entities.persons(orders.table))
    if not to_lines or person is None or product.field is None or paid_back is None or revenue.sql:
        return None

    def behind(path: Path) -> Path:
        """A way from the lines, which does not go down to them and up to their order again."""
        up = path[:1] and path[0].child is to_lines[-1].parent and path[0].parent is to_lines[-1].child
        return (*to_lines[:-1], *path[1:]) if up else (*to_lines, *path)

    bought = orders.columns["ordered_at"]
    bought = replace(bought, path=behind(bought.path))
    revenue = _at(revenue, columns["ordered_at"], bought)
    customer = choose_person(replace(person, path=behind(person.path)))
    if "user" in customer.options and bought.options == columns["ordered_at"].options and not bought.sql:
        customer = replace(customer, options=customer.options | {"at": (bought.path, bought.field)})
    worth, last = amount.sql or "CAST({0} AS DOUBLE)", len(amount.parts) + 1
    worth = "(" + worth.format(*(f"{{{place + 1}}}" for place in range(len(amount.parts)))) + ")"
    shares = replace(
        revenue,
        sql=f"CAST({{0}} AS DOUBLE) * {worth} / SUM({worth}) OVER (PARTITION BY {{{last}}})",
        of=(((), paid_back), *((to_lines, one) for _, one in amount.parts), ((), key or paid_back)),
        confidence=0.7,
        why="each line of the order has its share of what was paid back",
    )
    if dialect == "postgres":
        shares = replace(shares, sql=shares.sql.replace("DOUBLE", "DOUBLE PRECISION"))
    columns = columns | {
        "customer_id": customer,
        "product": replace(product, path=to_lines, confidence=0.85, why="what was bought"),
        "revenue": shares,
    }
    line_key = next(iter(_ids(orders.table)), None)
    if key is not None and line_key is not None:
        columns["order_id"] = Choice(
            sql="CAST({0} AS VARCHAR) || ' ' || CAST({1} AS VARCHAR)",
            of=(((), key), (to_lines, line_key)),
            confidence=0.8,
            why="unique",
        )
    notes = ("refunds, on the day they were paid back, shared among the lines of the order",)
    views = (orders.table,) if orders.table.view else ()
    return Part("orders", table, columns, tuple(where), notes=notes, views=views)


def _way_to_lines(table: TableProfile, orders: Part, entities: Entities) -> Path:
    """The way from refunds to the lines of the order that they pay back, empty if there is none.

    The lines are reached backwards, by their column that refers to the order.
    """
    ways = [path for path in entities.links.paths(table.name, entities.stop) if path]
    to_header = orders.columns["customer_id"].path
    if to_header:
        link = to_header[0]
        way = next((path for path in ways if path[-1].parent.table == link.parent.table), ())
        return (*way, Link(link.parent, link.child, 1.0, 1.0)) if way else ()
    if not is_lines(orders.table):
        return ()
    for way in ways:
        of_order = way[-1].parent
        same = next((one for one in orders.table.fields if one.name == of_order.name), None)
        if of_order.table == orders.table.source and same is not None:
            return (*way[:-1], replace(way[-1], parent=same))
    return ()
