"""Types of the columns of the contract, and the rows that were known at a moment."""

import uuid
from datetime import UTC, date, datetime, timedelta

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ripple.features.dataset import open_dataset
from ripple.settings import Settings

CUTOFF = datetime(2024, 6, 1)
MOMENT = timedelta(microseconds=1)
TIMES = {
    "customers": "joined_at",
    "orders": "ordered_at",
    "usage": "occurred_at",
    "interactions": "occurred_at",
    "feedback": "occurred_at",
}


def values(table, column):
    return table[column].to_pyarrow().to_pylist()


@pytest.fixture(params=["parquet", "csv"])
def form(request):
    return request.param


def test_ids_stay_text(frames, opened, form):
    ids = ["00123", "NA", "null", "1e5", "c5, or so"]
    frames["customers"]["customer_id"] = ids
    assert values(opened(frames, form).tables["customers"], "customer_id") == ids


def test_whole_numbers_are_ids(frames, opened, form):
    frames["customers"]["customer_id"] = [1, 2, 10, 100, -5]
    assert values(opened(frames, form).tables["customers"], "customer_id") == ["1", "2", "10", "100", "-5"]


def test_uuids_are_ids(frames, write):
    folder = write(frames)
    known = uuid.UUID(int=5)
    duckdb.sql(f"select uuid '{known}' as customer_id, timestamp '2024-01-01' as joined_at").write_parquet(
        str(folder / "customers.parquet")
    )
    dataset = open_dataset(folder, Settings())
    assert values(dataset.tables["customers"], "customer_id") == [str(known)]


def test_an_empty_id_is_none(frames, opened, form):
    frames["customers"].loc[0, "customer_id"] = ""
    assert values(opened(frames, form).tables["customers"], "customer_id")[0] is None


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2024-05-17", datetime(2024, 5, 17)),
        ("2024-05-17 09:30", datetime(2024, 5, 17, 9, 30)),
        ("2024-05-17 09:30:00", datetime(2024, 5, 17, 9, 30)),
        ("2024-05-17T09:30:00", datetime(2024, 5, 17, 9, 30)),
        ("2024-05-17T09:30:00.123456", datetime(2024, 5, 17, 9, 30, 0, 123456)),
        ("2024-05-17T09:30:00Z", datetime(2024, 5, 17, 9, 30)),
        ("2024-05-17T09:30:00+02:00", datetime(2024, 5, 17, 7, 30)),
        ("2024-05-17 09:30:00-0530", datetime(2024, 5, 17, 15, 0)),
        ("2024-05-17 00:30:00+02", datetime(2024, 5, 16, 22, 30)),
    ],
)
def test_times_written_as_text_are_utc(frames, opened, form, written, expected):
    frames["orders"]["ordered_at"] = written
    dataset = opened(frames, form)
    assert set(values(dataset.tables["orders"], "ordered_at")) == {expected}
    assert unreadable(dataset) == {}


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (pa.array([date(2024, 5, 17)]), datetime(2024, 5, 17)),
        (pa.array([datetime(2024, 5, 17, 9, 30)], pa.timestamp("ms")), datetime(2024, 5, 17, 9, 30)),
        (pa.array([datetime(2024, 5, 17, 9, 30)], pa.timestamp("ns")), datetime(2024, 5, 17, 9, 30)),
        (
            pa.array([datetime(2024, 5, 17, 7, 30, tzinfo=UTC)], pa.timestamp("us", "Europe/Berlin")),
            datetime(2024, 5, 17, 7, 30),
        ),
    ],
)
def test_every_type_of_time_in_parquet_is_utc(frames, write, stored, expected):
    folder = write(frames)
    pq.write_table(
        pa.table({"customer_id": ["c1"], "ordered_at": stored, "product": ["p"], "revenue": [1]}),
        folder / "orders.parquet",
    )
    dataset = open_dataset(folder, Settings())
    assert values(dataset.tables["orders"], "ordered_at") == [expected]
    assert unreadable(dataset) == {}


def test_numbers_of_every_type_are_floats(frames, write):
    folder = write(frames)
    orders = pa.table(
        {
            "customer_id": ["c1"],
            "ordered_at": pa.array([CUTOFF]),
            "product": ["p"],
            "revenue": pa.array([12], pa.int16()),
            "margin": pa.array(["1.25"]),
        }
    )
    pq.write_table(orders, folder / "orders.parquet")
    table = open_dataset(folder, Settings()).tables["orders"]
    assert (values(table, "revenue"), values(table, "margin")) == ([12.0], [1.25])


def unreadable(dataset):
    """table.column → how many values could not be read."""
    counts = {
        f"{table}.{problem.column}": problem.rows.count().execute()
        for table, problems in dataset.unreadable.items()
        for problem in problems
    }
    return {place: count for place, count in counts.items() if count}


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("orders", "revenue", "a lot"),
        ("orders", "revenue", "1,5"),
        ("orders", "ordered_at", "17/05/2024"),
        ("orders", "ordered_at", "20240-05-17"),
        ("usage", "occurred_at", "infinity"),
        ("feedback", "score", "good"),
    ],
)
def test_what_cannot_be_read_is_null_and_remembered(frames, opened, table, column, value):
    frames[table][column] = frames[table][column].astype(str)
    frames[table].loc[1, column] = value
    dataset = opened(frames, "csv")
    assert unreadable(dataset) == {f"{table}.{column}": 1}
    assert values(dataset.tables[table], column).count(None) == 1


@pytest.mark.parametrize(
    ("table", "column", "wrong"),
    [
        ("customers", "customer_id", [1.5, 2.0, 3.0, 4.0, 5.0]),
        ("orders", "ordered_at", [1, 2, 3, 4, 5]),
        ("orders", "revenue", [True, True, False, True, True]),
    ],
)
def test_a_column_of_another_type_is_all_null_and_remembered(frames, opened, table, column, wrong):
    frames[table][column] = wrong
    dataset = opened(frames)
    assert unreadable(dataset) == {f"{table}.{column}": 5}
    assert values(dataset.tables[table], column) == [None] * 5


def test_an_attribute_may_have_the_name_of_a_time(frames, opened, form):
    frames["customers"]["known_at"] = "the fair"
    frames["customers"]["released_at"] = 3
    dataset = opened(frames, form)
    assert dataset.tables.before(CUTOFF)["customers"].count().execute() == 5


def around(frame, column):
    """Three rows, just before, at and just after the cutoff."""
    rows = frame.iloc[[0, 0, 0]].reset_index(drop=True)
    rows[column] = pd.Series([CUTOFF - MOMENT, CUTOFF, CUTOFF + MOMENT], dtype="datetime64[us]")
    return rows


@pytest.mark.parametrize(
    ("table", "column"),
    [
        *TIMES.items(),
        *[(table, "known_at") for table in TIMES if table != "customers"],
        ("catalog", "released_at"),
    ],
)
def test_before_is_strict_and_until_is_not(frames, opened, form, table, column):
    if table in TIMES:
        frames[table][TIMES[table]] = datetime(2024, 1, 5)
    frames[table] = around(frames[table], column)
    tables = opened(frames, form).tables
    assert values(tables.before(CUTOFF)[table], column) == [CUTOFF - MOMENT]
    assert values(tables.until(CUTOFF)[table], column) == [CUTOFF - MOMENT, CUTOFF]


@pytest.mark.parametrize(("table", "column"), [("orders", "known_at"), ("catalog", "released_at")])
def test_a_time_that_is_not_given_hides_nothing(frames, opened, form, table, column):
    rows = len(frames[table])
    frames[table][column] = pd.Series([None] * rows, dtype="datetime64[us]")
    assert opened(frames, form).tables.before(datetime(2030, 1, 1))[table].count().execute() == rows


def test_a_late_row_is_hidden_until_it_is_known(frames, opened):
    frames["orders"]["known_at"] = [CUTOFF] * 2 + [None] * 3
    tables = opened(frames).tables
    assert values(tables.before(CUTOFF)["orders"], "order_id") == ["o3", "o4"]
    assert len(values(tables.before(CUTOFF + MOMENT)["orders"], "order_id")) == 4
