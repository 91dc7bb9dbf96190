"""Attributes of customers that change, as they were at a moment."""

from __future__ import annotations

from datetime import datetime, timedelta

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ripple.errors import InputError
from ripple.features.dataset import open_dataset
from ripple.features.tables.attributes import MAX_NAMES, AttributeHistory
from ripple.features.tables.sources.source import connect
from ripple.settings import load
from ripple.training.examples.examples import attributes
from tests.support.oracles import feature_frames

START = datetime(2024, 1, 1)
CONNECTION = connect()
days = st.none() | st.integers(0, 20).map(lambda day: START + timedelta(days=day))
rows = st.fixed_dictionaries(
    {
        "customer_id": st.sampled_from(["c1", "c2"]),
        "name": st.sampled_from(["plan", "owner"]),
        "value": st.sampled_from(["a", "b", "c"]),
        "valid_from": days,
        "known_at": days,
    }
)


def expected(history: list[dict[str, object]], moment: datetime) -> dict[tuple[object, object], object]:
    """By customer and name, the value that the table says held before *moment*."""

    def age(row: dict[str, object]) -> tuple[object, ...]:
        times = [row["valid_from"], row["known_at"]]
        return (*(time or datetime.min for time in times), row["value"])

    known = [
        row
        for row in history
        if all(row[time] is None or row[time] < moment for time in ("valid_from", "known_at"))
    ]
    return {(row["customer_id"], row["name"]): row["value"] for row in sorted(known, key=age)}


@given(st.lists(rows, min_size=1, max_size=12), st.integers(0, 21))
def test_the_latest_value_that_was_known_holds(history, day):
    moment = START + timedelta(days=day)
    frame = pd.DataFrame(history)
    for time in ("valid_from", "known_at"):
        frame[time] = frame[time].astype("datetime64[us]")
    table = CONNECTION.create_table("history", frame, temp=True, overwrite=True)
    wide = AttributeHistory.of(table, ()).before(moment).to_pyarrow().to_pylist()
    values = {
        (row["customer_id"], name): value
        for row in wide
        for name, value in row.items()
        if name != "customer_id" and value is not None
    }
    assert values == expected(history, moment)


@pytest.fixture
def opened(tmp_path):
    """The random dataset with a history of plans."""

    def opened(history: pd.DataFrame, toml: str = ""):
        folder = feature_frames.write(feature_frames.random() | {"attributes": history}, tmp_path / "data")
        (folder / "ripple.toml").write_text(toml)
        return open_dataset(folder, load(folder))

    return opened


TOO_MANY = [f"n{i}" for i in range(MAX_NAMES + 1)]
PLANS = pd.DataFrame(
    {
        "customer_id": ["c00", "c00", "c02"],
        "name": ["plan", "plan", "owner"],
        "value": ["free", "paid", "Ann"],
        "valid_from": [datetime(2024, 1, 5), datetime(2024, 3, 5), None],
    }
)


def test_slices_see_the_values_of_their_cutoff(opened):
    dataset = opened(PLANS)
    early, late = (attributes(dataset, datetime(2024, month, 6)) for month in (2, 4))
    assert (early.loc["c00", "plan"], late.loc["c00", "plan"]) == ("free", "paid")
    assert late.loc["c02", "owner"] == "Ann"
    assert late["plan"].notna().sum() == 1
    assert set(dataset.attributes) < set(late.columns) | {"seats"}
    limited = dataset.limited_to(datetime(2024, 2, 1))
    assert attributes(limited, datetime(2024, 4, 6)).loc["c00", "plan"] == "free"


def test_a_column_for_each_attribute_may_be_unpivoted(opened, tmp_path):
    toml = """
    [tables.attributes]
    from = "crm"
    unpivot = ["plan", "Seats"]
    columns = { customer_id = "id", valid_from = "day" }
    """
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "crm.csv").write_text(
        "id,day,plan,Seats\nc00,2024-01-02,free,3\nc02,2024-01-02,,4\n"
    )
    values = attributes(opened(PLANS, toml), datetime(2024, 2, 1))
    assert values.loc["c00", ["plan", "Seats"]].tolist() == ["free", "3"]
    assert values.loc["c02", "Seats"] == "4"


@pytest.mark.parametrize(
    ("history", "message"),
    [
        (PLANS.assign(name="industry"), "attributes: industry is a column of customers as well"),
        (
            pd.DataFrame({"name": [f"n{i}" for i in range(MAX_NAMES + 1)]}).assign(
                customer_id="c00", value="a"
            ),
            f"more than {MAX_NAMES} different names, such as n0, n1, n10",
        ),
        (PLANS.drop(columns="value"), "attributes: column 'value' is missing"),
    ],
)
def test_what_is_no_history_of_attributes_is_told(opened, history, message):
    with pytest.raises(InputError) as raised:
        opened(history)
    assert message in str(raised.value)
