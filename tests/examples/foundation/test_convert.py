"""A small extract becomes a dataset: who joined when, what are orders, and which links are interactions."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest

from examples.foundation import convert
from ripple.features.tables.contract import CONTRACT
from ripple.settings import load as load_settings

EXTRACT = {
    # `NA` is a pseudonym and no missing value; c has no dated action
    "users": """
user_id,first_listing_ts,first_mint_ts,first_bid_ts,inviter_id,invited_flag
NA,1611100860,1611100820,,,0
b,1611101000,,1611100900,NA,1
c,,,,NA,1
""",
    "listings": """
token_id,seller_id,listing_ts,mint_ts,reserve_eth
t1,NA,1611100860,1611100820,1.0
t2,b,1611101000,,0.5
""",
    "bids": """
token_id,seller_id,bidder_id,ts,amount_eth,amount_usd
t1,NA,b,1611100900,1.5,1500
t2,b,b,1611101100,0.5,500
""",
    "sales": """
token_id,seller_id,buyer_id,ts,price_eth,price_usd,n_bids
t1,NA,b,1611101200,1.5,1500.5,1
t2,b,d,1611101300,0.5,500,1
""",
}


def _time(seconds: int) -> datetime:
    return pd.Timestamp(seconds, unit="s").to_pydatetime()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    for name, text in EXTRACT.items():
        (folder / f"{name}.csv").write_text(text.lstrip(), encoding="utf-8")
    return folder


def test_every_table_is_converted(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    counts = convert.convert(source, out)
    tables = {file.stem: pd.read_parquet(file) for file in out.glob("*.parquet")}
    assert {f"{name}.parquet": len(table) for name, table in tables.items()} == {
        name: rows for name, rows in counts.items() if name.endswith(".parquet")
    }
    assert counts["users.csv"] == 3
    assert set(tables) <= set(CONTRACT)
    joined = tables["customers"].set_index("customer_id")["joined_at"]
    assert joined.to_dict() == {"NA": _time(1611100820), "b": _time(1611100900), "d": _time(1611101300)}
    orders = tables["orders"].set_index("customer_id")
    assert orders["revenue"].to_dict() == {"NA": 1500.5, "b": 500.0}
    edges = tables["interactions"][["source_id", "target_id", "kind"]].itertuples(index=False, name=None)
    assert sorted(edges) == [
        ("NA", "b", "referral"),
        ("b", "NA", "bid"),
        ("b", "NA", "purchase"),
        ("d", "b", "purchase"),
    ]
    assert tables["usage"]["feature"].value_counts().to_dict() == {"bid": 2, "list": 2, "sell": 2, "mint": 1}
    assert load_settings(out).horizon_days == 15


@pytest.mark.parametrize("missing", ["users.csv", "sales.csv"])
def test_an_incomplete_extract_is_rejected(
    missing: str,
    source: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (source / missing).unlink()
    monkeypatch.setattr(sys, "argv", ["convert", str(source), str(tmp_path / "out")])
    assert convert.main() == 2
    assert missing in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_an_existing_folder_is_not_overwritten(
    source: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["convert", str(source), str(source)])
    assert convert.main() == 2
    assert "exists already" in capsys.readouterr().err
    assert len(list(source.iterdir())) == 4
