"""What is odd about data that keep every rule is told, a line each."""

from __future__ import annotations

from datetime import datetime, timedelta

import pandas as pd
import pytest

from tests.support.oracles.broken_rules import add
from tests.support.oracles.feature_frames import LAST_DAY


@pytest.fixture
def warnings_of(checked):
    def warnings_of(frames, form="parquet", toml=""):
        report = checked(frames, form, toml)[1]
        assert report.violations == []
        return report.warnings

    return warnings_of


def test_ordinary_data_have_no_warnings(frames, warnings_of):
    assert warnings_of(frames) == []


@pytest.mark.parametrize("name", ["Known_At", "knownAt", "loaded_at"])
def test_a_column_that_is_nearly_known_at_is_named_with_the_line_that_maps_it(
    frames, warnings_of, form, name
):
    frames["orders"][name] = datetime(2024, 6, 1)
    frames["orders"]["Colour"] = frames["orders"]["shelf"] = "red"
    assert warnings_of(frames, form) == [
        f"orders: column '{name}' is not used; if it is known_at: "
        f'[tables.orders.columns] known_at = "{name}"',
        "orders: 2 columns not used: Colour, shelf",
    ]
    mapped = warnings_of(frames, form, f'[tables.orders.columns]\nknown_at = "{name}"')
    assert mapped == ["orders: 2 columns not used: Colour, shelf"]


def test_attributes_stay_where_one_column_of_customers_is_mapped(frames, checked):
    frames["customers"] = frames["customers"].rename(columns={"joined_at": "since"})
    dataset, report = checked(frames, toml='[tables.customers.columns]\njoined_at = "since"')
    assert report.warnings == []
    assert dataset.attributes == ["industry"]


def test_attributes_that_nobody_can_be_compared_by_are_left_out_and_told(frames, checked):
    frames["customers"]["tags"] = [["a"], [], None, ["b"], ["a"]]
    frames["customers"]["address"] = [{"city": "Oslo"}] * 5
    dataset, report = checked(frames)
    assert dataset.attributes == ["industry"]
    assert report.warnings == [
        "customers.tags: is of type array and left out; make it text or a number by SQL",
        "customers.address: is of type struct and left out; make it text or a number by SQL",
    ]


def test_attributes_of_strangers_are_counted(frames, warnings_of):
    ids = [*frames["customers"]["customer_id"][:2], "stranger"]
    frames["attributes"] = pd.DataFrame({"customer_id": ids, "plan": ["a", "b", "a"], "seats": [1, 2, None]})
    assert warnings_of(frames) == ["attributes: 1 value of customers who are not in customers is not used"]


def test_without_interactions_it_is_told_that_nobody_can_be_credited(frames, warnings_of):
    frames["interactions"] = frames["interactions"].iloc[:0]
    assert "interactions: 0 rows; nobody can be credited" in warnings_of(frames)[0]
    assert "a model cannot be trained" in warnings_of(frames)[0]


def test_without_a_table_of_interactions_it_is_told_what_is_predicted(frames, warnings_of):
    del frames["interactions"]
    assert "interactions: absent; only what customers spend" in warnings_of(frames)[0]


def test_referrals_alone_are_told(frames, warnings_of):
    frames["interactions"] = frames["interactions"].iloc[:1]
    assert warnings_of(frames) == [
        "interactions: 0 contacts besides referrals; nobody can be credited with influence"
    ]


def test_kinds_without_a_power_are_counted_with_the_nearest_that_has_one(frames, warnings_of):
    for days in (1, 2):
        add("interactions", kind="Referal", occurred_at=LAST_DAY - timedelta(days=days))(frames)
    add("interactions", kind="chat")(frames)
    [warning] = warnings_of(frames)
    assert warning.startswith("interactions.kind: 2 kinds without a power, which count as contacts only: ")
    assert "referal (2 rows; referral?), chat (1 row); give each its power in [kinds]" in warning
    [warning] = warnings_of(frames, toml='[kinds]\n" CHAT" = "expert"')
    assert "1 kind without a power" in warning


def test_customers_who_joined_after_their_first_order_are_counted_with_their_share(frames, warnings_of):
    frames["customers"].loc[:1, "joined_at"] = datetime(2024, 6, 20)
    # later on the same day is no mistake
    frames["customers"].loc[2, "joined_at"] = frames["orders"].ordered_at[3] + timedelta(hours=5)
    [warning] = warnings_of(frames)
    assert warning.startswith("customers.joined_at: 2 customers (40.0 %) joined after their first order")


def test_a_thin_tail_is_told_with_the_end_that_cures_it(frames, checked, warnings_of):
    add("feedback", occurred_at=LAST_DAY + timedelta(days=40))(frames)
    [warning] = warnings_of(frames)
    assert warning == (
        "the last 40 days hold 1 event, 0.0 a day against 4 on a median day; if the data end before them, "
        "set until = 2024-06-30"
    )
    report = checked(frames, toml="until = 2024-06-30")[1]
    assert report.notes == []
    assert [finding.count for finding in report.violations] == [1]


def test_of_many_columns_that_are_not_used_eight_are_named(frames, warnings_of):
    frames["usage"] = frames["usage"].assign(**{f"extra{number}": 1 for number in range(11)})
    [warning] = warnings_of(frames)
    assert warning.startswith("usage: 11 columns not used: extra0, ")
    assert warning.endswith("extra7 and 3 more")


def test_tables_that_nothing_is_made_of_are_named_and_the_one_that_is_near(frames, warnings_of):
    frames["feedbacks"] = frames.pop("feedback")
    frames["invoices_old"] = frames["orders"]
    assert warnings_of(frames) == [
        "table 'feedbacks' is not used; if it is feedback: [tables.feedback] from = \"feedbacks\"",
        "1 table not used: invoices_old",
    ]


def test_a_second_column_that_is_near_the_same_one_is_listed(frames, warnings_of):
    frames["orders"]["loaded_at"] = frames["orders"]["Known_At"] = datetime(2024, 6, 1)
    first, second = warnings_of(frames)
    assert first.startswith("orders: column 'loaded_at' is not used; if it is known_at")
    assert second == "orders: 1 column not used: Known_At"
