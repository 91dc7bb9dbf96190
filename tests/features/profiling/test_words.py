"""Names are compared by their words."""

from __future__ import annotations

import pytest

from ripple.features.profiling import words


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("CustomerID", ("customer", "id")),
        ("AccountToId", ("account", "to", "id")),
        ("Referred_By__c", ("referred", "by")),
        ("order_lines", ("order", "line")),
        ("Companies", ("company",)),
        ("Product2Id", ("product", "id")),
        ("data", ("data",)),
        ("userid", ("user", "id")),
        ("createat", ("create", "at")),
        ("teammembers", ("team", "member")),
        ("paid", ("paid",)),
        ("invalid", ("invalid",)),
        ("category", ("category",)),
    ],
)
def test_a_name_is_its_words_in_the_singular(name, expected):
    assert words.tokens(name) == expected


def test_a_whole_name_is_surer_than_its_end_and_that_than_a_part():
    known = {"order date": 1.0}
    whole, end, part = (
        words.likeness(name, known)
        for name in (("order", "date"), ("first", "order", "date"), ("date", "of", "order"))
    )
    assert whole > end > part > words.likeness(("date",), known) == 0


def test_the_last_word_says_what_a_table_holds():
    assert words.head_likeness(("order", "line"), words.LINES) > 0
    assert words.head_likeness(("line", "order"), words.LINES) == 0


def test_words_of_ids_say_nothing_in_common():
    assert words.alike(("invoice", "id"), ("invoice",)) == 1
    assert words.alike(("id",), ("invoice", "id")) == 0


def test_every_weight_is_a_share():
    tables = [
        value
        for name, value in vars(words).items()
        if name[0].isupper() and name.isupper() and isinstance(value, dict)
    ]
    weights = [
        weight
        for table in tables
        for one in (table.values() if table is words.KINDS else [table])
        for weight in one.values()
    ]
    assert len(weights) > 300
    assert min(weights) > 0
    assert max(weights) <= 1.1
