import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import mlflow
import pandas as pd
import pyarrow.parquet as pq
import pytest
from mlflow.exceptions import MlflowException

import training
from models import Bundle
from models.bundle import SCORES
from settings import InputError, Settings
from training import tracking

CHAMPION = "models:/ripple@champion"
ROOT = Path(training.__file__).parents[1]

# scores the features of argument 3 with the champion of store 1, without pickle and without Ripple itself
ELSEWHERE = """
import _pickle, pickle, sys
import cloudpickle, lightgbm, mlflow, pandas as pd

def refuse(*given, **options):
    raise AssertionError("unpickled")

for module in (pickle, _pickle, cloudpickle):
    for name in ("load", "loads", "Unpickler", "_Unpickler"):
        if hasattr(module, name):
            setattr(module, name, refuse)
sys.path[:] = [entry for entry in sys.path if entry not in ("", sys.argv[2])]
mlflow.set_tracking_uri(sys.argv[1])
model = mlflow.pyfunc.load_model("models:/ripple@champion")
model.predict(pd.read_parquet(sys.argv[3])).to_parquet(sys.argv[4])
import models
sys.stdout.write(models.__file__)
"""


@pytest.fixture
def client(opened, trained):
    return tracking.connect(opened[0].settings)


@pytest.fixture
def run(client):
    return client.get_run(tracking.find(client, "1").run_id)


@pytest.fixture
def another(opened, trained, tmp_path):
    """A home with a copy of the store."""
    shutil.copyfile(opened[0].settings.home / "mlflow.db", tmp_path / "mlflow.db")
    return Settings(home=tmp_path)


def test_the_run_holds_parameters_metrics_and_tags(run, evidence):
    assert run.info.run_name == "first"
    assert run.info.status == "FINISHED"
    parameters = run.data.params
    assert parameters["horizon_days"] == "60"
    assert parameters["cutoffs.step_days"] == "30"
    assert parameters["model.trees"] == str(evidence.settings.model.trees)
    assert "home" not in parameters
    assert run.data.metrics == pytest.approx(evidence.headline())
    assert run.data.tags["dataset"] == "small"
    assert run.data.tags["label"] == evidence.bundle.spec.label


def test_the_run_holds_everything_to_score_and_judge_with(client, run, evidence, tmp_path):
    found = {artifact.path for artifact in client.list_artifacts(run.info.run_id)}
    assert found == {"bundle", "snapshot.parquet", "evidence.json", "report.html"}
    version = tracking.find(client, "1")
    bundle = Bundle.load(tracking.download(version, "bundle", tmp_path))
    pd.testing.assert_frame_equal(
        bundle.score(evidence.features), evidence.bundle.score(evidence.features), check_exact=True
    )
    snapshot = pq.read_table(tracking.download(version, "snapshot.parquet", tmp_path / "snapshot"))
    assert snapshot.num_rows == len(evidence.scores)
    assert snapshot.schema.metadata == {b"as_of": evidence.as_of.isoformat().encode()}
    record = tracking.download(version, "evidence.json", tmp_path).read_text(encoding="utf-8")
    assert json.loads(record) == json.loads(json.dumps(evidence.record()))


def test_the_champion_scores_like_the_bundle(client, evidence):
    model = mlflow.pyfunc.load_model(CHAMPION)
    expected = evidence.bundle.score(evidence.features)
    pd.testing.assert_frame_equal(model.predict(evidence.features), expected, check_exact=True)


def test_the_champion_takes_columns_by_name(client, evidence):
    model = mlflow.pyfunc.load_model(CHAMPION)
    shuffled = evidence.features.sample(frac=1, axis=1, random_state=1).assign(account_owner="somebody")
    expected = evidence.bundle.score(evidence.features)
    pd.testing.assert_frame_equal(model.predict(shuffled), expected, check_exact=True)


def test_the_signature_requires_every_feature_whatever_is_null_in_the_rows(client, evidence):
    signature = mlflow.models.get_model_info(CHAMPION).signature
    assert signature.inputs.required_input_names() == evidence.bundle.spec.names
    assert {str(kind) for kind in signature.inputs.input_types()} == {"DataType.double"}
    assert signature.outputs.input_names() == list(SCORES)


def test_a_missing_column_is_named(client, evidence):
    model = mlflow.pyfunc.load_model(CHAMPION)
    with pytest.raises(MlflowException, match="out_degree"):
        model.predict(evidence.features.drop(columns="out_degree"))


def test_the_champion_needs_neither_pickle_nor_ripple_installed(client, opened, evidence, tmp_path):
    evidence.features.to_parquet(tmp_path / "features.parquet")
    store = f"sqlite:///{opened[0].settings.home / 'mlflow.db'}"
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, store, str(ROOT), "features.parquet", "scores.parquet"],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
        | {"MLFLOW_DISABLE_TELEMETRY": "true"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    artifacts = opened[0].settings.home / "artifacts"
    assert Path(done.stdout).is_relative_to(artifacts)
    pd.testing.assert_frame_equal(
        pd.read_parquet(tmp_path / "scores.parquet"),
        evidence.bundle.score(evidence.features),
        check_exact=True,
    )


def test_the_model_is_plain_files_of_ripples_own(client, opened):
    artifacts = opened[0].settings.home / "artifacts"
    names = {path.name for path in artifacts.rglob("*") if path.is_file()}
    assert {"MLmodel", "value.txt", "top.txt", "bundle.json", "pyfunc.py"} <= names
    assert not [name for name in names if name.endswith((".pkl", ".pickle", ".joblib"))]
    # files of the project in whose folder training happened to run
    assert not names & {"uv.lock", "pyproject.toml"}


@pytest.mark.parametrize("name", ["99", "challenger", "0"])
def test_an_unknown_version_is_told_with_those_there_are(client, name):
    with pytest.raises(InputError, match=rf"No version '{name}' of the model: there are 1(, \d+)*\. "):
        tracking.find(client, name)
    with pytest.raises(InputError, match="there are 1"):
        tracking.promote(client, name)


def test_promotion_moves_the_alias(another):
    client = tracking.connect(another)
    again = tracking.register(
        tracking.Logged(
            client.get_model_version("ripple", "1").source, client.get_model_version("ripple", "1").run_id
        )
    )
    champion = tracking.find(client)
    assert again.number != champion.number
    assert tracking.promote(client, again.number) == again
    assert tracking.find(client) == tracking.find(client, again.number) == again


def test_an_empty_registry_says_so(another):
    client = tracking.connect(another)
    client.delete_registered_model("ripple")
    with pytest.raises(InputError, match=r"none is registered yet\. `ripple train DATA` makes one"):
        tracking.find(client)


def test_every_home_has_its_own_store(opened, another, client):
    first = f"sqlite:///{opened[0].settings.home / 'mlflow.db'}"
    assert client.tracking_uri == first
    assert tracking.connect(another).tracking_uri == f"sqlite:///{another.home / 'mlflow.db'}"
    assert tracking.connect(opened[0].settings).tracking_uri == first
    assert "MLFLOW_TRACKING_URI" not in os.environ


def test_a_tracking_uri_in_the_environment_wins(opened, another, client, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{another.home / 'mlflow.db'}")
    asked = tracking.connect(Settings(home=tmp_path / "unused"))
    assert asked.tracking_uri == os.environ["MLFLOW_TRACKING_URI"]
    assert mlflow.get_tracking_uri() == os.environ["MLFLOW_TRACKING_URI"]
    assert list((tmp_path / "unused").iterdir()) == []
    assert tracking.find(asked, "1").number == "1"
