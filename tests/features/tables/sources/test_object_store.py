"""Datasets in an object store: a copy that is whole, of one moment, and fetched once."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from ripple.errors import InputError
from ripple.features.tables.sources import find, object_store
from ripple.features.tables.sources.object_store import ObjectStore
from tests.support.oracles.dataset_sources import write_files
from tests.support.oracles.feature_frames import Frames
from tests.support.servers.processes import Ripple
from tests.support.servers.s3_server import S3Server


@pytest.fixture
def folder(frames: Frames, tmp_path: Path) -> Path:
    return write_files(frames, tmp_path / "data", "csv")


@pytest.fixture
def check(
    ripple: Ripple, s3: S3Server, tmp_path: Path, request: pytest.FixtureRequest
) -> Callable[[str], str]:
    """What `ripple check` prints about a path, or its error, in a process of its own."""

    def check(path: str) -> str:
        done = ripple("check", s3.url(path), home=tmp_path / "home")
        return done.stdout if done.returncode == 0 else done.stderr

    return check


def copies(home: Path) -> list[Path]:
    """The folders of files that were copied."""
    return sorted((home / "objects").glob("*/[!.]*/files"))


def test_a_check_is_that_of_the_folder_as_it_is_now(
    folder: Path, s3: S3Server, ripple: Ripple, tmp_path: Path, check: Callable[[str], str]
) -> None:
    s3.write(folder, "once/shop")
    local = ripple("check", folder, home=tmp_path / "other")
    assert check("once/shop") == local.stdout
    (copy,) = copies(tmp_path / "home")
    # one changes, and one goes
    (folder / "orders.csv").write_text((folder / "orders.csv").read_text() + "c1,2024-05-18,x,1,,,\n")
    s3.write(folder, "once/shop")
    s3.files.delete_file("once/shop/feedback.csv")
    assert "feedback         absent" in check("once/shop")
    (later,) = copies(tmp_path / "home")
    assert later != copy
    assert not (later / "feedback.csv").exists()
    assert (later / "orders.csv").read_bytes() == (folder / "orders.csv").read_bytes()


def test_files_that_did_not_change_are_not_fetched_again(
    folder: Path, s3: S3Server, tmp_path: Path, check: Callable[[str], str]
) -> None:
    s3.write(folder, "kept/shop")
    check("kept/shop")
    (copy,) = copies(tmp_path / "home")
    before = {file.name: file.stat().st_ino for file in copy.glob("*.csv")}
    with s3.files.open_output_stream("kept/shop/ripple.toml") as stream:
        stream.write(b"currency = 'EUR'")
    check("kept/shop")
    (copy,) = copies(tmp_path / "home")
    assert {file.name: file.stat().st_ino for file in copy.glob("*.csv")} == before


def test_settings_lie_beside_the_data(folder: Path, s3: S3Server) -> None:
    s3.write(folder, "settings/shop")
    assert find(s3.url("settings/shop")).folder is None
    (folder / "ripple.toml").write_text("currency = 'EUR'")
    s3.write(folder, "settings/with")
    found = find(s3.url("settings/with")).folder
    assert found is not None
    assert (found / "ripple.toml").read_text() == "currency = 'EUR'"


def test_its_names_hold_no_secret_and_differ_by_server() -> None:
    stores = [find(f"s3://key:secret@shop/exports?endpoint_override={host}") for host in ("one", "two")]
    assert {store.name for store in stores} == {"exports"}
    assert stores[0].key != stores[1].key
    assert all("secret" not in text for store in stores for text in (str(store), store.identity, store.key))
    assert find("gs://shop").name == "shop"


def test_a_copy_that_somebody_reads_stays(
    folder: Path, s3: S3Server, tmp_path: Path, check: Callable[[str], str]
) -> None:
    s3.write(folder, "read/shop")
    with find(s3.url("read/shop")).open() as place:
        names = place.names()
        s3.files.delete_file("read/shop/feedback.csv")
        assert "feedback         absent" in check("read/shop")
        assert len(copies(tmp_path / "home")) == 2
        assert place.names() == names


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("empty/nothing", "There are no files in s3://empty/nothing: expected a folder with a file"),
        ("nowhere-at-all/shop", "s3://nowhere-at-all/shop"),
    ],
)
def test_what_is_not_there_is_named(path: str, expected: str, s3: S3Server) -> None:
    s3.files.create_dir("empty")
    with pytest.raises(InputError, match=expected):
        find(s3.url(path)).open()


def test_a_server_that_does_not_answer_is_named(s3: S3Server) -> None:
    with pytest.raises(InputError, match=r"s3://shop/exports cannot be read: "):
        find("s3://shop/exports?endpoint_override=127.0.0.1:1&scheme=http&region=us-east-1").open()


def test_what_does_not_fit_is_not_begun(
    folder: Path, s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3.write(folder, "large/shop")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=10))
    with pytest.raises(InputError, match=r"holds 0\.0 GB that are to be copied to .*RIPPLE_HOME"):
        find(s3.url("large/shop")).open()
    assert copies(tmp_path / "home") == []


def test_a_file_that_changes_meanwhile_stops_the_copy(
    folder: Path, s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3.write(folder, "moving/shop")
    listed = object_store._listed

    def then_changed(*arguments: object) -> object:
        result = listed(*arguments)
        with s3.files.open_output_stream("moving/shop/orders.csv") as stream:
            stream.write(b"customer_id\n")
        return result

    monkeypatch.setattr(object_store, "_listed", then_changed)
    with pytest.raises(InputError, match=r"orders\.csv was changed while it was copied"):
        ObjectStore(s3.url("moving/shop")).open()
    assert copies(tmp_path / "home") == []
