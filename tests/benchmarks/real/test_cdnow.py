"""Direct value on CDNOW: reading the data, the rival, and, where the data are at hand, the figures."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.real import cdnow
from tests.support.checkout import ROOT

SOURCE = Path(
    os.environ.get("CDNOW_DATA", ROOT / ".ripple" / "data" / "cdnow" / "Lifetimes-0.11.3-py3-none-any.whl")
)
WHERE_DATA_ARE = pytest.mark.skipif(
    not SOURCE.exists(), reason=f"no CDNOW at {SOURCE}: `make truth-real` fetches it, or set CDNOW_DATA"
)
MASTER = """ customer_id  date number_of_cds  dollar_value
 00001 19970101  1   11.77
 00002 19970112  1   12.00
 00002 19970112  5   77.00
"""
SAMPLE = """ 00004 0001 19970101  2   29.33
 00004 0001 19970118  2   29.73
"""


@pytest.fixture(params=["wheel", "folder"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    files = {cdnow.MASTER: MASTER, cdnow.SAMPLE: SAMPLE}
    if request.param == "folder":
        for name, text in files.items():
            (tmp_path / name).write_text(text, encoding="ascii")
        return tmp_path
    path = tmp_path / "lifetimes.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in files.items():
            wheel.writestr(f"{cdnow.FOLDER}/{name}", text)
    return path


def test_purchases_are_read_from_the_wheel_and_from_a_folder(source: Path) -> None:
    bought = cdnow.transactions(source)
    assert bought["customer_id"].tolist() == ["00001", "00002", "00002"]
    assert bought["amount"].tolist() == [11.77, 12.0, 77.0]
    sample = cdnow.transactions(source, cdnow.SAMPLE)
    assert sample["customer_id"].tolist() == ["00004", "00004"]
    assert sample["date"].tolist() == [pd.Timestamp("1997-01-01"), pd.Timestamp("1997-01-18")]


def test_everybody_joins_with_their_first_purchase(source: Path, tmp_path: Path) -> None:
    cdnow.write_dataset(cdnow.transactions(source), tmp_path)
    customers = pd.read_parquet(tmp_path / "customers.parquet").set_index("customer_id")
    assert customers.loc["00002", "joined_at"] == pd.Timestamp("1997-01-12")
    assert pd.read_parquet(tmp_path / "orders.parquet")["revenue"].sum() == pytest.approx(100.77)


def test_the_best_figure_is_the_highest_and_of_totals_the_nearest_to_one() -> None:
    rows = [
        {"cutoff": "a", "ranking": cdnow.RIPPLE, "Gini": 0.5, "total": 0.9},
        {"cutoff": "a", "ranking": cdnow.TIED, "Gini": 0.9, "total": 1.0},
        {"cutoff": "a", "ranking": cdnow.LAST, "Gini": 0.4, "total": 1.3},
        {"cutoff": "b", "ranking": cdnow.LAST, "Gini": 0.6, "total": 1.0},
    ]
    assert [cdnow.is_best(row, rows, "Gini") for row in rows] == [True, False, False, True]
    assert [cdnow.is_best(row, rows, "total") for row in rows] == [True, False, False, True]


@WHERE_DATA_ARE
def test_the_rival_estimates_what_was_published() -> None:
    estimates = cdnow.parameters(cdnow.transactions(SOURCE, cdnow.SAMPLE))
    for name, published in cdnow.PUBLISHED.items():
        assert estimates[name] == pytest.approx(published, abs=0.006)


@WHERE_DATA_ARE
def test_on_a_tenth_of_the_customers_the_head_orders_better_than_its_rivals() -> None:
    bought = cdnow.transactions(SOURCE, cdnow.SAMPLE)
    table = pd.DataFrame(cdnow.figures(cdnow.predictions(bought))).pivot(
        index="cutoff", columns="ranking", values="Gini"
    )
    assert (table[cdnow.RIPPLE] > table[cdnow.LAST]).all()
    assert table[cdnow.RIPPLE].mean() > table[cdnow.CLVKIT].mean()
    assert np.isfinite(table).all(axis=None)
