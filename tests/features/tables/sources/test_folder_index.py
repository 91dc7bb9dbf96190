"""Which files of a folder make which table."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from ripple.errors import InputError
from ripple.features.dataset import open_dataset
from ripple.features.tables.sources.file_formats import read_files
from ripple.features.tables.sources.folder_index import FolderIndex, TableFiles
from ripple.features.tables.sources.source import connect
from ripple.settings import Settings
from tests.support.oracles import feature_frames
from tests.support.servers.processes import Ripple


@pytest.fixture
def folder(tmp_path):
    def folder(*files: str) -> Path:
        for file in files:
            (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / file).touch()
        return tmp_path

    return folder


def names(table: TableFiles, folder: Path) -> list[str]:
    return [str(file.relative_to(folder)) for file in table.files]


def test_tables_are_files_and_folders_of_files(folder):
    path = folder("a.csv", "b.JSON.gz", "c/2024/x.parquet", "c/y.parquet", "c/notes.txt", "d/e.csv", "f.txt")
    index = FolderIndex(path)
    assert index.names == ["a", "b", "c", "d"]
    assert names(index.find("b"), path) == ["b.JSON.gz"]
    assert names(index.find("c"), path) == ["c/2024/x.parquet", "c/y.parquet"]
    assert names(index.find("d/e"), path) == ["d/e.csv"]
    assert names(index.find("d/e.csv"), path) == ["d/e.csv"]
    assert names(index.find("?/*.csv"), path) == ["d/e.csv"]
    (path / "g.parquet").mkdir()
    folder("g.parquet/part-0.snappy.parquet")
    index = FolderIndex(path)
    assert "g" in index.names
    for name in ("g", "g.parquet"):
        assert names(index.find(name), path) == ["g.parquet/part-0.snappy.parquet"]
    with pytest.raises(InputError, match=r"no e\.parquet, e\.csv or folder e/"):
        index.find("e")


def test_what_cannot_be_read_is_named(folder, monkeypatch):
    path = folder("a.csv")
    (path / "b.csv").symlink_to("nowhere")
    (path / "c").mkdir()
    index = FolderIndex(path)
    with pytest.raises(InputError, match=r"b\.csv cannot be read: .*No such file"):
        read_files(connect(), index.find("b").files)

    def forbidden(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", forbidden)
    with pytest.raises(InputError, match=r"c cannot be read: Permission denied$"):
        index.find("c")


def test_names_with_a_dot_or_a_line_before_them_are_skipped_and_said(folder):
    path = folder(
        *("orders/1.parquet", "orders/_temporary/0/1.parquet", "orders/.ipynb_checkpoints/1.parquet"),
        *("orders/_SUCCESS", ".orders.csv", "_old/usage.csv", ".git/config", "2024/_x.csv", "2024/y.csv"),
    )
    index = FolderIndex(path)
    assert index.names == ["2024", "orders"]
    assert names(index.find("orders"), path) == ["orders/1.parquet"]
    assert names(index.find("2*/*.csv"), path) == ["2024/y.csv"]
    assert index.skipped == [
        ".orders.csv",
        "2024/_x.csv",
        "_old",
        "orders/.ipynb_checkpoints",
        "orders/_temporary",
    ]
    # what is named is meant
    assert names(index.find("_old/usage.csv"), path) == ["_old/usage.csv"]


def test_what_no_table_is_made_of_is_unused(folder):
    index = FolderIndex(
        folder(
            "a.csv",
            "b/x.csv",
            "c/x.csv",
            "2024/1.csv",
            "a.csv.bak",
            "ripple.toml",
            "features.py",
            ".hidden",
            "d.json",
        )
    )
    assert index.unused(["a", "b", "2*/*.csv"]) == ["a.csv.bak", "c", "d"]
    assert index.unused(["c/x.csv"]) == ["2024", "a", "a.csv.bak", "b", "d"]


def test_sheets_of_a_workbook_are_tables(tmp_path):
    frame = pd.DataFrame({"a": [1]})
    frame.to_excel(tmp_path / "orders.xlsx", sheet_name="Sheet1", index=False)
    with pd.ExcelWriter(tmp_path / "export.xlsx") as writer:
        for sheet in ("customers", "usage"):
            frame.to_excel(writer, sheet_name=sheet, index=False)
    (tmp_path / "usage.csv").touch()
    index = FolderIndex(tmp_path)
    assert index.names == ["customers", "orders", "usage"]
    assert index.find("customers") == TableFiles((tmp_path / "export.xlsx",), "customers")
    assert index.find("export.xlsx/usage") == TableFiles((tmp_path / "export.xlsx",), "usage")
    assert index.find("orders").files == (tmp_path / "orders.xlsx",)
    with pytest.raises(InputError, match=r"usage is there more than once: export\.xlsx, usage\.csv"):
        index.find("usage")
    assert index.unused(["customers", "orders.xlsx"]) == ["usage"]


@pytest.mark.parametrize(
    ("log", "kind"), [("metadata/v1.metadata.json", "Iceberg"), (".hoodie/hoodie.properties", "Hudi")]
)
def test_tables_whose_log_is_not_read_are_refused(folder, log, kind):
    path = folder("orders/data/1.parquet", f"orders/{log}")
    index = FolderIndex(path)
    for name in ("orders", "orders/*/*.parquet"):
        with pytest.raises(InputError, match=rf"orders is one {kind} table, .*: write its rows as Parquet"):
            index.find(name)
    with pytest.raises(InputError, match=rf"orders is one {kind} table: name the folder that holds it"):
        FolderIndex(path / "orders")


def test_a_delta_table_is_found_whole_only(folder):
    path = folder("orders/1.parquet", "orders/_delta_log/0.json", "lake/usage/_delta_log/0.json")
    index = FolderIndex(path)
    assert index.find("orders").is_delta
    assert index.find("lake/usage").is_delta
    for name in ("orders/*.parquet", "lake"):
        with pytest.raises(
            InputError, match=r"is one Delta table, not all of whose files count: name it alone"
        ):
            index.find(name)


def test_the_dataset_tells_what_it_is_not_made_of(frames, tmp_path):
    folder = feature_frames.write(frames, tmp_path)
    for before, after in {
        "feedback.parquet": "Feedback.parquet",
        "interactions.parquet": "interaction.parquet",
        "catalog.parquet": "catalogue.csv.bak",
    }.items():
        (folder / before).rename(folder / after)
    (folder / "_usage.csv").touch()
    (folder / "clients.csv").touch()
    dataset = open_dataset(folder, Settings())
    assert dataset.unknown_tables == {
        "Feedback": "feedback",
        "catalogue.csv.bak": "catalog",
        "clients": None,
        "interaction": "interactions",
    }
    assert dataset.skipped == ["_usage.csv"]
    assert dataset.absent == ["catalog", "interactions", "feedback"]


def test_check_says_what_is_skipped(frames, tmp_path, ripple: Ripple):
    folder = feature_frames.write(frames, tmp_path / "data")
    feature_frames.write({"orders": frames["orders"]}, folder / ".ipynb_checkpoints")
    done = ripple("check", folder, home=tmp_path / "home")
    assert done.returncode == 0, done.stderr
    assert "skipped: .ipynb_checkpoints, as its name begins with _ or a dot" in done.stdout
    done = ripple("check", folder / "orders.parquet", home=tmp_path / "home")
    assert done.returncode == 2
    assert "orders.parquet is a file with one table: name the folder that holds it" in done.stderr


def test_a_required_table_in_another_case_is_named(frames, tmp_path):
    folder = feature_frames.write(frames, tmp_path, "csv")
    (folder / "customers.csv").rename(folder / "CUSTOMERS.CSV")
    with pytest.raises(InputError, match=r"no customers\.parquet, .*; did you mean 'CUSTOMERS\.CSV'\?"):
        open_dataset(folder, Settings())
