import json

import mlflow
import pandas as pd
import pytest

from ripple.training.orders_alone import recording
from ripple.training.registry import tracking


@pytest.fixture
def logged(spend_run):
    client = tracking.connect(spend_run.result.settings)
    experiment = client.get_experiment_by_name(client.experiment)
    (run,) = client.search_runs([experiment.experiment_id])
    return client, run


def test_metrics_and_settings_are_those_of_the_result(logged, spend_result):
    _, run = logged
    assert run.data.metrics["lifetime_value"] == pytest.approx(spend_result.headline()["lifetime_value"])
    assert run.data.params["lifetime.horizon_days"] == str(spend_result.settings.lifetime.horizon_days)
    assert run.data.tags["label"] == "direct value"
    assert run.info.status == "FINISHED"


def test_artifacts_hold_the_table_the_predictions_and_the_page(logged, spend_run, tmp_path):
    client, run = logged

    for name in (recording.CUSTOMERS, "evidence.json", "report.html"):
        mlflow.MlflowClient(client.tracking_uri).download_artifacts(run.info.run_id, name, str(tmp_path))
    table = pd.read_csv(tmp_path / recording.CUSTOMERS)
    assert len(table) == len(spend_run.result.value.customers)
    assert json.loads((tmp_path / "evidence.json").read_text(encoding="utf-8"))["name"] == "shop"
    assert (tmp_path / "report.html").read_bytes() == spend_run.report.read_bytes()
