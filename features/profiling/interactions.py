"""Finds who reached whom, by referrals, shares or answers, and who of two may have influenced the other."""

from __future__ import annotations

from itertools import combinations

from ripple.features.profiling.choices import choose_person, choose_time, conditions, present
from ripple.features.profiling.entities import Entities, Person
from ripple.features.profiling.events import known_user, late
from ripple.features.profiling.links import Path
from ripple.features.profiling.profile import TableProfile
from ripple.features.profiling.proposal import Choice, Part
from ripple.features.profiling.words import (
    CODES,
    HAPPENED,
    KINDS,
    MEMBERS,
    ORDERED,
    SOURCES,
    TARGETS,
    head_likeness,
    likeness,
)

MIN_KIND = 0.45
"""The least likeness at which a table or a column names a kind of interaction."""
_ANSWERING = {"answer", "review", "partner", "mentoring", "endorsement"}
"""Kinds in which who writes the row influences whom it answers; in the others it is who is found by it."""
_STRONG = {"referrer", "inviter", "author", "owner", "sender", "from", "creator", "mentor", "advocate"}
_STRONG |= {"affiliate", "source", "referred"}


def find_interactions(entities: Entities, table: TableProfile, is_order: bool = False) -> Part | None:
    """Who may have influenced whom by rows of *table*, None if these do not name two people."""
    if table is entities.members or _is_membership(table):
        return None
    persons = entities.persons(table)
    if len(persons) < 2:
        return None
    scored = []
    for one, other in combinations(persons, 2):
        if _same(one, other):
            continue
        kind, sure = _kind(table, one, other, is_order)
        if sure >= MIN_KIND:
            scored.append((sure - 0.1 * (len(one.path) + len(other.path)), kind, sure, one, other))
    if not scored:
        return None
    _, kind, sure, one, other = max(scored, key=lambda found: found[0])
    source, target, why = _directed(table, kind, one, other)
    paths: list[Path] = [(), *(path for path in (source.path, target.path) if path)]
    time = choose_time(table, entities.links, HAPPENED, [()]) or choose_time(
        table,
        entities.links,
        {**ORDERED, "created": 0.8, "occurred": 1.0, "timestamp": 0.9},
        _prefixes(paths),
    )
    if time is None:
        return None
    columns = {
        "source_id": choose_person(source),
        "target_id": choose_person(target),
        "occurred_at": time,
        "kind": Choice(value=kind, confidence=sure, why=f"the names of {table.name} and its columns"),
    } | late(table, time)
    here = [((), table)] + [
        (path, entities.links.tables[path[-1].parent.table]) for path in _prefixes(paths) if path
    ]
    where = [
        *(condition for person in (source, target) for condition in present(person.path, person.field)),
        *(condition for person in (source, target) for condition in known_user(entities, person)),
        *conditions(here[:1]),
        *conditions(here[1:], paid=False),
    ]
    if source.kind == target.kind and (source.path or target.path):
        of = ((source.path, source.field), (target.path, target.field))
        where.append(Choice(sql="{0} <> {1}", of=of, confidence=0.9, why="nobody influences themselves"))
    return Part("interactions", table, columns, tuple(where), notes=(why,))


def _is_membership(table: TableProfile) -> bool:
    return head_likeness(table.words, {"membership": 1.0}) > 0


def _same(one: Person, other: Person) -> bool:
    """Whether two columns lead to the same person of the same row."""
    if one.path and other.path and one.field is other.field:
        last, other_last = one.path[-1], other.path[-1]
        # two keys of the same row, rather than the same key of two rows
        by_another_key = last.child.table == other_last.child.table and last.parent is not other_last.parent
        return last.child is other_last.child or by_another_key
    if {one.kind, other.kind} == {"user", "customer"} and not one.path and not other.path:
        words = set(one.field.words) | set(other.field.words)
        return not words & (SOURCES | TARGETS)
    return False


def _kind(table: TableProfile, one: Person, other: Person, is_order: bool) -> tuple[str, float]:
    """What kind of interaction it is, by the names, and how sure that is."""
    fields = [one.first.words, other.first.words]
    best, sure = "", 0.0
    for kind, words in KINDS.items():
        by_table = (
            0.0 if is_order else max(head_likeness(table.words, words), 0.85 * likeness(table.words, words))
        )
        by_field = 0.9 * max(likeness(field, words) for field in fields)
        if max(by_table, by_field) > sure:
            best, sure = kind, max(by_table, by_field)
    named = any(set(field) & (SOURCES | TARGETS) for field in fields)
    if sure < MIN_KIND and not is_order and named and not head_likeness(table.words, MEMBERS):
        # two columns that name people by what they did to each other
        return table.words[-1], 0.46
    return best, sure


def _directed(table: TableProfile, kind: str, one: Person, other: Person) -> tuple[Person, Person, str]:
    """Who is the source and who the target, and why."""
    lead = _pull(one) - _pull(other)
    if abs(lead) >= 1:
        source, target = (one, other) if lead > 0 else (other, one)
        why = f"{source.first.name} names who influences, {target.first.name} who is influenced"
    else:
        near, far = sorted((one, other), key=lambda person: len(person.path))
        if kind in _ANSWERING:
            source, target = near, far
            why = f"who writes a row of {table.name} influences whose {far.field.table} it is about"
        else:
            source, target = far, near
            why = f"the owner in {far.field.table} influences who comes across it in {table.name}"
    return source, target, f"{kind}, direction assumed: {why}"


def _pull(person: Person) -> float:
    """How much the names say that a person is the source of a row, less than 0 for the target."""
    first, last = set(person.first.words), set(person.field.words)
    weak, targeted = SOURCES - _STRONG | CODES, TARGETS - {"customer", "buyer", "to"}
    sources = 2.0 * bool(first & _STRONG) + bool(first & weak) + 0.5 * bool(last & _STRONG)
    targets = bool(first & targeted) + 0.5 * bool(last & targeted)
    return sources - targets


def _prefixes(paths: list[Path]) -> list[Path]:
    """The ways and all ways that they go along."""
    return list(dict.fromkeys(path[:end] for path in paths for end in range(len(path) + 1)))


def without_copies(parts: list[Part], customers: TableProfile | None) -> list[Part]:
    """The *parts* without referrals that a column of customers repeats beside a table of their own."""
    referrals = [part for part in parts if part.columns["kind"].value == "referral"]
    if len(referrals) > 1 and any(part.table is not customers for part in referrals):
        return [part for part in parts if part.table is not customers or part not in referrals]
    return parts
