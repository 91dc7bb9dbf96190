"""Runs in MLflow, of which none stays RUNNING once its process is no more."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import mlflow
from mlflow.exceptions import MlflowException

from ripple.locks import lock

LOCKS = "running"


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
def locked(name: str, home: Path) -> Iterator[mlflow.ActiveRun]:
    """A `run` that holds a lock in *home* until it has ended.

    A process that is killed outright cannot end its run, but it loses its locks.
    """
    with ExitStack() as ended, run(name) as started:
        folder = home / LOCKS / started.info.run_id
        lock(folder)
        ended.callback(shutil.rmtree, folder)
        yield started


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
