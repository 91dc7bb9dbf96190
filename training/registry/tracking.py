"""MLflow: where runs and models are kept.

The default store is sqlite and a folder, both under `Settings.home`; MLFLOW_TRACKING_URI names another.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
# else the lock file of whatever project the current folder belongs to is logged with the model
os.environ.setdefault("MLFLOW_UV_AUTO_DETECT", "false")

import mlflow

from ripple.errors import InputError
from ripple.settings import Settings

# MLflow tells of migrations and copied files; what a reader needs to know, the command line says
logging.getLogger("mlflow").setLevel(logging.WARNING)

MODEL = "ripple"
LONGEST_TAG = 4900
"""MLflow keeps 5,000 characters of a tag."""


def connect(settings: Settings) -> mlflow.MlflowClient:
    """Point MLflow at the store and make sure that the experiment exists.

    Raises:
        InputError: `Settings.home` cannot be made.
    """
    home = settings.home.absolute()
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"RIPPLE_HOME = {home} cannot be made a folder: {error.strerror}.") from error
    is_default = "MLFLOW_TRACKING_URI" not in os.environ
    mlflow.set_tracking_uri(
        f"sqlite:///{home / 'mlflow.db'}" if is_default else os.environ["MLFLOW_TRACKING_URI"]
    )
    if is_default:
        # MLflow has just set it, and a later call would take that for the user's wish
        os.environ.pop("MLFLOW_TRACKING_URI", None)
    client = mlflow.MlflowClient()
    if client.get_experiment_by_name(MODEL) is None:
        client.create_experiment(
            MODEL, artifact_location=(home / "artifacts").as_uri() if is_default else None
        )
    mlflow.set_experiment(MODEL)
    return client


def download(run_id: str, artifact: str, into: Path) -> Path:
    """Copy one artifact of a run into the folder *into*; returns its path there."""
    into.mkdir(parents=True, exist_ok=True)
    return Path(
        mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path=artifact, dst_path=str(into))
    )
