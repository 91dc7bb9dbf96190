"""Finds who reached whom, by referrals, shares or answers, and who of two may have influenced the other."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from itertools import combinations

import pyarrow as pa

from ripple.features.profiling.choices import choose_person, choose_time, conditions, names_somebody, present
from ripple.features.profiling.entities import Entities, Person
from ripple.features.profiling.events import known_user, late
from ripple.features.profiling.links import Path
from ripple.features.profiling.profile import Field, TableProfile, values_of
from ripple.features.profiling.proposal import Choice, Part
from ripple.features.profiling.values import moment
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
    tokens,
)

MIN_KIND = 0.45
"""The least likeness at which a table or a column names a kind of interaction."""
_ANSWERING = {"answer", "review", "partner", "mentoring", "endorsement"}
"""Kinds in which who writes the row influences whom it answers; in the others it is who is found by it."""
_CODE = 0.65
"""How sure a code of somebody else's is a referral."""
_ASKED = {"answer", "answered", "case", "issue", "question", "review", "solution", "solved", "ticket"}
"""Words of tables of questions, and of what answers them."""
_JOINING = {"referral", "invite"}
"""Kinds that somebody has to take up before they reach them."""
_PASSIVE = {"invited", "referred"}
"""Words of who is influenced, unless by somebody follows."""
_ASKING = {"asked", "asker", "requested", "requester"}
"""Words of who is helped by the other one, also where by somebody follows."""
_HELPING = {"answered", "helped", "solved"}
"""Words of who helps, where by somebody follows."""
_STRONG = {"referrer", "inviter", "author", "owner", "sender", "from", "creator", "mentor", "advocate"}
_STRONG |= {"affiliate", "source", "referred"}


def find_interactions(entities: Entities, table: TableProfile, is_order: bool = False) -> Part | None:
    """Who may have influenced whom by rows of *table*, None if these do not name two people."""
    if (table is entities.members and not entities.acting) or _is_membership(table):
        return None
    persons = entities.persons(table)
    if len(persons) < 2:
        return None
    scored = []
    for one, other in combinations(persons, 2):
        if same_person(one, other):
            continue
        kind, sure = _kind(table, one, other, is_order)
        if sure >= MIN_KIND:
            # of two users of one customer is known that they are colleagues, so two of a kind are better
            score = sure - 0.1 * (len(one.path) + len(other.path)) + 0.05 * (one.kind == other.kind)
            scored.append((score, kind, sure, one, other))
    if not scored:
        return None
    _, kind, sure, one, other = max(scored, key=lambda found: found[0])
    source, target, why = _directed(table, kind, one, other)
    paths: list[Path] = [(), *(path for path in (source.path, target.path) if path)]
    time = choose_time(table, entities.links, HAPPENED, [()], _taken_up(table, target, kind)) or choose_time(
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
        "kind": _kind_of_row(entities, table, kind, sure, source, target, persons),
    } | late(table, time)
    here = [((), table)] + [
        (path, entities.links.tables[path[-1].parent.table]) for path in _prefixes(paths) if path
    ]
    where = [
        *(condition for person in (source, target) for condition in names_somebody(person)),
        *([] if time.field is None else present(time.path, time.field)),
        *(condition for person in (source, target) for condition in known_user(entities, person)),
        *conditions(here[:1], paid=not is_order),
        *conditions(here[1:], paid=False),
    ]
    if source.kind == target.kind and (source.path or target.path or _meets_itself(table, source, target)):
        of = ((source.path, source.field), (target.path, target.field))
        where.append(Choice(sql="{0} <> {1}", of=of, confidence=0.9, why="nobody influences themselves"))
    return Part("interactions", table, columns, tuple(where), notes=(why,))


def _meets_itself(table: TableProfile, source: Person, target: Person) -> bool:
    """Whether a row of the sample names the same person twice."""
    sources, targets = (values_of(table.sample.rows, person.field) for person in (source, target))
    return any(one is not None and one == other for one, other in zip(sources, targets, strict=True))


def _is_membership(table: TableProfile) -> bool:
    return head_likeness(table.words, {"membership": 1.0}) > 0


def same_person(one: Person, other: Person) -> bool:
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
    if best == "answer" and not _answers(table, one, other):
        best = "post"
    if any(person.path and set(person.first.words) & CODES for person in (one, other)) and sure < _CODE:
        # a code that belongs to a customer is there to be passed on
        best, sure = "referral", _CODE
    named = any(set(field) & (SOURCES | TARGETS) for field in fields)
    if sure < MIN_KIND and not is_order and named and not head_likeness(table.words, MEMBERS):
        # two columns that name people by what they did to each other
        return table.words[-1], 0.46
    return best, sure


def _taken_up(table: TableProfile, target: Person, kind: str) -> list[Field]:
    """The time at which a referral or an invitation was taken up: the first that is known only of these."""
    field = target.first
    if kind not in _JOINING or field.filled == field.rows or target.first.table != table.name:
        return []
    rows = table.sample.rows
    there = [bool(value) for value in values_of(rows, field)]
    times = [
        one
        for one in table.fields
        if one.is_time and [bool(value) for value in values_of(rows, one)] == there
    ]
    return sorted(times, key=lambda one: _first_moment(rows, one))[:1]


def _first_moment(rows: pa.Table, time: Field) -> float:
    """About when the times of a column are, to compare columns of one table."""
    moments = [moment(value, time.times[0]) for value in values_of(rows, time) if value]
    known = [one.timestamp() for one in moments if one is not None]
    return statistics.fmean(known) if known else math.inf


def _kind_of_row(
    entities: Entities,
    table: TableProfile,
    kind: str,
    sure: float,
    source: Person,
    target: Person,
    persons: Sequence[Person],
) -> Choice:
    """The kind; an invitation that leads to no workspace that is there already brings a new customer."""
    why = f"the names of {table.name} and its columns"
    if kind != "invite" or entities.user is None or "user" not in (source.kind, target.kind):
        return Choice(value=kind, confidence=sure, why=why)
    where = next(
        (
            one
            for one in persons
            if one.kind == "customer"
            and not set(one.first.words) & (SOURCES | TARGETS)
            # what every row says of who does it
            and not any(
                own is not None and own.table == table.source and own.name == one.field.name
                for own in (entities.key, entities.account)
            )
        ),
        None,
    )
    if where is None:
        return Choice(value="referral", confidence=0.6, why=f"{why}, and no column says where to")
    if where.first.filled == where.first.rows:
        return Choice(value=kind, confidence=sure, why=why)
    sql = "CASE WHEN {0} IS NULL THEN 'referral' ELSE 'invite' END"
    why = f"without {where.first.name} it is an invitation to the product"
    return Choice(value=None, sql=sql, of=(((), where.first),), confidence=0.75, why=why)


def _answers(table: TableProfile, one: Person, other: Person) -> bool:
    """Whether rows are answers to questions, rather than comments on what somebody wrote."""
    about = {word for person in (one, other) for link in person.path for word in tokens(link.parent.table)}
    return bool((about | set(table.words)) & _ASKED) or not (one.path or other.path)


def _directed(table: TableProfile, kind: str, one: Person, other: Person) -> tuple[Person, Person, str]:
    """Who is the source and who the target, and why."""
    lead = _pull(one) - _pull(other)
    # the author of a row and the author of what it is about are both authors
    if abs(lead) >= 1 and one.field.words != other.field.words:
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
    if first & _ASKING or (first & _PASSIVE and "by" not in first):
        return -1.0
    if first & _HELPING and "by" in first:
        return 2.0
    weak, targeted = SOURCES - _STRONG | CODES, TARGETS - {"customer", "buyer", "to"}
    sources = 2.0 * bool(first & _STRONG) + bool(first & weak) + 0.5 * bool(last & _STRONG)
    targets = bool(first & targeted) + 0.5 * bool(last & targeted)
    return sources - targets


def _prefixes(paths: list[Path]) -> list[Path]:
    """The ways and all ways that they go along."""
    return list(dict.fromkeys(path[:end] for path in paths for end in range(len(path) + 1)))


def without_copies(parts: list[Part], customers: TableProfile | None) -> list[Part]:
    """The *parts* without referrals that a column of customers repeats beside a table of their own."""
    referrals = [
        part
        for part in parts
        if part.columns["kind"].value == "referral" or "'referral'" in part.columns["kind"].sql
    ]
    if len(referrals) > 1 and any(part.table is not customers for part in referrals):
        return [part for part in parts if part.table is not customers or part not in referrals]
    return parts
