"""Every kind of source gives the same tables and the same errors."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from ripple.errors import InputError
from ripple.features.dataset import Dataset, open_dataset
from ripple.features.tables.contract import CONTRACT
from ripple.features.tables.sources import find
from ripple.features.validation import checks
from ripple.settings import Settings
from tests.support.oracles import feature_frames
from tests.support.oracles.dataset_sources import opening_error, rows

AS_OF = datetime(2024, 4, 1)


@pytest.fixture(scope="module")
def from_parquet(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = feature_frames.write(feature_frames.random(), tmp_path_factory.mktemp("data"))
    return checks.check(folder, feature_frames.SETTINGS)[0]


def test_every_source_gives_the_same_tables(store, from_parquet):
    dataset, report = checks.check(store(feature_frames.random()), feature_frames.SETTINGS)
    assert report.violations == []
    for name in CONTRACT:
        assert rows(dataset, name) == rows(from_parquet, name)


@pytest.mark.parametrize("store", ["csv", "duckdb", "postgresql"], indirect=True)
def test_every_kind_of_source_gives_the_same_features(store, from_parquet):
    dataset, _ = checks.check(store(feature_frames.random()), feature_frames.SETTINGS)
    expected = feature_frames.features_at(from_parquet, AS_OF)
    assert feature_frames.bits(feature_frames.features_at(dataset, AS_OF)) == feature_frames.bits(expected)


def test_missing_columns_are_listed_as_for_folders(store, frames):
    frames["orders"] = frames["orders"].rename(columns={"revenue": "amount"}).drop(columns="product")
    frames["feedback"] = frames["feedback"].drop(columns="score")
    columns = "customer_id, ordered_at, amount, margin, order_id"
    *lines, remedy = opening_error(store(frames)).splitlines()
    assert lines == [
        f"orders: column 'product' is missing; found {columns}",
        f"orders: column 'revenue' is missing; found {columns}",
        "feedback: column 'score' is missing; found customer_id, occurred_at",
    ]
    assert remedy.endswith('[tables.orders.columns] product = "their_column"')


@pytest.mark.parametrize("store", ["csv", "json", "sqlite"], indirect=True)
def test_a_table_without_any_column_of_the_contract_is_told(store, frames):
    frames["orders"] = frames["orders"][["margin"]].rename(columns={"margin": "amount"})
    assert "orders: column 'customer_id' is missing; found amount" in opening_error(store(frames))


@pytest.mark.parametrize("store", ["duckdb", "sqlite"], indirect=True)
def test_only_text_has_an_encoding(store, frames):
    settings = Settings(tables={"orders": {"from": "orders", "encoding": "cp1252"}})
    with pytest.raises(InputError, match="only text files in a folder have an encoding, which is cp1252"):
        open_dataset(store(frames), settings)


def test_customers_and_orders_suffice(store, frames):
    del frames["usage"], frames["interactions"]
    dataset = open_dataset(store(frames), Settings())
    assert not {"usage", "interactions"} & set(dataset.tables.tables)


def test_only_customers_keep_further_columns(store, frames):
    frames["orders"]["colour"] = "blue"
    dataset = open_dataset(store(frames), Settings())
    assert dataset.attributes == ["industry"]
    assert "colour" not in dataset.tables["orders"].columns


def test_what_is_neither_a_file_nor_a_known_url_is_refused_with_what_is():
    message = opening_error("oracle://shop:secret@host/db")
    assert "expected a folder of files (Parquet, CSV, JSON, Excel), a DuckDB or SQLite file" in message
    assert "Known are postgresql, postgres, mysql, mariadb" in message
    assert "secret" not in message
    assert opening_error("postgresql:/shop:se:cr@et@host").startswith(
        "No dataset at ***@host: expected a folder"
    )


def test_a_dataset_is_named_after_its_source(tmp_path, monkeypatch):
    folder = tmp_path / "spring"
    folder.mkdir()
    monkeypatch.chdir(folder)
    assert (find(".").name, str(find(".")), find(".").folder) == ("spring", ".", Path())
    (tmp_path / "shop.duckdb").touch()
    file = find(tmp_path / "shop.duckdb")
    assert (file.name, str(file), file.folder) == ("shop", f"{tmp_path}/shop.duckdb", tmp_path)
    database = find("postgres://u:secret@[::1]:5433/shop?schema=my%20own")
    assert (database.name, database.folder) == ("shop", None)
    assert str(database) == "postgresql://[::1]:5433/shop?schema=my own"
    assert "secret" not in repr(database)


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_the_cache_of_a_dataset_is_one_however_its_path_is_written(tmp_path, monkeypatch, kind):
    place = tmp_path / "shop"
    if kind == "folder":
        place.mkdir()
    else:
        place.touch()
    (tmp_path / "link").symlink_to(place)
    monkeypatch.chdir(tmp_path)
    spelt = [place, "shop", "./shop", "link", tmp_path / "link", "../" + tmp_path.name + "/shop"]
    if kind == "folder":
        spelt.append("shop/")
    else:
        assert find("shop?schema=a").key != find("shop").key
    assert len({find(path).key for path in spelt}) == 1
    assert str(find("link")) == "link"


def test_a_name_that_no_file_can_have_is_refused():
    with pytest.raises(InputError, match=r"^No dataset at aaa.*: File name too long\.$"):
        find("a" * 5000)
