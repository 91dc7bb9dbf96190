"""The dataset has the sizes it is said to have and keeps the contract."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from benchmarks import attribution_data
from ripple.features.validation import checks
from ripple.settings import Settings


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("attribution")
    attribution_data.write(500, folder)
    return folder


def test_it_keeps_the_contract(folder: Path) -> None:
    _, report = checks.load(folder, Settings())
    assert report.rows["customers"] == 500
    assert report.rows["orders"] == 500 * attribution_data.ORDERS
    assert report.rows["interactions"] == 500 * attribution_data.INTERACTIONS


def test_customers_act_only_once_they_have_joined(folder: Path) -> None:
    joined = pd.read_parquet(folder / "customers.parquet").set_index("customer_id")["joined_at"]
    orders = pd.read_parquet(folder / "orders.parquet")
    interactions = pd.read_parquet(folder / "interactions.parquet")
    assert (orders["ordered_at"] >= orders["customer_id"].map(joined)).all()
    for end in ("source_id", "target_id"):
        assert (interactions["occurred_at"] >= interactions[end].map(joined)).all()
    assert (interactions["source_id"] != interactions["target_id"]).all()
    referrals = interactions[interactions["kind"] == "referral"]
    assert len(referrals) == pytest.approx(500 * attribution_data.REFERRED, rel=0.2)
    assert (referrals["occurred_at"] == referrals["target_id"].map(joined)).all()


def test_the_same_size_gives_the_same_files(folder: Path, tmp_path: Path) -> None:
    attribution_data.write(500, tmp_path)
    for file in folder.glob("*.parquet"):
        assert file.read_bytes() == (tmp_path / file.name).read_bytes()
