from datetime import timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from ripple.simulation.tables.assembly import simulate
from ripple.simulation.world.calendar import END

TIME, TEXT, NUMBER = pa.timestamp("us"), pa.string(), pa.float64()
SCHEMAS = {
    "customers": {
        "customer_id": TEXT,
        "joined_at": TIME,
        "industry": TEXT,
        "country": TEXT,
        "plan": TEXT,
        "seats": pa.int64(),
    },
    "orders": {
        "customer_id": TEXT,
        "ordered_at": TIME,
        "product": TEXT,
        "revenue": NUMBER,
        "margin": NUMBER,
        "order_id": TEXT,
        "known_at": TIME,
    },
    "usage": {"customer_id": TEXT, "occurred_at": TIME, "feature": TEXT, "user_id": TEXT},
    "catalog": {"feature": TEXT, "tier": TEXT, "released_at": TIME},
    "interactions": {
        "source_id": TEXT,
        "target_id": TEXT,
        "occurred_at": TIME,
        "kind": TEXT,
        "weight": NUMBER,
        "known_at": TIME,
    },
    "feedback": {"customer_id": TEXT, "occurred_at": TIME, "score": NUMBER},
}
EVENT_TIMES = {
    "orders": "ordered_at",
    "usage": "occurred_at",
    "interactions": "occurred_at",
    "feedback": "occurred_at",
}


def test_the_tables_are_those_of_the_contract(tables):
    assert {
        name: dict(zip(t.column_names, t.schema.types, strict=True)) for name, t in tables.items()
    } == SCHEMAS


@pytest.mark.parametrize("name", SCHEMAS)
def test_no_table_is_empty_or_holds_a_null(tables, name):
    assert tables[name].num_rows > 0
    assert all(column.null_count == 0 for column in tables[name].columns)


def test_every_customer_and_feature_is_known(tables):
    customers, features = tables["customers"]["customer_id"], tables["catalog"]["feature"]
    assert len(customers.unique()) == len(customers) == 3_000
    for name, column in [
        ("orders", "customer_id"),
        ("usage", "customer_id"),
        ("feedback", "customer_id"),
        ("interactions", "source_id"),
        ("interactions", "target_id"),
    ]:
        assert pc.all(pc.is_in(tables[name][column], customers.combine_chunks())).as_py()
    assert pc.all(pc.is_in(tables["usage"]["feature"], features.combine_chunks())).as_py()


@pytest.mark.parametrize(("name", "time"), EVENT_TIMES.items())
def test_events_lie_in_the_calendar_and_in_order(tables, calendar, name, time):
    moments = tables[name][time].to_pandas()
    assert moments.is_monotonic_increasing
    assert moments.min() >= calendar.start
    assert moments.max() < END


@pytest.mark.parametrize(("name", "time"), EVENT_TIMES.items())
def test_nothing_happens_before_joining(tables, name, time):
    customers = tables["customers"].to_pandas().set_index("customer_id").joined_at
    events = tables[name].to_pandas()
    for column in {"customer_id", "source_id", "target_id"} & set(events):
        assert (events[time] >= events[column].map(customers)).all()


@pytest.mark.parametrize("name", ["orders", "interactions"])
def test_rows_become_known_at_once_or_days_later_but_before_the_end(tables, name):
    events = tables[name].to_pandas()
    lag = events.known_at - events[EVENT_TIMES[name]]
    assert lag.min() == timedelta()
    assert lag.max() <= timedelta(days=10)
    assert 0.02 < (lag > timedelta()).mean() < 0.04
    assert events.known_at.max() < END


def test_the_same_arguments_give_the_same_tables(tables):
    again = simulate("default", 3_000, 24, 7)
    assert all(again[name].equals(table) for name, table in tables.items())


def test_another_seed_gives_other_tables(tables):
    other = simulate("default", 3_000, 24, 8)
    assert not any(other[name].equals(table) for name, table in tables.items())


def test_the_smallest_dataset_has_every_table():
    assert all(table.num_rows for table in simulate("default", 100, 6, 0).values())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("defualt", 100, 6, 0), "Unknown world 'defualt'; known are default"),
        (("default", 99, 6, 0), "customers = 99: at least 100"),
        (("default", 100, 5, 0), "months = 5: at least 6"),
    ],
)
def test_what_is_not_allowed_is_refused_by_name(arguments, message):
    with pytest.raises(ValueError, match=message):
        simulate(*arguments)
