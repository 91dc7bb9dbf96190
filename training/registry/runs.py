"""Runs in MLflow, of which none stays RUNNING once its process is no more."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.tracking.context.registry import resolve_tags
from mlflow.utils.git_utils import get_git_commit
from mlflow.utils.mlflow_tags import MLFLOW_GIT_COMMIT, MLFLOW_RUN_NOTE

from ripple.locks import lock

LOCKS = "running"
CHECKOUT = Path(__file__).resolve().parents[2]
"""The folder of Ripple's code; it is a git repository unless Ripple is installed from a wheel."""


@contextmanager
def run(name: str, **arguments: Any) -> Iterator[mlflow.ActiveRun]:
    """A run that ends as KILLED where a signal stops the process, and as FAILED on any other error.

    Other arguments are those of `mlflow.start_run`.
    """
    with mlflow.start_run(run_name=name, **arguments) as started:
        try:
            yield started
        except (KeyboardInterrupt, SystemExit):
            mlflow.end_run("KILLED")
            raise


@contextmanager
def locked(name: str, home: Path, **arguments: Any) -> Iterator[mlflow.ActiveRun]:
    """A `run` that holds a lock in *home* until it has ended.

    A process that is killed outright cannot end its run, but it loses its locks.
    """
    with ExitStack() as ended, run(name, **arguments) as started:
        folder = home / LOCKS / started.info.run_id
        lock(folder)
        ended.callback(shutil.rmtree, folder)
        yield started


def full_name(name: str, dataset: str, began: datetime) -> str:
    """The name of a run in MLflow: one that only repeats the *dataset* is told apart by when it *began*.

    Pages show the name without it, so that the same data give the same page.
    """
    return f"{name} {began:%Y-%m-%d %H:%M:%S}" if name == dataset else name


def created(name: str, experiment: str, description: str, began: datetime) -> str:
    """The id of a run in the *experiment* of that name, for `mlflow.start_run` to go on with.

    It begins at *began*, which `mlflow.start_run` cannot say. In a checkout it is tagged with the commit of
    Ripple's code; MLflow looks for that of the console script, which lies where git ignores it.
    """
    client, tags = mlflow.MlflowClient(), {MLFLOW_RUN_NOTE: description}
    if (CHECKOUT / ".git").exists() and (commit := get_git_commit(str(CHECKOUT))):
        tags[MLFLOW_GIT_COMMIT] = commit
    found = client.get_experiment_by_name(experiment)
    assert found is not None  # the pre-flight has created it
    made = client.create_run(
        found.experiment_id, int(began.timestamp() * 1000), resolve_tags(tags), run_name=name
    )
    return str(made.info.run_id)


def end_abandoned(client: mlflow.MlflowClient, home: Path) -> list[str]:
    """End as KILLED what a process that is no more left RUNNING in *home*; return the names of its runs."""
    names = []
    for folder in sorted((home / LOCKS).glob("*")):
        if not lock(folder):
            continue
        try:
            parent = client.get_run(folder.name)
        except MlflowException:
            # it may be known to another server than the one that is asked today
            continue
        children = client.search_runs(
            [parent.info.experiment_id], f"tags.`mlflow.parentRunId` = '{folder.name}'"
        )
        for one in (parent, *children):
            if one.info.status == "RUNNING":
                client.set_terminated(one.info.run_id, "KILLED")
        shutil.rmtree(folder)
        names.append(str(parent.info.run_name))
    return names
