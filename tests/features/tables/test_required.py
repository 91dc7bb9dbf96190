"""The tables and columns that must be there."""

from __future__ import annotations

import pytest

from ripple.errors import InputError
from ripple.features.dataset import open_dataset
from ripple.settings import Settings


def error(folder):
    with pytest.raises(InputError) as raised:
        open_dataset(folder, Settings())
    return str(raised.value)


@pytest.mark.parametrize("name", ["customers", "orders"])
def test_a_table_that_must_be_there_is_told(frames, write, name):
    del frames[name]
    assert f"no {name}.parquet" in error(write(frames))


def test_customers_and_orders_suffice(frames, write):
    only = {name: frames[name] for name in ("customers", "orders")}
    assert set(open_dataset(write(only), Settings()).tables.tables) == set(only)


def test_a_missing_column_is_told_with_the_line_that_maps_the_nearest(frames, write):
    frames["orders"] = frames["orders"].rename(columns={"revenue": "revenues"})
    assert error(write(frames)).endswith('[tables.orders.columns] revenue = "revenues"')


def test_a_name_that_says_cents_is_mapped_with_its_unit(frames, write):
    frames["orders"] = frames["orders"].rename(columns={"revenue": "amount_cents"})
    assert error(write(frames)).endswith(
        '[tables.orders.columns] revenue = { column = "amount_cents", unit = "cents" }'
    )
