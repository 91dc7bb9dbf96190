from datetime import datetime, timedelta

import pyarrow as pa

from ripple.simulation.tables.contacts import contacts_table

START = datetime(2025, 9, 1)


def test_each_customer_is_contacted_once_within_a_day_in_order():
    plays = {f"c{number}": "rescue" if number % 2 else "nurture" for number in range(500)}
    table = contacts_table(plays, START)
    assert dict(zip(table["customer_id"].to_pylist(), table["play"].to_pylist(), strict=True)) == plays
    moments = table["contacted_at"].to_pylist()
    assert moments == sorted(moments)
    assert moments[0] >= START
    assert moments[-1] < START + timedelta(days=1)
    assert set(table["outcome"].to_pylist()) == {"reached"}


def test_nobody_is_an_empty_table_of_the_same_types():
    empty, one = contacts_table({}, START), contacts_table({"c1": "rescue"}, START)
    assert empty.num_rows == 0
    assert empty.schema == one.schema
    assert one.schema.field("contacted_at").type == pa.timestamp("us")
