"""Finds what customers did and said: events and daily counts of use, and feedback."""

from __future__ import annotations

from ripple.features.profiling.choices import (
    choose_named,
    choose_person,
    choose_time,
    conditions,
    names_somebody,
    present,
)
from ripple.features.profiling.entities import Entities, Person
from ripple.features.profiling.links import Path
from ripple.features.profiling.profile import Field, TableProfile
from ripple.features.profiling.proposal import Choice, Part, percent
from ripple.features.profiling.words import (
    COUNTING,
    FEATURE,
    GENERIC,
    HAPPENED,
    KNOWN_AT,
    PRODUCT,
    QUANTITY,
    USAGE,
    Words,
    head_likeness,
    likeness,
    weighted,
)
from ripple.features.tables.sources.source import quoted

SCORE: Words = weighted("""
    1: score, nps score
    0.97: rating, nps, csat
    0.9: star, stars, conversation rating
    0.95: sentiment, satisfaction
    0.96: satisfaction rating
    0.7: grade, feeling, mood
    0.98: satisfaction score
""")
FEEDBACK: Words = weighted("""
    1: feedback, satisfaction rating, nps response
    0.9: survey, rating, satisfaction
    0.95: nps, csat, survey response
    0.85: review
    0.7: response
    0.4: ticket
""")
MIN_FEATURES = 2
"""The number of values from which a column tells features apart."""
MIN_WIDE = 3
"""The number of columns of counts from which a table is taken for one of a column per feature."""
_SCALES = {
    (0.0, 10.0): "({0} - 5) / 5.0",
    (1.0, 10.0): "({0} - 5.5) / 4.5",
    (1.0, 5.0): "({0} - 3) / 2.0",
    (0.0, 5.0): "({0} - 2.5) / 2.5",
    (0.0, 100.0): "({0} - 50) / 50.0",
    (1.0, 7.0): "({0} - 4) / 3.0",
    (0.0, 1.0): "{0} * 2 - 1",
    (-1.0, 1.0): "{0}",
    (1.0, 3.0): "{0} - 2",
}
"""Lowest and highest value of a score → SQL that brings it to [-1, 1]."""
_NO_COUNTS = GENERIC | COUNTING - {"count", "total"} | {"score", "rating", "price", "amount", "lat", "lon"}
"""Last words of columns of numbers that are not how often a feature was used."""
_SILENT = {"n/a", "none", "not rated", "offered", "pending", "skipped", "unoffered", "unrated"}
"""Values of a score of whom nobody asked, or who did not answer."""
_GOOD = {"good", "positive", "happy", "satisfied", "promoter", "great", "thumbs_up", "up", "yes", "like"}
_BAD = {
    "bad",
    "negative",
    "unhappy",
    "unsatisfied",
    "dissatisfied",
    "detractor",
    "poor",
    "thumbs_down",
    "down",
    "no",
}


def find_usage(entities: Entities, table: TableProfile) -> Part | None:
    """The use of features that rows of *table* tell of."""
    named = head_likeness(table.words, USAGE)
    person = _actor(entities.persons(table))
    time = choose_time(table, entities.links, HAPPENED)
    if person is None or time is None:
        return None
    used = [person.first, time.field]
    is_daily = time.field is not None and bool({"date", "day"} & set(time.field.words))
    wide = _wide(table, used) if named >= 0.5 or is_daily else []
    least, ids = 0.9 if named < 0.5 else 0.5, [*used, *_ids(table)]
    # what all rows have in common tells no features apart
    common = [one for one in table.fields if len(one.counts) < MIN_FEATURES]
    feature = choose_named(table, FEATURE, least, [*ids, *common]) or choose_named(table, FEATURE, least, ids)
    columns = {"customer_id": choose_person(person), "occurred_at": time}
    where = [*names_somebody(person), *known_user(entities, person), *conditions([((), table)])]
    if wide and (feature is None or feature.field in wide or feature.confidence < 0.9):
        return Part(
            "usage",
            table,
            columns,
            tuple(where),
            tuple(one.column for one in wide),
            notes=("one row for each feature that was used on a day",),
        )
    if feature is None and named >= 0.9:
        # what is metered is what is sold
        feature = choose_named(table, PRODUCT, 0.6, [*used, *_ids(table)])
    if feature is not None and len(feature.field.counts if feature.field else ()) > 2_000:
        feature = None
    if feature is None and named < 0.6:
        return None
    columns["feature"] = feature or Choice(
        value="_".join(table.words), confidence=0.5, why="named after the table, as no column names a feature"
    )
    quantity = choose_named(table, QUANTITY, 0.7, used, numbers=True)
    if quantity is not None and quantity.field is not None and min(quantity.field.numeric) >= 0:
        columns["quantity"] = quantity
    columns |= late(table, time)
    return Part("usage", table, columns, tuple(where))


def late(table: TableProfile, time: Choice) -> dict[str, Choice]:
    """When a row reached them, if a column says so."""
    for one in table.fields:
        if one.is_time and one is not time.field and likeness(one.words, KNOWN_AT) > 0.85:
            options = {"format": one.times[0]} if one.times[0] else {}
            return {"known_at": Choice(one, options=options, confidence=0.8, why="when it reached you")}
    return {}


def known_user(entities: Entities, person: Person) -> list[Choice]:
    """The condition that a user belongs to a customer, if some do not."""
    if person.kind == "customer" or entities.user is None or person.coverage >= 1:
        return []
    user, sql = entities.user, "{0} IN (SELECT {user} FROM {table})"
    if entities.links.unlike(person.field, user):
        sql = "lower(trim({0})) IN (SELECT lower(trim({user})) FROM {table})"
    sql = sql.format("{0}", user=quoted(user.column), table=quoted(user.table))
    why = f"{percent(1 - person.coverage)} of the users belong to no customer"
    return [Choice(sql=sql, of=((person.path, person.field),), confidence=0.8, why=why)]


def _actor(persons: list[Person]) -> Person | None:
    """Who did it: the customer that the table names itself, or else the user."""
    direct = [one for one in persons if not one.path]
    return next(iter(direct), next(iter(persons), None))


def _ids(table: TableProfile) -> list[Field]:
    return [one for one in table.fields if one.unique and one.is_id and one.filled == one.rows > 20]


def _wide(table: TableProfile, used: list[Field | None]) -> list[Field]:
    """Columns of counts, one for each feature."""
    counts = [
        one
        for one in table.fields
        if one.is_number
        and not one.path
        and one not in used
        and one.words[-1] not in _NO_COUNTS
        and min(one.numeric) >= 0
        and not one.unique
    ]
    return counts if len(counts) >= MIN_WIDE else []


def find_feedback(entities: Entities, table: TableProfile) -> Part | None:
    """What customers said, as a score from -1 to 1."""
    named = head_likeness(table.words, FEEDBACK)
    persons = entities.persons(table)
    score = choose_named(table, SCORE, 0.9 if named < 0.6 else 0.65, [persons[0].first] if persons else ())
    if score is None or score.field is None or not persons:
        return None
    paths: list[Path] = [
        (),
        *(path for path in entities.links.paths(table.name, entities.stop) if len(path) == 1),
    ]
    time = choose_time(table, entities.links, HAPPENED, paths)
    scaled = _scaled(score.field)
    if time is None or scaled is None:
        return None
    person = persons[0]
    columns = {"customer_id": choose_person(person), "occurred_at": time, "score": scaled}
    columns |= late(table, time)
    where = [
        *names_somebody(person),
        *present((), score.field),
        *_rated(score.field),
        *known_user(entities, person),
    ]
    return Part("feedback", table, columns, tuple(where))


def _rated(field: Field) -> list[Choice]:
    """The condition that somebody was asked and answered, where a value says that they did not."""
    silent = sorted(value for value in field.counts if value.strip().lower() in _SILENT)
    if not silent:
        return []
    values = ", ".join("'" + value.replace("'", "''") + "'" for value in silent)
    why = f"{', '.join(silent)} is no answer"
    return [Choice(sql=f"{{0}} NOT IN ({values})", of=(((), field),), confidence=0.85, why=why)]


def _scaled(field: Field) -> Choice | None:
    if field.numeric:
        low, high = min(field.numeric), max(field.numeric)
        fitting = [
            (top - bottom, (bottom, top), sql)
            for (bottom, top), sql in _SCALES.items()
            if bottom <= low
            and high <= top
            and (field.is_whole or (bottom, top) in ((0, 1), (-1, 1), (0, 100)))
        ]
        if "nps" in field.words or (high > 7 and high <= 10):
            fitting = [one for one in fitting if one[1] == (0, 10)]
        if not fitting:
            return None
        _, (bottom, top), sql = min(fitting)
        inner = (
            sql.replace("{0}", "CAST({0} AS DOUBLE)") if field.type == "text" or sql == "{0} * 2 - 1" else sql
        )
        plain = sql == "{0}"
        return Choice(
            field,
            sql="" if plain else inner,
            of=() if plain else (((), field),),
            confidence=0.75,
            why=f"{low:g} to {high:g}, taken for a scale from {bottom:g} to {top:g}",
        )
    good = sorted(value for value in field.counts if value.strip().lower() in _GOOD)
    bad = sorted(value for value in field.counts if value.strip().lower() in _BAD)
    if not good or not bad or len(field.counts) > 12:
        return None

    def among(values: list[str]) -> str:
        return "{0} IN (" + ", ".join("'" + value.replace("'", "''") + "'" for value in values) + ")"

    sql = f"CASE WHEN {among(good)} THEN 1 WHEN {among(bad)} THEN -1 ELSE 0 END"
    return Choice(
        field, sql=sql, of=(((), field),), confidence=0.75, why=f"{', '.join(good)} against {', '.join(bad)}"
    )
