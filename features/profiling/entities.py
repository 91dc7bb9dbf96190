"""Finds who the customers are, who their users are, and which columns of other tables name them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from ripple.features.profiling.links import Link, Links, Path
from ripple.features.profiling.profile import Field, TableProfile
from ripple.features.profiling.words import (
    ACCOUNTS,
    LINES,
    ORDERS,
    PEOPLE,
    PERSON,
    REVENUE,
    SOURCES,
    TARGETS,
    head_likeness,
    likeness,
)

MIN_MEMBERS = 0.1
"""The score of a table from which it is one of people and their customers."""
MIN_NAMED = 0.3
"""The share of events that name a customer, from which a column is taken for whose they are."""
ANONYMOUS = {"anonymous", "cookie", "device", "pseudo", "visitor"}
"""Words of the ids that people have before they log in."""


@dataclass(frozen=True)
class Person:
    """A column that names a customer, or a user of one, of the rows of a table.

    Attributes:
        path: how the column's table is reached.
        field: the column.
        kind: what it names.
        coverage: the share of its values that are known customers or users.
    """

    path: Path
    field: Field
    kind: Literal["customer", "user"]
    coverage: float

    @property
    def first(self) -> Field:
        """The column of the table itself that leads there."""
        return self.path[0].child if self.path else self.field


@dataclass(frozen=True)
class Entities:
    """Who the customers and users are.

    Attributes:
        customers: the table of customers, None if there is none.
        key: its id.
        why: why it is this table.
        members: the table that says which customer a user belongs to, if there is one.
        user: its column with the user.
        account: the column with the customer.
        way: how the table of that column is reached from *members*.
        acting: whether *members* are rows of something else, such as events, that name both.
    """

    links: Links
    customers: TableProfile | None
    key: Field | None
    why: str = ""
    members: TableProfile | None = None
    user: Field | None = None
    account: Field | None = None
    way: Path = ()
    acting: bool = False

    def seeing(self, tables: Iterable[TableProfile]) -> Entities:
        """The same customers, with the links of further *tables*."""
        return replace(self, links=self.links.extended(tables, self.key))

    @property
    def stop(self) -> frozenset[str]:
        """The tables of customers and users, beyond which nothing is looked for."""
        members = None if self.acting else self.members
        return frozenset(one.name for one in (self.customers, members) if one)

    def persons(self, table: TableProfile) -> list[Person]:
        """The columns that name whom the rows of *table* are about, the surest first, one for each column."""
        persons: dict[tuple[str, str], Person] = {}
        if table is self.customers and self.key:
            persons[self.key.table, self.key.name] = Person((), self.key, "customer", 1.0)
        for path in self.links.paths(table.name, self.stop):
            here = path[-1].parent.table if path else table.name
            if path and is_anonymous(path[0].child):
                continue
            if path and here in self.stop:
                parent = path[-1].parent
                if self.key is not None and parent.table == self.key.table and parent is not self.key:
                    # by another id of the customer
                    one = Person(path, self.key, "customer", path[-1].coverage)
                    persons.setdefault((one.first.table, one.first.name), one)
                continue
            for one in self._named_by(here, path):
                known = persons.get((one.first.table, one.first.name))
                if known is None or (len(known.path) == len(one.path) and _rank(one) < _rank(known)):
                    persons[one.first.table, one.first.name] = one
        return sorted(persons.values(), key=_rank)

    def _named_by(self, table: str, path: Path) -> list[Person]:
        named: dict[str, Person] = {}
        fields = self.links.tables[table].fields
        for kind, parent in (("user", self.user), ("customer", self.key)):
            if parent is None:
                continue
            for link in self._links_to(table, parent):
                named[link.child.name] = Person(path, link.child, kind, link.coverage)  # type: ignore[arg-type]
        if self.customers is None:
            # who has none is no customer of the row, and an affiliate of some rows at most
            for one in sorted(fields, key=lambda field: -field.filled):
                is_person = one.is_email or likeness(one.words, PERSON) >= 0.5
                if one.is_id and is_person and one.words[-1] != "name":
                    named.setdefault(one.name, Person(path, one, "customer", 1.0))
        return list(named.values())

    def _links_to(self, table: str, parent: Field) -> list[Link]:
        # users may be named by the key of a table of people, to which what says whose they are refers as well
        same = [link.parent for link in self.links.all if link.child is parent and link.coverage > 0.9]
        by_people = [
            replace(link, parent=parent)
            for link in self.links.from_table(table)
            if parent is self.user and any(link.parent is one for one in same) and table != parent.table
        ]
        if any(parent is link.parent for link in self.links.all):
            return [link for link in self.links.from_table(table) if link.parent is parent] + by_people
        # a user who moved has several rows, so that the column is no key
        return [
            Link(one, parent, coverage, 0.5)
            for one in self.links.tables[table].fields
            if one is not parent
            and one.is_id
            and (likeness(one.words, PERSON) or one.type == "text")
            and (coverage := self.links.coverage(one, parent)) > 0.3
        ] + by_people


def _rank(one: Person) -> tuple[float, ...]:
    name = likeness(one.first.words, ACCOUNTS) or 0.8 * likeness(one.first.words, PERSON)
    return len(one.path) + (one.kind == "user") * 1.5, -name, -one.coverage


def find_entities(links: Links) -> Entities:
    """Who the customers and their users are: those of whom payments speak, by what they are called."""
    named = {}
    for table in links.tables.values():
        name = head_likeness(table.words, ACCOUNTS | PEOPLE)
        key = _repeated_key(table) or next(iter(links.keys(table.name)), None)
        if name and key is not None:
            named[table.name] = name, table, key
    if not named:
        return Entities(links, None, None)
    paying = dict.fromkeys(named, 0.0)
    for payment in links.tables.values():
        ways = [
            path
            for path in links.paths(payment.name)
            if path and path[-1].parent.table in named and _pays(payment) and payment.name not in named
        ]
        nearest = min(map(len, ways), default=0)
        for path in ways:
            sure = 0.9 if links.best(path[-1].child) is path[-1] else 0.4
            payer = path[-1].parent.table
            paying[payer] = max(paying[payer], sure * nearest / len(path))
    chosen = max(named, key=lambda table: named[table][0] + paying[table])
    _, customers, key = named[chosen]
    why = "payments name them" if paying[chosen] else "of its name"
    members = max(
        (
            (score, table, user, account, way)
            for table in links.tables.values()
            if table is not customers or not key.unique
            for score, user, account, way in _memberships(links, table, key)
        ),
        key=lambda one: one[0],
        default=None,
    )
    if members is None:
        return Entities(links, customers, key, why)
    return Entities(links, customers, key, why, *members[1:], acting=members[0] < MIN_MEMBERS)


def entities_of_events(links: Links, table: TableProfile) -> Entities:
    """Who the customers are where nothing but a *table* of events names them: accounts, or else people."""
    named = [
        (likeness(one.words, ACCOUNTS | PEOPLE), one)
        for one in table.fields
        if one.is_id
        and not is_anonymous(one)
        and not set(one.words) & (SOURCES | TARGETS)
        and one.words[-1] not in ("name", "type")
        and one.filled >= MIN_NAMED * one.rows
        and len(one.counts) > 1
    ]
    sure, key = max(named, key=lambda one: one[0], default=(0.0, None))
    if key is None or sure < 0.5:
        return Entities(links, None, None)
    why = "events name them, as no table has a row for each"
    members = max(_memberships(links, table, key), key=lambda one: one[0], default=None)
    if members is None:
        return Entities(links, table, key, why)
    return Entities(links, table, key, why, table, *members[1:])


def _repeated_key(table: TableProfile) -> Field | None:
    """The id of what a table is about, where it has several rows of each."""
    name = (*table.words, "id")
    return next((one for one in table.fields if one.words == name and one.is_id and not one.unique), None)


def _pays(table: TableProfile) -> bool:
    named = max(head_likeness(table.words, ORDERS), head_likeness(table.words, LINES))
    return named > 0.5 and any(likeness(one.words, REVENUE) > 0.6 for one in table.fields)


def _memberships(links: Links, table: TableProfile, key: Field) -> list[tuple[float, Field, Field, Path]]:
    """How a table may say which customer a user belongs to, and how sure that is."""
    name = head_likeness(table.words, PEOPLE | {"membership": 1.0, "member": 1.0})
    ways = [path for path in links.paths(table.name) if path and path[-1].parent.table == key.table]
    ways.sort(key=lambda path: (path[-1].parent is not key, len(path)))
    way = next(iter(ways), None)
    if key.table == table.name:
        name, way = 1.0, (Link(key, key, 1.0, 1.0),)
    if way is None:
        return []
    # a customer may be known by another id of theirs
    account, to_account = (way[-1].child, way[:-1]) if way[-1].parent is key else (key, way)
    ids = [
        one
        for one in table.fields
        if one not in (account, way[0].child) and one.is_id and not one.in_list and not is_anonymous(one)
    ]
    explicit = [
        one
        for one in ids
        if one.words[-1] == "id"
        and likeness(one.words, PEOPLE) >= 0.5
        and (name or not set(one.words) & (SOURCES | TARGETS))
        and not (key.table == table.name and set(one.words) & (SOURCES | TARGETS))
    ]
    users = [*explicit, *(one for one in links.keys(table.name) if one in ids and one not in explicit)]
    scored = []
    for user in users:
        # other tables name them, too
        references = sum(
            coverage
            for other in links.tables.values()
            if other is not table
            for one in other.fields
            if one.is_id
            and names_person(one)
            and (coverage := links.coverage(one, user)) > 0.5
            # small whole numbers are among those of any other table
            and (not user.numeric or any(link.child is one and link.parent is user for link in links.all))
        )
        score = name + min(references, 5) + way[0].coverage - 0.2 * len(way)
        if name or (references > 1 and user.unique):
            scored.append((score, user, account, to_account))
        elif user in explicit and account.table == table.name:
            # rows of anything else also say for whom somebody acts
            scored.append((0.1 * MIN_MEMBERS * score, user, account, to_account))
    return scored


def is_anonymous(field: Field) -> bool:
    """Whether the name of a column is that of an id that people have before they are known."""
    words = set(field.words)
    named = words & ANONYMOUS or words >= {"domain", "user"}
    return field.is_id and bool(named) and field.words[-1:] in (("id",), ("key",))


def names_person(field: Field) -> bool:
    """Whether the name of a column is that of a person."""
    return likeness(field.words, PERSON) >= 0.4 or bool(set(field.words) & (SOURCES | TARGETS))
