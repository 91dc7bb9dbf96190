"""Finds which columns name rows of other tables: by shared values, and by names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from itertools import islice

from sqlglot import exp

from ripple.errors import InputError
from ripple.features.profiling.profile import Field, TableProfile, fold
from ripple.features.profiling.words import (
    ACCOUNTS,
    COUNTING,
    GENERIC,
    PEOPLE,
    PERSON,
    SOURCES,
    TARGETS,
    alike,
    head_likeness,
    likeness,
)
from ripple.features.tables.sources.source import Place

MAX_COMPARED = 400
"""The number of values of a column that are looked for in another one."""
MAX_SEARCHED = 300
"""The number of values that are looked up in a table of which only a sample was read."""
MIN_NAMED, MIN_UNNAMED = 0.2, 0.6
"""The share of values that has to be found where names say that a column refers to a table, and where not."""
MIN_SMALL = 0.9
"""The same for small whole numbers, which columns share by chance."""
MIN_UNLIKE = 0.02
"""The share of values that are found in a key once they are made alike, from which ids have to be."""
MIN_SAME = 50
"""The number of values from which two columns do not have the same ones by chance."""
MAX_HOPS = 3
_REPLIES = {"parent", "reply", "root", "thread"}
"""Words of a column with what a row answers."""


@dataclass(frozen=True)
class Link:
    """A column whose values are among those of a key of a table.

    Attributes:
        child: the column.
        parent: the key, of which each value occurs once.
        coverage: the share of the values of the column that the key has.
        named: how sure the names say so.
        unlike: whether it is found only without spaces around the values or in lower case.
    """

    child: Field
    parent: Field
    coverage: float
    named: float
    unlike: bool = False

    @property
    def backwards(self) -> bool:
        """Whether it leads from the id of a row to what refers to it."""
        return self.child.unique and self.child.words == ("id",) and self.parent.words[-1:] != ("id",)

    @property
    def quality(self) -> float:
        """How good a link it is among those of its column."""
        usual = 0.1 if self.parent.words[-1:] == ("id",) else 0.0
        return self.coverage + self.named + usual


Path = tuple[Link, ...]
"""Links from a table to a parent of it, to a parent of that, and so on."""


class Links:
    """The links between the tables of a place."""

    def __init__(self, place: Place, tables: Sequence[TableProfile]) -> None:
        self._place = place
        self.tables = {table.name: table for table in tables}
        self._searched: dict[tuple[str, str, str], set[str]] = {}
        self._keys = [key for table in tables for key in table.fields if _is_key(table, key)]
        self.all = [link for table in tables for child in table.fields for link in self._of(child)]

    def extended(self, tables: Iterable[TableProfile], customer: Field | None) -> Links:
        """These links, and those of further *tables*, to which no other ones lead.

        A view does not refer to the table that it is made of, unless this has the *customer*.
        """
        made = copy(self)
        added = [table for table in tables if self.tables.get(table.name) is not table]
        made.tables = self.tables | {table.name: table for table in added}
        names = {table.name for table in added}
        made.all = [link for link in self.all if link.child.table not in names]
        for table in added:
            for child in table.fields:
                made.all += [
                    link
                    for link in made._of(child)
                    if link.parent.table != table.source or link.parent is customer
                ]
        return made

    def keys(self, table: str) -> list[Field]:
        """The keys of a table, the most referred to first."""
        keys = [key for key in self._keys if key.table == table]
        counts = {id(key): sum(link.parent is key for link in self.all) for key in keys}
        return sorted(
            keys,
            key=lambda key: (bool(key.path), -counts[id(key)], key.words[-1:] != ("id",), len(key.words)),
        )

    def from_table(self, table: str) -> list[Link]:
        """The links of a table's columns, the best first."""
        return sorted(
            (link for link in self.all if link.child.table == table), key=lambda link: -link.quality
        )

    def best(self, child: Field) -> Link:
        """The best link of a column that has one."""
        return max((link for link in self.all if link.child is child), key=lambda link: link.quality)

    def paths(self, table: str, stop: frozenset[str] = frozenset()) -> Iterator[Path]:
        """Every way from a table to others, the shortest first, not going on beyond tables of *stop*."""
        reached: list[Path] = [()]
        for path in reached:
            yield path
            here = path[-1].parent.table if path else table
            if len(path) == MAX_HOPS or (path and here in stop):
                continue
            passed = {table, *(link.parent.table for link in path)}
            best: dict[tuple[int, str], Link] = {}
            for link in self.from_table(here):
                again = not path and link.parent.table == table and table not in stop
                if (link.parent.table not in passed or again) and not link.backwards:
                    best.setdefault((id(link.child), link.parent.table), link)
            reached += [(*path, link) for link in best.values()]

    def coverage(self, child: Field, parent: Field) -> float:
        """The share of the values of *child* that *parent* has."""
        values = list(islice(child.counts, MAX_COMPARED))
        if not values:
            return 0.0
        share = sum(value in parent.counts for value in values) / len(values)
        if self.unlike(child, parent):
            share = sum(fold(value) in parent.alike for value in values) / len(values)
        sample = self.tables[parent.table].sample
        if share < 0.95 and not sample.whole and sample.searchable and not parent.path:
            wanted = values[:MAX_SEARCHED]
            share = max(share, len(self._search(parent, wanted) & set(wanted)) / len(wanted))
        return share

    def unlike(self, child: Field, parent: Field) -> bool:
        """Whether *child* has values of *parent* only without spaces around them or in lower case."""
        if not child.type == parent.type == "text" or not (child.telling and parent.telling):
            return False
        values = list(islice(child.counts, MAX_COMPARED))
        missing = [value for value in values if value not in parent.counts]
        found = sum(fold(value) in parent.alike for value in missing)
        # ids that differ in nothing else name different things
        return found > MIN_UNLIKE * len(values) and len(parent.alike) == len(parent.counts)

    def _of(self, child: Field) -> Iterator[Link]:
        if (
            not child.is_id
            or (child.numeric and child.words[-1] in COUNTING)
            or (child.is_number and likeness(child.words, {"amount": 1, "quantity": 1}))
        ):
            return
        for key in self._keys:
            if key is child or (key.table == child.table and not _refers(child, key)):
                continue
            named = self._named(child, key)
            by_values = not child.numeric and child.telling and key.telling
            if not named and not by_values and child.words == ("id",):
                continue
            shared = any(
                value in key.counts or (child.type == "text" and fold(value) in key.alike)
                for value in islice(child.counts, MAX_COMPARED)
            )
            if not shared and (named < 0.5 or self.tables[key.table].sample.whole):
                continue
            coverage = self.coverage(child, key)
            least = MIN_UNNAMED if by_values else 1.0
            if named:
                least = MIN_NAMED if child.telling else MIN_SMALL
            if coverage >= least and (named or by_values or _same_values(child, key)):
                yield Link(child, key, coverage, named, self.unlike(child, key))

    def _named(self, child: Field, key: Field) -> float:
        """How sure names say that *child* refers to *key*."""
        table = self.tables[key.table]
        words = tuple(word for word in child.words if word not in GENERIC)
        if not words:
            same_column = child.words == key.words and len(child.words) and child.words != ("id",)
            return 0.6 if same_column and child.type == "text" and not child.unique else 0.0
        head = table.words[-1] if table.words else ""
        named = alike(words, table.words)
        if words[-1] == head or (head in words and words[0] in SOURCES | TARGETS):
            named = max(named, 0.8)
        owner = self.tables[child.table].words
        if words in (("parent",), ("root",)) and set(table.words) <= set(owner):
            named = max(named, 0.7)
        if len(words) > 1 and table.words[-len(words) :] == words:
            named = max(named, 0.9)
        if child.words == key.words and child.words != ("id",):
            named = max(named, 0.75)
        is_person = head_likeness(table.words, ACCOUNTS | PEOPLE) > 0
        if is_person and (set(words) & (SOURCES | TARGETS) or likeness(words, PERSON)):
            named = max(named, 0.5)
        return named

    def _search(self, key: Field, values: list[str]) -> set[str]:
        cached = self._searched.setdefault((key.table, key.column, values[0]), set())
        if cached:
            return cached
        column = exp.column(key.column, quoted=True)
        literals = [
            exp.Literal.number(value) if key.type in ("integer", "float") else exp.Literal.string(value)
            for value in values
            if key.type == "text" or value.lstrip("-").isdigit()
        ]
        if not literals:
            return cached
        query = (
            exp.select(column).distinct().from_(self._place.relation(key.table)).where(column.isin(*literals))
        )
        try:
            found = self._place.read(query).to_pyarrow().column(0).to_pylist()
        except InputError:
            return cached
        cached |= {f"{value:.0f}" if isinstance(value, float) else str(value) for value in found}
        return cached


def _is_key(table: TableProfile, field: Field) -> bool:
    """Whether a column can be what other tables refer to."""
    if not (field.is_id and field.unique and field.filled >= 0.02 * field.rows) or field.in_list:
        return False
    if field.path:
        is_name = field.words[-1] in ("id", "uuid", "email")
        return is_name and field.telling and len(field.counts) >= MIN_SAME
    if field.type in ("integer", "float") or field.numeric:
        # amounts and numbers of things are unique by chance
        return field.words[-1] in GENERIC or likeness(field.words, PERSON) > 0 or field.words == table.words
    return field.telling or field.words[-1] in GENERIC or likeness(field.words, PERSON) > 0.6


def _same_values(child: Field, key: Field) -> bool:
    """Whether an id of something else has exactly the values of a key."""
    outside = set(child.words) <= GENERIC and child.words != ("id",)
    return outside and len(child.counts) >= MIN_SAME and child.counts.keys() == key.counts.keys()


def _refers(child: Field, key: Field) -> bool:
    """Whether a column may refer to another row of its own table."""
    words = set(child.words)
    if words & _REPLIES:
        return True
    named = bool(words & (SOURCES | TARGETS) or likeness(child.words, PERSON))
    return key.words[-1:] != child.words and not child.unique and named
