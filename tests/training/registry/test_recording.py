import json
import os
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from importlib.metadata import version as installed
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from mlflow.exceptions import MlflowException

from ripple.models import Bundle
from ripple.models.bundle import RANGE_SCORES, SCORES
from ripple.training.estimators.distillation import STUDENT_PARAMS
from ripple.training.evaluation.cutoff_evaluation import MODEL
from ripple.training.examples.provenance import run_code_digest
from ripple.training.registry import model_versions, recording, tracking
from ripple.training.registry.gate import Check, Decision
from ripple.training.report.model_card import model_card
from tests.support.checkout import ROOT

CHAMPION = "models:/ripple@champion"
PASSED = Decision("1", None, (Check("capture", True, 0.01, -0.05, "It captures as much."),))

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
assert "ripple" not in sys.modules
(name,) = [name for name in sys.modules if name.startswith("ripple_model_") and "." not in name]
code = sys.modules[name]
sys.stdout.write(code.__file__)
"""


@pytest.fixture
def client(opened, trained):
    return tracking.connect(opened[0].settings)


@pytest.fixture
def run(client):
    return client.get_run(model_versions.find(client, "1").run_id)


def test_the_run_holds_parameters_metrics_and_tags(run, result):
    assert run.info.run_name == "first"
    assert run.info.status == "FINISHED"
    parameters = run.data.params
    assert parameters["horizon_days"] == "60"
    assert parameters["cutoffs.step_days"] == "30"
    assert parameters["model.trees"] == str(result.settings.model.trees)
    assert parameters["gate.capture_loss"] == str(result.settings.gate.capture_loss)
    assert "home" not in parameters
    headline = result.headline()
    assert {name: run.data.metrics[name] for name in headline} == pytest.approx(headline)
    total = result.population.total
    assert {name: run.data.metrics[name] for name in ("total", "total_low", "total_high")} == pytest.approx(
        {"total": total.predicted, "total_low": total.low, "total_high": total.high}
    )
    assert run.data.tags["dataset"] == "small"
    assert run.data.tags["label"] == result.population.bundle.spec.label
    assert run.data.tags["gate"] == "passed"


def test_what_a_difference_between_runs_may_come_from_is_a_parameter(run, result):
    parameters = run.data.params
    for table, rows_digest in result.data.digests.items():
        assert parameters[f"data.{table}"] == rows_digest
    assert parameters["data.end"] == result.population.as_of.isoformat()
    assert parameters["code"] == run_code_digest()
    assert parameters["ripple"] == installed("ripple")
    assert parameters["features"] == str(len(result.population.features.columns))
    used = {one.dataset.name: one.dataset.digest for one in run.inputs.dataset_inputs}
    assert used == dict(result.data.digests)


def test_every_evaluation_cutoff_has_a_child_run(client, run, result):
    mine = f"tags.mlflow.parentRunId = '{run.info.run_id}'"
    children = client.search_runs([run.info.experiment_id], mine, order_by=["params.cutoff ASC"])
    heads = result.evaluation.backtest.heads
    assert [child.data.params["cutoff"] for child in children] == sorted(heads["cutoff"])
    assert {child.info.status for child in children} == {"FINISHED"}
    rankings = result.evaluation.backtest.rankings.set_index(["cutoff", "ranking"])
    for child in children:
        cutoff = child.data.params["cutoff"]
        metrics = child.data.metrics
        assert metrics["capture"] == rankings.loc[(cutoff, MODEL), "capture"]
        assert metrics["capture of degree"] == rankings.loc[(cutoff, "degree"), "capture"]
        assert metrics["coverage"] == heads.set_index("cutoff").loc[cutoff, "coverage"]
        closed = result.data.schedule.training_for(datetime.fromisoformat(cutoff))
        assert child.data.params["training_cutoffs"] == str(len(closed))


def test_the_parent_holds_every_metric_by_cutoff(client, run, result):
    history = client.get_metric_history(run.info.run_id, "cutoff.capture")
    rankings = result.evaluation.backtest.rankings
    own = rankings[(rankings["ranking"] == MODEL) & (rankings["cutoff"] != "pooled")]
    assert [metric.value for metric in history] == own["capture"].tolist()
    best = rankings[rankings["ranking"] == result.evaluation.backtest.best_baseline].set_index("cutoff")
    for name in ("lead", "lead_low", "lead_high"):
        leads = [metric.value for metric in client.get_metric_history(run.info.run_id, f"cutoff.{name}")]
        assert leads == best[name].drop("pooled").tolist()
    leads = [metric.value for metric in client.get_metric_history(run.info.run_id, "cutoff.lead")]
    assert np.mean(leads) == pytest.approx(run.data.metrics["lead"])
    when = [datetime.fromtimestamp(metric.timestamp / 1000, UTC) for metric in history]
    assert [f"{moment:%Y-%m-%d}" for moment in when] == own["cutoff"].tolist()


def test_the_run_holds_everything_to_score_and_evaluate_with(client, run, result, trained, tmp_path):
    artifacts = {artifact.path for artifact in client.list_artifacts(run.info.run_id)}
    assert artifacts == {
        *(
            "bundle",
            "snapshot.parquet",
            "evidence.json",
            "report.html",
            "gate.json",
            "model_card.md",
            "plays.csv",
        ),
        *("predictions.parquet", "shap", "features.md", "environment.txt", "preview"),
    }
    folder = tracking.download(run.info.run_id, "", tmp_path)
    pd.testing.assert_frame_equal(
        Bundle.load(folder / "bundle").score(result.population.features),
        result.population.bundle.score(result.population.features),
        check_exact=True,
    )
    snapshot = pq.read_table(folder / "snapshot.parquet")
    assert snapshot.num_rows == len(result.population.scores)
    assert snapshot.schema.metadata == {b"as_of": result.population.as_of.isoformat().encode()}
    for name, record in (("evidence", result.record()), ("gate", trained.decision.record())):
        assert json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) == json.loads(
            json.dumps(record)
        )
    card = (folder / "model_card.md").read_bytes()
    assert card == (folder / "bundle" / "model_card.md").read_bytes() == model_card(result).encode()
    catalogue = (folder / "features.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in catalogue for name in result.population.features)


def test_every_parquet_file_has_a_preview_that_mlflow_shows(run, tmp_path):
    folder = tracking.download(run.info.run_id, "", tmp_path)
    previews = {
        "snapshot.csv": "snapshot.parquet",
        "predictions.csv": "predictions.parquet",
        "shap_value.csv": "shap/value.parquet",
        "shap_top.csv": "shap/top.parquet",
    }
    shown = {file.name: pd.read_csv(file) for file in (folder / "preview").iterdir()}
    assert shown.keys() == previews.keys()
    for name, parquet in previews.items():
        whole = pd.read_parquet(folder / parquet)
        assert len(shown[name]) == min(recording.PREVIEW_ROWS, len(whole))
        assert set(shown[name]) == {*whole.columns, "customer_id"}
    assert shown["snapshot.csv"]["rank"].tolist() == list(range(1, 101))
    assert shown["predictions.csv"]["predicted"].is_monotonic_decreasing


def test_the_parameters_of_each_head_are_those_it_was_fitted_with(run, result):
    parameters, bundle = run.data.params, result.population.bundle
    for head, booster in (("value_head", bundle.value), ("top_head", bundle.top)):
        trees = booster.trees_to_dataframe()
        leaves = trees[trees["left_child"].isna()].groupby("tree_index").size().max()
        assert leaves <= int(parameters[f"{head}.num_leaves"])
        shrinkage = re.findall(r"^shrinkage=(.+)$", booster.model_to_string(), re.MULTILINE)[-1]
        assert float(shrinkage) == float(parameters[f"{head}.learning_rate"])
    assert parameters["value_head.num_leaves"] == str(STUDENT_PARAMS["num_leaves"])
    assert parameters["value_teacher.num_leaves"] == parameters["model.leaves"]
    assert parameters["top_head.objective"] == "binary"


def test_run_version_and_model_are_described_by_the_figures_of_the_run(client, run, result):
    version = client.get_model_version("ripple", "1")
    assert run.data.tags["mlflow.note.content"] == version.description
    headline = result.headline()
    assert f"**{headline['capture']:.2f}**" in version.description
    assert f"{headline['lead']:+.2f}" in version.description
    assert "It passed all 7 checks" in version.description
    assert "champion" in client.get_registered_model("ripple").description


def test_a_description_of_the_model_that_somebody_wrote_stays(result, copied_store):
    client = tracking.connect(copied_store)
    client.update_registered_model("ripple", "ours")
    logged = recording.log(result, PASSED, "<html></html>", "# card")
    version = model_versions.register(client, logged, PASSED)
    assert client.get_registered_model("ripple").description == "ours"
    assert client.get_model_version("ripple", version.number).description == logged.description


def test_a_run_begins_when_its_training_did_and_names_the_commit(result, copied_store):
    client, started = tracking.connect(copied_store), datetime.now(UTC) - timedelta(minutes=5)
    logged = recording.log(result, PASSED, "<html></html>", "# card", started)
    run = client.get_run(logged.run_id)
    assert run.info.start_time == int(started.timestamp() * 1000)
    assert run.info.end_time - run.info.start_time > 300_000
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.data.tags.get("mlflow.source.git.commit", "") == head.stdout.strip()
    assert run.data.tags["mlflow.user"]


@pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")  # raised inside MLflow
def test_mlflow_evaluates_the_champion_as_the_page_says(copied_store, result):
    tracking.connect(copied_store)
    page = (ROOT / "docs/models.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(import mlflow\n.+?)```", page, re.DOTALL)
    features = result.population.features
    realised = pd.Series(np.arange(len(features), dtype=float), features.index)
    given = {"features": features, "realised": realised}
    exec(compile(code, "docs/models.md", "exec"), given)
    predicted = result.population.bundle.score(features)["network_value"]
    measured = given["evaluated"].metrics
    assert measured["example_count"] == len(features)
    assert measured["mean_absolute_error"] == pytest.approx((predicted - realised).abs().mean())


def test_the_environment_is_locked(client, run, tmp_path):
    file = tracking.download(run.info.run_id, "environment.txt", tmp_path)
    first, *packages = file.read_text(encoding="utf-8").splitlines()
    assert first == f"# Python {platform.python_version()}"
    assert f"lightgbm=={installed('lightgbm')}" in packages
    assert all(re.fullmatch(r"[\w.-]+==\S+", package) for package in packages)


def test_out_of_sample_predictions_are_kept_by_customer(client, result):
    stored = model_versions.predictions(client, model_versions.find(client, "1"))
    pd.testing.assert_frame_equal(stored, result.evaluation.out_of_sample, check_exact=True)


def test_shap_values_add_up_to_the_scores(client, run, result, tmp_path):
    for head, score in (("value", np.log), ("top", lambda p: np.log(p / (1 - p)))):
        kept = pd.read_parquet(tracking.download(run.info.run_id, f"shap/{head}.parquet", tmp_path))
        assert list(kept.columns) == ["base", *result.population.bundle.spec.names]
        name = "network_value" if head == "value" else "top_probability"
        served = result.population.scores.loc[kept.index, name]
        assert kept.sum(axis=1).to_numpy() == pytest.approx(score(served).to_numpy(), rel=1e-9, abs=1e-9)


def test_the_champion_scores_like_the_bundle(client, result):
    model = mlflow.pyfunc.load_model(CHAMPION)
    expected = result.population.bundle.score(result.population.features)
    pd.testing.assert_frame_equal(model.predict(result.population.features), expected, check_exact=True)


def test_the_champion_takes_columns_by_name(client, result):
    model = mlflow.pyfunc.load_model(CHAMPION)
    shuffled = result.population.features.sample(frac=1, axis=1, random_state=1).assign(
        account_owner="somebody"
    )
    expected = result.population.bundle.score(result.population.features)
    pd.testing.assert_frame_equal(model.predict(shuffled), expected, check_exact=True)


def test_the_signature_requires_every_feature_whatever_is_null_in_the_rows(client, result):
    signature = mlflow.models.get_model_info(CHAMPION).signature
    assert signature.inputs.required_input_names() == result.population.bundle.spec.names
    assert {str(kind) for kind in signature.inputs.input_types()} == {"DataType.double"}
    assert signature.outputs.input_names() == [*SCORES, *RANGE_SCORES]


def test_the_model_has_an_input_example_that_it_scores(client, result):
    model = mlflow.pyfunc.load_model(CHAMPION)
    example = model.input_example
    pd.testing.assert_frame_equal(
        model.predict(example),
        result.population.bundle.score(example).reset_index(drop=True),
        check_exact=True,
    )


def test_a_missing_column_is_named(client, result):
    model = mlflow.pyfunc.load_model(CHAMPION)
    with pytest.raises(MlflowException, match="out_degree"):
        model.predict(result.population.features.drop(columns="out_degree"))


def test_the_champion_needs_neither_pickle_nor_ripple_installed(client, opened, result, tmp_path):
    result.population.features.to_parquet(tmp_path / "features.parquet")
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
        result.population.bundle.score(result.population.features),
        check_exact=True,
    )


def test_the_model_is_plain_files_of_ripples_own(client, opened):
    artifacts = opened[0].settings.home / "artifacts"
    names = {path.name for path in artifacts.rglob("*") if path.is_file()}
    assert {"MLmodel", "value.txt", "top.txt", "bundle.json", "mlflow_model.py"} <= names
    assert not [name for name in names if name.endswith((".pkl", ".pickle", ".joblib"))]
    # files of the project in whose folder training happened to run
    assert not names & {"uv.lock", "pyproject.toml"}
    assert "model_card.md" in names
