"""A profile says of each column its type, values, form and whether they are ids."""

from __future__ import annotations

import pandas as pd
import pytest

from ripple.features.profiling.profile import Field, TableProfile, values_of
from tests.support.oracles.feature_frames import Frames
from tests.support.proposals import Looking


@pytest.fixture
def fields(look: Looking) -> dict[str, Field]:
    frame = pd.DataFrame(
        {
            "id": range(1, 41),
            "created": range(1_700_000_000, 1_700_000_040),
            "amount": [number + 0.5 for number in range(40)],
            "plan": pd.Categorical(["free", "paid"] * 20),
            "seats": pd.array([1, None] * 20, dtype="Int64"),
            "meta": ['{"owner": {"id": "u1"}, "tag": "x"}'] * 40,
            "is_test": [True, False] * 20,
            "day": pd.date_range("2024-01-01", periods=40),
        }
    )
    tables, _, _ = look({"things": frame})
    return {field.name: field for field in tables[0].fields}


def test_columns_are_what_their_values_are(fields: dict[str, Field]) -> None:
    assert fields["id"].unique
    assert fields["id"].is_id
    assert fields["created"].times == ("epoch s",)
    assert fields["amount"].is_number
    assert not fields["amount"].is_id
    assert fields["plan"].counts == {"free": 20, "paid": 20}
    assert (fields["seats"].filled, fields["seats"].rows) == (20, 40)
    assert fields["is_test"].type == "boolean"
    assert fields["day"].times == ("",)


def test_values_in_objects_are_fields_with_a_path(fields: dict[str, Field]) -> None:
    assert fields["meta.owner.id"].path == ("owner", "id")
    assert fields["meta.owner.id"].words == ("owner", "id")
    assert fields["meta.tag"].counts == {"x": 40}
    assert fields["meta"].is_nested


def test_all_rows_of_a_small_table_are_read(look: Looking) -> None:
    frames: Frames = {
        "a": pd.DataFrame({"x": [1, 2]}),
        "empty": pd.DataFrame({"x": pd.array([], dtype="int64")}),
    }
    tables: list[TableProfile]
    tables, _, _ = look(frames)
    assert [(table.name, table.size, table.sample.whole) for table in tables] == [("a", "2 rows", True)]


def test_ids_in_lists_are_values_of_their_own(look: Looking) -> None:
    targets = '[{"type": "document", "id": "doc-00001"}, {"type": "user", "id": "user-00007"}]'
    frame = pd.DataFrame(
        {"targets": [targets] * 3, "groups": [["acme-001", "beta-002"]] * 3, "sizes": [[1.5, 2.5]] * 3}
    )
    (table,), _, _ = look({"events": frame})
    found = {one.name: list(one.counts) for one in table.fields if one.in_list}
    assert found == {
        "targets[0].id": ["doc-00001"],
        "targets[1].id": ["user-00007"],
        "groups[0]": ["acme-001"],
        "groups[1]": ["beta-002"],
    }
    fields = {one.name: one for one in table.fields}
    assert fields["targets[1].id"].words == ("target", "id")
    for name, values in found.items():
        assert values_of(table.sample.rows, fields[name]) == values * 3


def test_days_have_no_time_of_day(look: Looking) -> None:
    frame = pd.DataFrame(
        {
            "iso": ["2024-01-02", "2024-01-03"],
            "moment": ["2024-01-02T10:00:00", "2024-01-03T00:00:00"],
            "european": ["13.01.2024", "14.01.2024"],
            "clock": ["13.01.2024 10:00", "14.01.2024 11:00"],
        }
    )
    (table,), _, _ = look({"calls": frame})
    assert {one.name: one.is_date for one in table.fields} == {
        "iso": True,
        "moment": False,
        "european": True,
        "clock": False,
    }
