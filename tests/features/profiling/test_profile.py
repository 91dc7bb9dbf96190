"""A profile says of each column its type, values, form and whether they are ids."""

from __future__ import annotations

import pandas as pd
import pytest

from ripple.features.profiling.profile import Field, TableProfile
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
