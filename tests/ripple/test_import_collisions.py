"""Modules of an application that have the names of Ripple's folders and files, first on its import path."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import mlflow
import pytest

from ripple.training.registry.recording import model_from_code
from tests.support.checkout import ROOT

ARTIFACTS = ROOT / "tests/serving/earlier_artifacts"
PACKAGES = ("features", "models", "serving", "simulation", "training")
FILES = (
    *("arrays", "atomic", "cli", "destinations", "digests", "environment", "errors", "locks", "redaction"),
    *("settings", "suggestions"),
)


@pytest.fixture
def application(tmp_path: Path) -> Path:
    """A folder with packages and modules of its own, each of which knows whose it is."""
    for name in PACKAGES:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("OWNER = 'application'\n", encoding="utf-8")
    for name in FILES:
        (tmp_path / f"{name}.py").write_text("OWNER = 'application'\n", encoding="utf-8")
    return tmp_path


def _output(command: list[object], application: Path) -> str:
    """What *command* prints in the folder of an application, which comes first on the import path."""
    process = subprocess.run(
        [str(word) for word in command],
        cwd=application,
        env=os.environ | {"PYTHONPATH": str(application)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    return process.stdout


OWN = f"""
import importlib
for name in {PACKAGES}:
    assert importlib.import_module(name).OWNER == "application"
"""

SCORE = """
import json, sys
import mlflow, pandas as pd
expected = json.load(open(sys.argv[1]))
features = pd.DataFrame(expected["features"], columns=expected["feature_names"], dtype=float)
print(json.dumps(mlflow.pyfunc.load_model(sys.argv[2]).predict(features).to_numpy().tolist()))
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow model as a run holds it."""
    folder = tmp_path_factory.mktemp("model")
    bundle = shutil.copytree(ARTIFACTS / "bundle", folder / "bundle")
    mlflow.pyfunc.save_model(folder / "saved", **model_from_code(bundle), pip_requirements=["mlflow"])
    return folder / "saved"


@pytest.mark.filterwarnings("ignore:.*type hint")
@pytest.mark.parametrize("code", [OWN + SCORE, SCORE + OWN], ids=["own first", "model first"])
def test_an_mlflow_model_scores_beside_an_application_s_packages(
    code: str, model: Path, application: Path
) -> None:
    expected = json.loads((ARTIFACTS / "expected.json").read_text(encoding="utf-8"))
    output = _output([sys.executable, "-c", code, ARTIFACTS / "expected.json", model], application)
    assert json.loads(output) == expected["scores"]


@pytest.mark.parametrize(
    "command", [[sys.executable, "-m", "ripple.cli"], [Path(sys.executable).with_name("ripple")]]
)
def test_the_command_runs_beside_an_application_s_modules(command: list[object], application: Path) -> None:
    assert "simulate" in _output([*command, "--help"], application)


def test_the_clients_import_beside_an_application_s_packages(application: Path) -> None:
    code = f"from ripple import AsyncClient, Client\n{OWN}\nprint(Client.__module__)"
    assert _output([sys.executable, "-c", code], application).strip() == "ripple.serving.client"
