"""The whole of it against a real MLflow server that keeps its runs in PostgreSQL."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import httpx
import mlflow
import pandas as pd
import pytest

from ripple.errors import InputError
from ripple.training import pipeline
from ripple.training.registry import model_versions, tracking
from tests.support.runs.results import altered
from tests.support.servers.postgres_server import PASSWORD, PostgresServer
from tests.support.servers.processes import free_port


@pytest.fixture(scope="module")
def address(server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a server answers whose runs are in PostgreSQL and whose artifacts are in a folder of its own."""
    folder, port = tmp_path_factory.mktemp("mlflow"), free_port()
    server.run("CREATE DATABASE mlflow")
    store = f"postgresql+psycopg2://shop:{quote(PASSWORD, safe='')}@127.0.0.1:{server.port}/mlflow"
    program = Path(sys.executable).with_name("mlflow")
    command = [program, "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--backend-store-uri", store, "--artifacts-destination", folder / "artifacts"],
            cwd=folder,
            env=os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true", "PYTHONWARNINGS": "ignore"},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 120
        while not _answers(url):
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.2)
        yield url
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=2).status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture
def train_on(address, result, opened, tmp_path, monkeypatch):
    """Trains with the server as the store, where learning finds what it is given."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    settings = opened[0].settings.model_copy(update={"home": tmp_path})

    def run(result):
        monkeypatch.setattr(pipeline, "fit_and_evaluate", lambda *given: result)
        return pipeline.train(replace(opened[0], settings=settings), opened[1], result.name)

    return run


@pytest.mark.filterwarnings("ignore:unclosed <socket.socket:ResourceWarning")
def test_training_promoting_and_comparing_on_a_server(address, result, train_on, tmp_path):
    first = train_on(result)
    assert first.champion
    trees = result.settings.model.model_copy(update={"trees": 50})
    other = altered(
        result,
        name="fewer trees",
        settings=result.settings.model_copy(update={"model": trees}),
        backtest=replace(
            result.evaluation.backtest, heads=result.evaluation.backtest.heads.assign(predicted_share=40.0)
        ),
    )
    second = train_on(other)
    assert not second.champion
    client = tracking.connect(result.settings)
    assert client.tracking_uri == address
    assert model_versions.find(client).number == first.version == "1"
    assert model_versions.find(client, "challenger").number == second.version == "2"

    # what MLflow's page of two compared runs asks for
    runs = [client.get_run(model_versions.find(client, number).run_id) for number in ("1", "2")]
    one, two = (run.data for run in runs)
    assert {name for name in one.params if one.params[name] != two.params[name]} == {"model.trees"}
    assert one.metrics["predicted_share"] != two.metrics["predicted_share"] == 40.0
    assert (one.tags["gate"], two.tags["gate"]) == ("passed", "failed")
    for run in runs:
        children = client.search_runs(
            [run.info.experiment_id], f"tags.mlflow.parentRunId = '{run.info.run_id}'"
        )
        assert len(children) == len(result.evaluation.backtest.heads)
        assert len(run.inputs.dataset_inputs) == len(result.data.digests)
    page = httpx.get(address, timeout=10)
    assert page.status_code == 200
    assert "MLflow" in page.text

    # artifacts travel through the server
    card = tracking.download(runs[1].info.run_id, "model_card.md", tmp_path / "there")
    assert card.read_text(encoding="utf-8").startswith("# Model card")
    model = mlflow.pyfunc.load_model("models:/ripple@champion")
    expected = result.population.bundle.score(result.population.features)
    pd.testing.assert_frame_equal(model.predict(result.population.features), expected, check_exact=True)

    comparison, *names = model_versions.compared(
        client, model_versions.find(client, "1"), model_versions.find(client, "2")
    )
    assert (comparison.difference, names) == (0, ["ripple 2", "ripple 1"])
    with pytest.raises(InputError, match="--because"):
        model_versions.promote(client)
    model_versions.promote(client, because="the total is measured wrongly")
    assert model_versions.find(client).number == "2"
    assert (
        "because: the total is measured wrongly."
        in model_versions.status(client, model_versions.find(client))[1]
    )
    with pytest.raises(InputError, match="there are 1, 2"):
        model_versions.find(client, "challenger")
