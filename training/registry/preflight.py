"""What a command that writes to the store needs, tried before anything is computed."""

from __future__ import annotations

import contextlib
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import mlflow
from mlflow.entities import Experiment, LifecycleStage
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repo import ArtifactRepository
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository

from ripple.destinations import validate_folder
from ripple.errors import InputError
from ripple.settings import Settings
from ripple.training.registry import home_store, tracking
from ripple.training.registry.tracking import Store, reason

CHECKED = "ripple.preflight"
"""The tag of an experiment that says when a command last made sure that it may write."""


def open_for_writing(settings: Settings) -> Store:
    """Open the store, having written, read back and deleted a small artifact in it.

    The experiment is created where it is missing, and is the one in which MLflow starts runs.

    Raises:
        InputError: the store, its artifacts or the home cannot be written.
    """
    for folder in (settings.home, settings.home / "reports"):
        validate_folder(folder)
    store = tracking.connect(settings)
    experiment = _experiment(store, settings)
    mlflow.set_experiment(experiment_id=experiment.experiment_id)
    try:
        store.set_experiment_tag(experiment.experiment_id, CHECKED, f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC")
        store.search_model_versions(f"name = '{store.registered_model}'", max_results=1)
    except Exception as error:  # MLflow lets errors of its database and of its transport through
        raise InputError(
            f"The MLflow store {store.place} cannot be written: {reason(error)}. Make it writable for this "
            "user, or name another one by RIPPLE_HOME or MLFLOW_TRACKING_URI."
        ) from error
    _try_artifacts(store, experiment)
    return store


def _experiment(store: Store, settings: Settings) -> Experiment:
    """The experiment of the settings, created where it is missing."""
    experiment = store.get_experiment_by_name(store.experiment)
    if experiment is None:
        location = home_store.artifacts_uri(settings.home) if store.local else None
        try:
            store.create_experiment(store.experiment, artifact_location=location)
        except MlflowException as error:
            # another process may have been faster
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise InputError(
                    f"The experiment '{store.experiment}' cannot be created in the MLflow store "
                    f"{store.place}: {reason(error)}. Have it created by somebody who may, or name another "
                    "one by the setting experiment (RIPPLE_EXPERIMENT)."
                ) from error
        experiment = store.get_experiment_by_name(store.experiment)
        assert experiment is not None
    if experiment.lifecycle_stage != LifecycleStage.ACTIVE:
        raise InputError(
            f"The experiment '{store.experiment}' is deleted in the MLflow store {store.place}. Restore it "
            f"(`mlflow experiments restore --experiment-id {experiment.experiment_id}`, with "
            f"MLFLOW_TRACKING_URI={_tracking_uri(store, settings)}), or name another one by the setting "
            "experiment (RIPPLE_EXPERIMENT)."
        )
    return experiment


def _tracking_uri(store: Store, settings: Settings) -> str:
    return home_store.uri(settings.home.resolve() / home_store.DATABASE) if store.local else store.place


def _try_artifacts(store: Store, experiment: Experiment) -> None:
    """Write, read back and delete a small artifact beside those of the experiment's runs."""
    name = f"preflight-{uuid4().hex}.txt"
    try:
        with tracking.few_retries(), tempfile.TemporaryDirectory() as folder:
            sent, received = Path(folder) / name, Path(folder) / "received"
            sent.write_text(name, encoding="utf-8")
            received.mkdir()
            repository = get_artifact_repository(experiment.artifact_location)
            repository.log_artifact(str(sent))
            returned = Path(repository.download_artifacts(name, str(received))).read_text(encoding="utf-8")
            if returned != name:
                raise InputError("what was read back is not what was written")
            # a store of artifacts may forbid deletion, and needs none to train
            with contextlib.suppress(Exception):
                _delete(repository, name)
    except Exception as error:  # of whatever library reaches the artifacts
        raise InputError(
            f"Artifacts cannot be kept in {experiment.artifact_location}, the artifact location of the "
            f"experiment '{store.experiment}': {reason(error)}. {_advice(error)}"
        ) from error


def _delete(repository: ArtifactRepository, name: str) -> None:
    if isinstance(repository, LocalArtifactRepository):
        # its own method takes the path for one that is quoted
        Path(repository.artifact_dir, name).unlink()
    else:
        repository.delete_artifacts(name)


def _advice(error: BaseException) -> str:
    # MLflow wraps what it could not import in an error of its own
    causes = [error, error.__cause__, error.__context__]
    for cause in causes:
        if isinstance(cause, ImportError) and cause.name:
            return f"Install {cause.name} beside Ripple."
    return "Check that the place exists, that this user may write there, and its credentials."
