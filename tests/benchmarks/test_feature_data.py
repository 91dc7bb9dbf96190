"""The dataset keeps the contract, and grows by a day at a time."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from benchmarks import feature_data
from ripple.features.validation import checks
from ripple.settings import Settings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    feature_data.write(200, tmp_path / "data")
    return tmp_path / "data"


def test_it_keeps_the_contract(folder: Path) -> None:
    _, report = checks.load(folder, Settings())
    assert report.rows["customers"] == 200
    assert set(report.rows) == {*feature_data.TABLES, "catalog"}
    for table in feature_data.TABLES:
        assert len(list((folder / table).glob("*.parquet"))) == feature_data.MONTHS
        assert report.rows[table] > 0


def test_a_day_more_is_one_file_more_of_what_became_known_on_it(folder: Path) -> None:
    before = {file: file.read_bytes() for file in folder.rglob("*.parquet")}
    feature_data.append_day(folder)
    feature_data.append_day(folder)
    assert all(file.read_bytes() == content for file, content in before.items())
    added = {file.relative_to(folder) for file in set(folder.rglob("*.parquet")) - set(before)}
    days = ("2026-01-01", "2026-01-02")
    assert added == {Path(table) / f"{day}.parquet" for table in feature_data.TABLES for day in days}
    usage = pd.read_parquet(folder / "usage" / "2026-01-02.parquet")["occurred_at"]
    first = feature_data.END + timedelta(days=1)
    assert usage.between(first, first + timedelta(days=1), inclusive="left").all()
    orders = pq.read_table(folder / "orders", columns=["order_id"])["order_id"]
    assert orders.value_counts().field("counts").to_numpy().max() == 1


def test_there_are_no_more_days_than_customers_were_drawn_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    feature_data.append_day(folder)
    monkeypatch.setattr(feature_data, "FURTHER_DAYS", 1)
    with pytest.raises(ValueError, match="has 1 days after 2026-01-01 already"):
        feature_data.append_day(folder)
