"""The column of the contract that another name was meant to be."""

import pytest

from ripple.features.tables.near_names import near_column, near_source


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("Known_At", "known_at"),
        ("knownAt", "known_at"),
        ("KNOWN AT ", "known_at"),
        ("loaded_at", "known_at"),
        ("Margin ", "margin"),
        ("gross_margin", "margin"),
        ("order_idd", "order_id"),
        ("colour", None),
        ("country", None),
        ("123", None),
    ],
)
def test_case_spaces_underscores_and_synonyms_lead_to_the_column(name, column):
    assert near_column(name, ["margin", "order_id", "known_at"]) == column


def test_a_column_that_is_there_is_not_proposed():
    assert near_column("Margin ", ["order_id", "known_at"]) is None


def test_the_source_of_a_column_is_a_synonym_or_else_the_most_similar_name():
    assert near_source("revenue", ["id", "net_amount", "revenu"]) == "net_amount"
    assert near_source("revenue", ["id", "revs_"]) == "revs_"
    assert near_source("revenue", ["id"]) is None
