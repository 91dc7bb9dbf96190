import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import mlflow
import pytest

from ripple.errors import InputError
from ripple.settings import Settings
from ripple.training.registry import home_store, model_versions, preflight, tracking
from tests.support.runs.registered_bundle import register_bundle

OPEN = """
import sys
from pathlib import Path
from ripple.settings import Settings
from ripple.training.registry import preflight
print("imported", flush=True)
sys.stdin.readline()
preflight.open_for_writing(Settings(home=Path(sys.argv[1])))
"""


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("name", ["a b", "feature%2Fx", "a%20b", "a#b", "a?b", "ü"])
def test_a_home_may_have_any_name_and_nothing_is_written_beside_it(tmp_path, name):
    settings = Settings(home=tmp_path / name / "home")
    version = register_bundle(settings)
    store = tracking.connect(settings)
    assert model_versions.fetch(store, version, "bundle", tmp_path / "copy").joinpath("value.txt").is_file()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, "copy"])
    assert not [file for file in files(settings.home) if "preflight" in file]
    assert (settings.home / "mlflow.db").is_file()


def test_first_commands_at_once_do_not_race_on_the_creation_of_the_store(tmp_path):
    processes = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", OPEN, tmp_path / "home"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout.readline() == "imported\n"
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        _, said = process.communicate(timeout=120)
        assert process.returncode == 0, said


def test_a_deleted_experiment_is_told_with_how_to_restore_it(tmp_path):
    settings = Settings(home=tmp_path)
    store = preflight.open_for_writing(settings)
    number = store.get_experiment_by_name("ripple").experiment_id
    store.delete_experiment(number)
    with pytest.raises(
        InputError, match=f"is deleted in .*restore --experiment-id {number}.*RIPPLE_EXPERIMENT"
    ):
        preflight.open_for_writing(settings)
    assert preflight.open_for_writing(Settings(home=tmp_path, experiment="other")).experiment == "other"


def test_artifacts_that_cannot_be_kept_are_told_before_anything_is_computed(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "boto3", None)  # as where it is not installed
    settings = Settings(home=tmp_path)
    tracking.connect(settings).create_experiment("ripple", artifact_location="s3://bucket/ripple")
    started = time.monotonic()
    with pytest.raises(InputError, match=r"s3://bucket/ripple, .*'ripple': .*boto3.* Install boto3 beside"):
        preflight.open_for_writing(settings)
    assert time.monotonic() - started < 20
    (tmp_path / "file").write_text("")
    tracking.connect(settings).create_experiment("b", artifact_location=(tmp_path / "file").as_uri())
    with pytest.raises(InputError, match=r"Artifacts cannot be kept in file://.*/file"):
        preflight.open_for_writing(Settings(home=tmp_path, experiment="b"))


def test_a_server_that_does_not_answer_is_told_in_seconds(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://somebody:secret@127.0.0.1:9")
    started = time.monotonic()
    with pytest.raises(InputError, match=r"http://\*\*\*@127\.0\.0\.1:9 cannot be opened: ") as refused:
        preflight.open_for_writing(Settings(home=tmp_path))
    assert time.monotonic() - started < 30
    assert "secret" not in str(refused.value)
    assert "MLFLOW_HTTP_REQUEST_MAX_RETRIES" not in os.environ


def test_a_store_that_is_none_is_told(tmp_path):
    (tmp_path / "mlflow.db").write_bytes(b"this is no database, but a text of some length" * 40)
    with pytest.raises(InputError, match=r"mlflow\.db cannot be opened: file is not a database\. "):
        tracking.connect(Settings(home=tmp_path))


def test_a_database_that_may_only_be_read_is_told(tmp_path, monkeypatch):
    settings = Settings(home=tmp_path)

    def refuse(*given):
        raise mlflow.exceptions.MlflowException("attempt to write a readonly database")

    monkeypatch.setattr(tracking.Store, "set_experiment_tag", refuse)
    with pytest.raises(
        InputError, match=r"cannot be written: attempt to write a readonly database\. Make it"
    ):
        preflight.open_for_writing(settings)


def test_two_brands_have_a_model_each_in_one_store(tmp_path):
    one = Settings(home=tmp_path)
    other = Settings(home=tmp_path, experiment="brand b", registered_model="main.crm.brand_b")
    assert register_bundle(one).number == register_bundle(other).number == "1"
    assert register_bundle(other, champion=False).number == "2"
    first, second = tracking.connect(one), tracking.connect(other)
    assert [row["version"] for row in model_versions.overview(first)] == ["1"]
    assert [row["version"] for row in model_versions.overview(second)] == ["2", "1"]
    assert model_versions.promote(second, "2", "better").number == "2"
    assert model_versions.champion(first).number == "1"
    _, *names = model_versions.compared(second, *(model_versions.find(second, name) for name in "12"))
    assert names == ["main.crm.brand_b 2", "main.crm.brand_b 1"]


@pytest.fixture
def collected(tmp_path):
    """A store whose champion's run was deleted and collected by `mlflow gc`, and the version that is left."""
    settings = Settings(home=tmp_path / "home")
    gone, left = register_bundle(settings), register_bundle(settings, champion=False)
    store = tracking.connect(settings)
    store.delete_run(gone.run_id)
    uri = home_store.uri(settings.home / "mlflow.db")
    done = subprocess.run(
        [Path(sys.executable).with_name("mlflow"), "gc", "--backend-store-uri", uri],
        env=os.environ | {"MLFLOW_TRACKING_URI": uri, "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    return store, gone, left


def test_a_champion_whose_run_was_collected_is_told_wherever_it_is_needed(collected, tmp_path):
    store, gone, left = collected
    told = (
        f"Version 1, the champion, of ripple is gone .*its run {gone.run_id} was deleted.*`ripple versions`"
    )
    for needs_it in (
        lambda: model_versions.predictions(store, gone),
        lambda: model_versions.scored(store, gone),
        lambda: model_versions.fetch(store, gone, "report.html", tmp_path / "copy"),
        lambda: model_versions.export_plays(store, gone, tmp_path / "plays.csv"),
        lambda: model_versions.compared(store, left, gone),
        lambda: model_versions.run_of(store, gone),
    ):
        with pytest.raises(model_versions.VersionGoneError, match=told):
            needs_it()
    rows = {row["version"]: row for row in model_versions.overview(store)}
    assert rows["1"]["note"] == f"gone: its run {gone.run_id} was deleted"
    assert (rows["1"]["role"], rows["1"]["capture"]) == ("champion", "")
    assert (rows["2"]["note"], rows["2"]["capture"]) == ("", "0.50")
    assert model_versions.promote(store, "2", "the other is gone") == left
    assert model_versions.champion(store) == left


def test_a_version_whose_files_were_removed_is_told(tmp_path):
    settings = Settings(home=tmp_path)
    version = register_bundle(settings)
    shutil.rmtree(tmp_path / "artifacts")
    store = tracking.connect(settings)
    with pytest.raises(model_versions.VersionGoneError, match="holds no bundle"):
        model_versions.artifacts(store, version)
    assert model_versions.overview(store)[0]["note"].startswith("gone: ")
