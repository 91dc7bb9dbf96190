import shutil
import sqlite3

import pytest

from ripple.errors import InputError
from ripple.settings import Settings
from ripple.training.registry import home_store, model_versions, preflight, tracking
from tests.support.runs.registered_bundle import register_bundle


def recorded(home):
    """Every path that the database of *home* holds."""
    with sqlite3.connect(home / "mlflow.db") as connection:
        return {
            value
            for table, columns in home_store.PATHS.items()
            for column in columns
            for (value,) in connection.execute(f"SELECT {column} FROM {table}")
            if value and str(value).startswith("file:") and "mlruns" not in value
        }


def reads_everything(settings, version, folder):
    store = tracking.connect(settings)
    assert model_versions.find(store) == version
    assert len(model_versions.scored(store, version).scores) == 40
    assert model_versions.predictions(store, version) is not None
    return model_versions.fetch(store, version, "report.html", folder).is_file()


@pytest.mark.parametrize("target", ["moved", "a b/feature%2Fx"])
def test_a_home_that_was_moved_keeps_its_versions_and_takes_more(tmp_path, target):
    before, after = Settings(home=tmp_path / "before"), Settings(home=tmp_path / target)
    version = register_bundle(before)
    assert all(path.startswith(before.home.as_uri()) for path in recorded(before.home))
    after.home.parent.mkdir(exist_ok=True)
    before.home.rename(after.home)
    assert reads_everything(after, version, tmp_path / "copy")
    assert register_bundle(after).number == "2"
    assert all(path.startswith(f"{after.home.as_uri()}/artifacts") for path in recorded(after.home))
    assert len(recorded(after.home)) >= 5
    assert not before.home.exists()


def test_a_copied_home_is_of_its_own(tmp_path):
    first, second = Settings(home=tmp_path / "first"), Settings(home=tmp_path / "second")
    version = register_bundle(first)
    shutil.copytree(first.home, second.home)
    assert register_bundle(second, champion=False).number == "2"
    assert len(list((first.home / "artifacts").iterdir())) == 1
    shutil.rmtree(first.home)
    assert reads_everything(second, version, tmp_path / "copy")


def test_a_link_to_a_home_is_that_home(tmp_path):
    settings = Settings(home=tmp_path / "home")
    version = register_bundle(settings)
    before = recorded(settings.home)
    (tmp_path / "link").symlink_to(settings.home)
    assert reads_everything(Settings(home=tmp_path / "link"), version, tmp_path / "copy")
    assert recorded(settings.home) == before


def test_a_folder_of_artifacts_that_was_chosen_stays(tmp_path):
    settings, chosen = Settings(home=tmp_path / "home"), tmp_path / "large" / "artifacts"
    tracking.connect(settings).create_experiment("ripple", artifact_location=chosen.as_uri())
    version = register_bundle(settings)
    assert reads_everything(settings, version, tmp_path / "copy")
    assert (chosen / version.run_id).is_dir()
    assert not (settings.home / "artifacts").exists()


def test_a_store_that_was_half_created_is_none(tmp_path):
    def create():
        with home_store.opened(tmp_path) as database:
            database.write_bytes(b"SQLite format 3 and no more")
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        create()
    assert not (tmp_path / "mlflow.db").exists()
    assert preflight.open_for_writing(Settings(home=tmp_path)).get_experiment_by_name("ripple")


def test_a_home_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be made a folder"):
        tracking.connect(Settings(home=tmp_path / "file" / "home"))
    with pytest.raises(InputError, match=r"file/home cannot be written: .*Not a directory"):
        preflight.open_for_writing(Settings(home=tmp_path / "file" / "home"))
