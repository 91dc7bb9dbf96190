"""Values as they are stored become the types of the contract."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ripple.features.tables.contract import Column
from ripple.features.tables.conversions import amount, convert
from ripple.features.tables.sources.source import connect
from ripple.sections.tables import ColumnMapping, Ids

CONNECTION = connect()
TIME, NUMBER, ID = Column("at", "time"), Column("revenue", "number"), Column("customer_id", "id")


def converted(values: pa.Array, column: Column, mapping: ColumnMapping | None = None, ids: Ids | None = None):
    table = CONNECTION.create_table("stored", pa.table({"value": values}), temp=True, overwrite=True)
    return table.select(value=convert(table.value, column, mapping, ids)).to_pyarrow()["value"].to_pylist()


def mapped(**given: str) -> ColumnMapping:
    return ColumnMapping(column="value", **given)


TIMES = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30))


@given(st.lists(TIMES, min_size=1, max_size=20), st.sampled_from(["s", "ms", "us"]), st.booleans())
def test_a_number_since_1970_is_its_moment(times, unit, as_text):
    per_second = {"s": 1, "ms": 1_000, "us": 1_000_000}[unit]
    micros = [(time - datetime(1970, 1, 1)) // timedelta(microseconds=1) for time in times]
    numbers = [micro * per_second // 1_000_000 for micro in micros]
    expected = [
        datetime(1970, 1, 1) + timedelta(microseconds=number * (1_000_000 // per_second))
        for number in numbers
    ]
    stored = pa.array([str(number) for number in numbers] if as_text else numbers)
    read = converted(stored, TIME, mapped(format=f"epoch {unit}"))
    # numbers in text are read as floats, which hold microseconds of the years around ours
    close = timedelta(microseconds=64 if as_text else 0)
    assert all(abs(one - other) <= close for one, other in zip(read, expected, strict=True))


def test_fractions_of_a_second_since_1970_are_kept():
    assert converted(pa.array(["1700000000.123456"]), TIME, mapped(format="epoch s")) == [
        datetime(2023, 11, 14, 22, 13, 20, 123456)
    ]
    assert converted(pa.array([1700000000123456789]), TIME, mapped(format="epoch ns")) == [
        datetime(2023, 11, 14, 22, 13, 20, 123456)
    ]


@pytest.mark.parametrize("value", [10**18, -(10**18), float("nan"), float("inf")])
def test_a_moment_that_no_calendar_has_is_none(value):
    assert converted(pa.array([value]), TIME, mapped(format="epoch s")) == [None]


@given(
    st.datetimes(datetime(1971, 1, 1), datetime(2030, 1, 1)),
    st.sampled_from(["Europe/Oslo", "Asia/Kathmandu", "America/New_York", "UTC"]),
)
def test_a_local_time_becomes_that_of_utc(time, zone):
    # a time that the clock shows twice, or never, has no single answer
    folds = {time.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC) for fold in (0, 1)}
    read = converted(pa.array([time.isoformat()]), TIME, mapped(zone=zone))
    if len(folds) == 1:
        assert read == [folds.pop().replace(tzinfo=None)]
    assert read == converted(pa.array([time]), TIME, mapped(zone=zone))


@pytest.mark.parametrize(
    ("form", "written", "expected"),
    [
        ("%d/%m/%Y", "17/05/2024", datetime(2024, 5, 17)),
        ("%d.%m.%Y %H:%M", " 17.05.2024 09:30 ", datetime(2024, 5, 17, 9, 30)),
        ("%b %d, %Y", "May 17, 2024", datetime(2024, 5, 17)),
        ("%d/%m/%Y", "05/17/2024", None),
        ("%d/%m/%Y", "soon", None),
    ],
)
def test_text_of_another_form_is_read_by_it(form, written, expected):
    assert converted(pa.array([written]), TIME, mapped(format=form)) == [expected]


def test_whole_numbers_of_every_width_are_ids():
    assert converted(pa.array([Decimal("123")], pa.decimal128(38, 0)), ID) == ["123"]
    assert converted(pa.array([2**64 - 1], pa.uint64()), ID) == [str(2**64 - 1)]
    table = CONNECTION.raw_sql("SELECT 170141183460469231731687303715884105727::HUGEINT AS value").arrow()
    assert converted(table.read_all()["value"], ID) == ["170141183460469231731687303715884105727"]


@pytest.mark.parametrize("value", [1.5, True, date(2024, 5, 17), Decimal("1.5")])
def test_what_is_no_whole_number_is_no_id(value):
    assert converted(pa.array([value]), ID) == [None]


def test_ids_are_made_alike():
    stored = pa.array([" Ann@X.io ", "ann@x.io", "  ", None])
    assert converted(stored, ID, ids=Ids(trim=True, case="lower")) == ["ann@x.io", "ann@x.io", None, None]
    assert converted(stored, ID, ids=Ids()) == [" Ann@X.io ", "ann@x.io", "  ", None]


def test_a_decimal_comma_is_read_as_such():
    stored = pa.array(["1.234,50", "7", "-0,5", "1,2,3"])
    assert converted(stored, NUMBER, mapped(decimal=",")) == [1234.5, 7.0, -0.5, None]


def amounts(mapping: ColumnMapping, **columns: list[object]) -> list[float]:
    table = CONNECTION.create_table("amounts", pa.table(columns), temp=True, overwrite=True)
    helpers = (table[name] if name in columns else None for name in ("negative", "currency"))
    return table.select(value=amount(table.value, mapping, *helpers)).to_pyarrow()["value"].to_pylist()


def test_amounts_are_in_the_unit_of_their_currency():
    value = [1250.0] * 4
    currency = ["usd", "JPY ", "KWD", None]
    assert amounts(mapped(unit="minor", currency="c"), value=value, currency=currency) == [
        12.5,
        1250,
        1.25,
        12.5,
    ]
    assert amounts(mapped(unit="minor"), value=[1250.0]) == [12.5]
    assert amounts(mapped(unit="cents", currency="c"), value=value, currency=currency) == [12.5] * 4
    assert amounts(mapped(unit="micros"), value=[1250000.0]) == [1.25]


def test_a_refund_is_negative_however_it_is_written():
    assert amounts(
        mapped(negative_if="refund"), value=[5.0, 5.0, -5.0, -5.0], negative=[True, None, True, False]
    ) == [-5, 5, -5, -5]
