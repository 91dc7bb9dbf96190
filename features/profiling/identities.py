"""Finds who people are that are anonymous in some rows of a table, as before they log in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ripple.features.profiling.entities import Entities, is_anonymous
from ripple.features.profiling.profile import Field, Identity, TableProfile, View, values_of
from ripple.features.profiling.views import derived
from ripple.features.profiling.words import SOURCES, TARGETS, Words, head_likeness

_IDENTIFIES: Words = {"identify": 1.0, "alias": 1.0, "identity": 1.0, "merge": 0.5}
MIN_KNOWN, MIN_KNOWN_OF_SAMPLE = 0.1, 0.01
"""The share of anonymous ids that have to be known elsewhere: in whole tables, and in samples of some."""


def identified(table: TableProfile, entities: Entities, tables: dict[str, TableProfile]) -> TableProfile:
    """The *table* with the users of rows without one, where rows of *tables* with both ids know them."""
    anonymous = next((one for one in table.fields if is_anonymous(one) and one.filled), None)
    if anonymous is None:
        return table
    user = _user(table, entities)
    if user is None or user.filled == user.rows or (table.view and table.view.elements):
        return table
    rows = table.sample.rows
    pairs = zip(values_of(rows, anonymous), values_of(rows, user), strict=True)
    unknown = {one for one, known in pairs if one and not known}
    if not unknown:
        return table
    best, sure = None, 0.0
    for other, known_anonymous, known_user in _both(tables, user):
        values = values_of(other.sample.rows, known_anonymous), values_of(other.sample.rows, known_user)
        known = {one for one, who in zip(*values, strict=True) if one and who}
        share = len(known & unknown) / len(unknown)
        whole = table.sample.whole and other.sample.whole
        if share >= (MIN_KNOWN if whole else MIN_KNOWN_OF_SAMPLE):
            score = (
                share + 0.2 * head_likeness(other.words, _IDENTIFIES) + 0.01 * (other.name == table.source)
            )
            if score > sure:
                best, sure = Identity(anonymous, user, known_anonymous, known_user), score
    if best is None:
        return table
    view = replace(table.view or View(table.name), identity=best)
    return derived(table.name, view, tables) or table


def _user(table: TableProfile, entities: Entities) -> Field | None:
    """The column of the table itself that names who did it."""
    for one in entities.persons(table):
        if not one.path and not set(one.field.words) & (SOURCES | TARGETS) and not is_anonymous(one.field):
            return one.field
    return None


def _both(tables: dict[str, TableProfile], user: Field) -> Iterator[tuple[TableProfile, Field, Field]]:
    """The tables, of those that are there, with an anonymous id and that of a user."""
    for table in tables.values():
        users = [one for one in table.fields if one.words == user.words and one.is_id]
        for anonymous in (one for one in table.fields if is_anonymous(one)):
            yield from ((table, anonymous, one) for one in users)
