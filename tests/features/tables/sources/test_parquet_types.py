"""Types of Parquet files that are read wrongly are refused."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ripple.errors import InputError
from ripple.features.dataset import open_dataset
from ripple.features.tables.sources.parquet_types import validate_nanoseconds
from ripple.settings import Settings


def with_revenue(frames, write, kind):
    folder = write(frames)
    orders = pa.Table.from_pandas(frames["orders"], preserve_index=False)
    amounts = pa.array([Decimal(str(amount)) for amount in frames["orders"]["revenue"]], kind)
    index = orders.schema.get_field_index("revenue")
    pq.write_table(orders.set_column(index, "revenue", amounts), folder / "orders.parquet")
    return folder


def test_a_decimal_of_too_many_digits_is_refused_and_not_read_as_another_number(frames, write):
    folder = with_revenue(frames, write, pa.decimal256(50, 2))
    with pytest.raises(InputError, match=r"orders.parquet: revenue is a decimal of 50 digits"):
        open_dataset(folder, Settings())


def test_a_decimal_of_38_digits_is_read(frames, write):
    folder = with_revenue(frames, write, pa.decimal128(38, 2))
    revenue = open_dataset(folder, Settings()).tables["orders"].revenue.to_pyarrow().to_pylist()
    assert sorted(revenue) == sorted(frames["orders"]["revenue"])


def test_nanoseconds_are_refused_for_spark(tmp_path):
    for unit in ("us", "ns"):
        pq.write_table(pa.table({"at": pa.array([0], pa.timestamp(unit))}), tmp_path / unit)
    validate_nanoseconds([tmp_path / "us"])
    with pytest.raises(InputError, match=r"at is in nanoseconds, which Spark does not read"):
        validate_nanoseconds([tmp_path / "us", tmp_path / "ns"])
