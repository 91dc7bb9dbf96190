"""MLflow: where runs and models are kept.

The default store is sqlite and a folder, both under `Settings.home`; MLFLOW_TRACKING_URI names another.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
# else the lock file of whatever project the current folder belongs to is logged with the model
os.environ.setdefault("MLFLOW_UV_AUTO_DETECT", "false")

import mlflow
from mlflow.exceptions import MlflowException
from requests.exceptions import RequestException
from sqlalchemy.exc import SQLAlchemyError

from ripple.errors import InputError
from ripple.redaction import hidden
from ripple.settings import Settings
from ripple.training.registry import home_store

# MLflow tells of migrations and copied files; what a reader needs to know, the command line says
logging.getLogger("mlflow").setLevel(logging.WARNING)

LONGEST_TAG = 4900
"""MLflow keeps 5,000 characters of a tag."""
CONNECTION_RETRIES = "2"
"""The number of times that a server which does not answer is asked again before a command is refused."""


class Store(mlflow.MlflowClient):
    """MLflow's client of one store, with the names that the settings give to what is kept in it.

    Attributes:
        local: whether the store is the one in `Settings.home`.
        place: where the store is, for messages; it holds no password.
    """

    def __init__(self, settings: Settings, local: bool, place: str) -> None:
        super().__init__()
        self.experiment = settings.experiment
        self.registered_model = settings.registered_model
        self.local = local
        self.place = place


def connect(settings: Settings) -> Store:
    """Point MLflow at the store, which is created if it is the one in `Settings.home` and not there.

    Raises:
        InputError: the store cannot be opened.
    """
    uri = os.environ.get("MLFLOW_TRACKING_URI")
    place = hidden(uri) if uri else str(settings.home.absolute() / home_store.DATABASE)
    with _refused(place, bool(uri)):
        if uri:
            mlflow.set_tracking_uri(uri)
            return _opened(Store(settings, local=False, place=place))
        with home_store.opened(settings.home) as database:
            mlflow.set_tracking_uri(home_store.uri(database))
            # MLflow has just set it, and a later call would take that for the user's wish
            os.environ.pop("MLFLOW_TRACKING_URI", None)
            return _opened(Store(settings, local=True, place=place))


def _opened(store: Store) -> Store:
    """The *store*, which has answered once, and so has its tables."""
    with few_retries():
        store.get_experiment_by_name(store.experiment)
    return store


@contextmanager
def few_retries() -> Iterator[None]:
    """Have MLflow give up on a server in seconds instead of minutes."""
    if "MLFLOW_HTTP_REQUEST_MAX_RETRIES" in os.environ:
        yield
        return
    os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = CONNECTION_RETRIES
    try:
        yield
    finally:
        del os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"]


@contextmanager
def _refused(place: str, by_variable: bool) -> Iterator[None]:
    """Raise what keeps the store from being opened as an `InputError`."""
    try:
        yield
    except (MlflowException, SQLAlchemyError, sqlite3.Error, RequestException, OSError, ImportError) as error:
        advice = (
            "Check MLFLOW_TRACKING_URI, and that the server is up and lets you in."
            if by_variable
            else "Check that the disk has room, and that the file is a store of this version of MLflow and "
            "may be written, or set RIPPLE_HOME to another folder."
        )
        raise InputError(f"The MLflow store {place} cannot be opened: {reason(error)}. {advice}") from error


def reason(error: BaseException) -> str:
    """The first line of what an *error* says, without a full stop."""
    # SQLAlchemy's text goes on with the statement, that of the driver does not
    error = getattr(error, "orig", None) or error
    lines = hidden(str(error)).strip().splitlines()
    return (lines[0] if lines else type(error).__name__).rstrip(".")


def download(run_id: str, artifact: str, into: Path) -> Path:
    """Copy one artifact of a run into the folder *into*; returns its path there."""
    into.mkdir(parents=True, exist_ok=True)
    return Path(
        mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path=artifact, dst_path=str(into))
    )
