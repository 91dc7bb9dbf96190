"""Makes tables that can be mapped of tables that cannot: one of each list, one of each role of an event."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

import duckdb
import pyarrow as pa

from ripple.features.profiling.profile import Field, TableProfile, View, fields_of, values_of
from ripple.features.profiling.words import COUNTING, GENERIC
from ripple.features.profiling.writing.sql_text import ELEMENT, KNOWN, relation

logger = logging.getLogger(__name__)

MIN_UNIQUE = 0.9
"""The share of different values from which a column is the id of its rows, some of which come twice."""


def derived(name: str, view: View, tables: dict[str, TableProfile]) -> TableProfile | None:
    """The profile of a *view* of *tables*, made of their samples; None if it cannot be made or has no row."""
    base = tables[view.table]
    table = TableProfile(name, base.sample, (), view)
    with duckdb.connect() as connection:
        for one in {view.table, *((view.identity.known_user.table,) if view.identity else ())}:
            connection.register(one, tables[one].sample.rows)
        try:
            rows = connection.execute(f"FROM {relation(table, 'duckdb')}").to_arrow_table()
        except duckdb.Error as error:
            logger.info(f"{name} cannot be made: {error}")
            return None
    if not rows.num_rows:
        return None
    sample = replace(base.sample, rows=rows, count=_count(base, rows), exact=base.sample.whole)
    return TableProfile(name, sample, tuple(_fields(name, view, rows, base)), view)


def _count(base: TableProfile, rows: pa.Table) -> int | None:
    if base.sample.count is None:
        return None
    return round(base.sample.count * rows.num_rows / base.sample.rows.num_rows)


def _fields(name: str, view: View, rows: pa.Table, base: TableProfile) -> Iterator[Field]:
    hidden = {view.identity.user.name} if view.identity else set()
    for one in fields_of(name, rows):
        if one.name in hidden or (view.elements and one.column == view.elements[0]):
            continue
        # what a whole order is worth says nothing of one of its lines
        if view.elements and one.column != ELEMENT and one.is_number and one.words[-1] not in GENERIC:
            continue
        yield replace(one, label=view.elements[-1]) if view.elements and one.column == ELEMENT else one


def lists(table: TableProfile) -> Iterator[View]:
    """A view for each list of objects in *table*, with a row for each object."""
    view = table.view or View(table.name)
    rows = table.sample.rows
    if view.elements or ELEMENT in rows.column_names:
        return
    for column in dict.fromkeys(one.column for one in table.fields):
        if column == KNOWN:
            continue
        kind = rows.schema.field(column).type
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            for keys in _json_lists(rows[column].to_pylist()):
                yield replace(view, elements=(column, *keys), nested="json")
        for keys in _struct_lists(kind):
            yield replace(view, elements=(column, *keys), nested="struct")


def _struct_lists(kind: pa.DataType) -> Iterator[tuple[str, ...]]:
    """The names that lead to lists of structs in a type."""
    if pa.types.is_list(kind) and pa.types.is_struct(kind.value_type):
        if not _is_pairs(one.name for one in kind.value_type):
            yield ()
    elif pa.types.is_struct(kind):
        for inner in kind:
            yield from ((inner.name, *keys) for keys in _struct_lists(inner.type))


def _json_lists(texts: list[str | None]) -> list[tuple[str, ...]]:
    """The keys that lead to lists of objects in texts that are JSON."""
    found: Counter[tuple[str, ...]] = Counter()
    for text in [text for text in texts if text and text.strip()][:200]:
        if not text.lstrip().startswith(("{", "[")):
            return []
        try:
            parsed = json.loads(text)
        except ValueError:
            return []
        inside = parsed.items() if isinstance(parsed, dict) else ()
        for keys, value in (((), parsed), *(((key,), inner) for key, inner in inside)):
            if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
                found[keys] += not _is_pairs(key for one in value for key in one)
    return [keys for keys, number in found.items() if number]


def _is_pairs(keys: Iterable[str]) -> bool:
    """Whether the objects of a list are names with a value, rather than things of one kind."""
    return set(keys) <= {"key", "name", "value", "type", "id"}


def repeats(table: TableProfile) -> bool:
    """Whether whole rows come twice, with the same id, as where an export sent some again."""
    for one in table.fields:
        twice = [value for value, number in one.counts.items() if number > 1]
        if not twice or one.words[-1] in COUNTING or one.words[-1] not in ("id", "uuid", "guid", "key"):
            continue
        if (
            one.in_list
            or len(one.counts) < MIN_UNIQUE * one.filled
            or one.filled < table.sample.rows.num_rows
        ):
            continue
        wanted = set(twice)
        places = [place for place, value in enumerate(values_of(table.sample.rows, one)) if value in wanted]
        rows = {json.dumps(row, default=str) for row in table.sample.rows.take(places).to_pylist()}
        if len(rows) == len(wanted):
            return True
    return False
