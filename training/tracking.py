"""MLflow: where runs and models are kept, and how one is logged, registered, found and promoted.

The default store is sqlite and a folder, both under `Settings.home`; MLFLOW_TRACKING_URI names another.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
# else the lock file of whatever project the current folder belongs to is logged with the model
os.environ.setdefault("MLFLOW_UV_AUTO_DETECT", "false")

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema

import models
from models.bundle import SCORES, Spec
from models.population import write_snapshot
from settings import InputError, Settings
from training.evidence import Evidence

# MLflow tells of migrations and copied files; what a reader needs to know, the command line says
logging.getLogger("mlflow").setLevel(logging.WARNING)

MODEL = "ripple"
CHAMPION = "champion"
REQUIREMENTS = ("mlflow", "lightgbm", "numpy", "pandas", "scipy")


@dataclass(frozen=True)
class Version:
    """A registered model version and the run that made it."""

    number: str
    run_id: str


@dataclass(frozen=True)
class Logged:
    """A model that is logged in a run but not registered."""

    model_uri: str
    run_id: str


def connect(settings: Settings) -> mlflow.MlflowClient:
    """Point MLflow at the store and make sure that the experiment exists."""
    home = settings.home.absolute()
    home.mkdir(parents=True, exist_ok=True)
    own = "MLFLOW_TRACKING_URI" not in os.environ
    mlflow.set_tracking_uri(f"sqlite:///{home / 'mlflow.db'}" if own else os.environ["MLFLOW_TRACKING_URI"])
    if own:
        # MLflow has just set it, and a later call would take that for the user's wish
        os.environ.pop("MLFLOW_TRACKING_URI", None)
    client = mlflow.MlflowClient()
    if client.get_experiment_by_name(MODEL) is None:
        client.create_experiment(MODEL, artifact_location=(home / "artifacts").as_uri() if own else None)
    mlflow.set_experiment(MODEL)
    return client


def log(evidence: Evidence, report: str) -> Logged:
    """Record *evidence* as one run: parameters, metrics, model and artifacts. Nothing is registered."""
    with mlflow.start_run(run_name=evidence.name) as run, tempfile.TemporaryDirectory() as temporary:
        mlflow.log_params(_flat(evidence.settings.model_dump(mode="json")))
        mlflow.set_tags({"dataset": evidence.dataset, "label": evidence.bundle.spec.label})
        mlflow.log_metrics({name: value for name, value in evidence.headline().items() if value == value})
        folder = Path(temporary)
        _write_artifacts(evidence, report, folder)
        mlflow.log_artifacts(str(folder))
        return Logged(_log_bundle(evidence, folder / "bundle"), run.info.run_id)


def _write_artifacts(evidence: Evidence, report: str, folder: Path) -> None:
    (folder / "bundle").mkdir()
    evidence.bundle.save(folder / "bundle")
    write_snapshot(folder / "snapshot.parquet", evidence.scores, evidence.features, evidence.as_of)
    record = json.dumps(evidence.record(), indent=1, ensure_ascii=False, allow_nan=False)
    (folder / "evidence.json").write_text(record + "\n", encoding="utf-8")
    (folder / "report.html").write_text(report, encoding="utf-8")


def _log_bundle(evidence: Evidence, bundle: Path) -> str:
    package = Path(models.__file__).parent
    example = evidence.features.head(5).reset_index(drop=True)
    logged = mlflow.pyfunc.log_model(
        name=MODEL,
        python_model=str(package / "pyfunc.py"),
        artifacts={"bundle": str(bundle)},
        code_paths=[str(package)],
        signature=_signature(evidence.bundle.spec),
        input_example=example,
        pip_requirements=[f"{name}=={version(name)}" for name in REQUIREMENTS],
    )
    return str(logged.model_uri)


def _signature(spec: Spec) -> ModelSignature:
    """Features in, scores out, all of them doubles.

    Every feature is required, though its value may be missing; inferred from rows, MLflow would take one for
    optional that happens to be null in them, and Spark then cannot find the columns by name.
    """
    given, scores = (
        Schema([ColSpec(DataType.double, name) for name in names]) for names in (spec.names, SCORES)
    )
    return ModelSignature(given, scores)


def register(logged: Logged) -> Version:
    """Make the logged model the next version of the registered model."""
    made = mlflow.register_model(logged.model_uri, MODEL)
    return Version(str(made.version), logged.run_id)


def promote(client: mlflow.MlflowClient, number: str) -> Version:
    """Give version *number* the alias `champion`."""
    found = find(client, number)
    client.set_registered_model_alias(MODEL, CHAMPION, found.number)
    return found


def find(client: mlflow.MlflowClient, name: str = CHAMPION) -> Version:
    """The version of that number, or that alias.

    Raises:
        InputError: there is none; the message says which there are.
    """
    try:
        if name.isdigit():
            found = client.get_model_version(MODEL, name)
        else:
            found = client.get_model_version_by_alias(MODEL, name)
    except MlflowException as error:
        numbers = [int(one.version) for one in _versions(client)]
        known = f"there are {', '.join(map(str, sorted(numbers)))}" if numbers else "none is registered yet"
        raise InputError(
            f"No version '{name}' of the model: {known}. `ripple train DATA` makes one."
        ) from error
    return Version(str(found.version), str(found.run_id))


def _versions(client: mlflow.MlflowClient) -> list[Any]:
    return list(client.search_model_versions(f"name = '{MODEL}'"))


def download(found: Version, artifact: str, into: Path) -> Path:
    """Copy one artifact of the version's run into the folder *into*; returns its path there."""
    into.mkdir(parents=True, exist_ok=True)
    return Path(
        mlflow.artifacts.download_artifacts(run_id=found.run_id, artifact_path=artifact, dst_path=str(into))
    )


def _flat(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Keys of nested sections joined with dots, as MLflow wants its parameters."""
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {prefix + key: value}
    return flat
