"""What tests of several packages share: the real command line, and one small world trained with it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pandas as pd
import pytest
from xdist.scheduler import LoadFileScheduling

from tests.support.servers import postgres_server
from tests.support.servers.postgres_server import PostgresServer
from tests.support.servers.processes import Ripple, TrainedWorld, forking_ripple
from tests.support.servers.spark_sessions import spark_session
from tests.support.small_settings import LENIENT

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# how long an example takes depends on what else the machine does
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

TOGETHER = ("tests/ripple/cli/", "tests/serving/", "tests/training/")
"""The folders whose files share what takes long to set up: a trained world, a packed service, a small run."""


class FoldersTogether(LoadFileScheduling):
    """Runs every file in one process, and all files of a folder of `TOGETHER` in the same one."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return next((folder for folder in TOGETHER if file.startswith(folder)), file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FoldersTogether | None:
    return FoldersTogether(config, log) if config.option.dist == "loadfile" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What runs longest in one process comes first, so that at the end none waits for another."""
    items.sort(key=lambda item: not item.nodeid.startswith(TOGETHER))


@pytest.fixture(scope="session")
def executable() -> Path:
    """The console script of the environment that runs the tests."""
    return Path(sys.executable).with_name("ripple")


@pytest.fixture(scope="session")
def ripple(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ripple]:
    """Runs `ripple ARGUMENTS` with a home of its own and returns what it printed and its exit code."""
    with forking_ripple(tmp_path_factory.mktemp("forking")) as run:
        yield run


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    """A PostgreSQL server, started when a test first needs it."""
    with postgres_server.running() as running:
        yield running


@pytest.fixture(scope="session")
def trained_world(
    ripple: Ripple, server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> TrainedWorld:
    """900 customers over 24 months, trained through the command line out of a database."""
    folder = tmp_path_factory.mktemp("world")
    data, home = folder / "data", folder / "home"
    simulated = ripple(
        *("simulate", data, "--world", "default", "--customers", 900, "--months", 24, "--seed", 5), home=home
    )
    assert simulated.returncode == 0, simulated.stderr
    with (data / "ripple.toml").open("a", encoding="utf-8") as settings:
        settings.write(LENIENT)
    url = server.write({file.stem: pd.read_parquet(file) for file in data.glob("*.parquet")}, "world")
    trained = ripple("train", url, "--settings", data / "ripple.toml", "--name", "first", home=home)
    assert trained.returncode == 0, trained.stderr
    return TrainedWorld(data, home, trained.stdout, trained.stderr)


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """Spark as `ripple.features.tables.spark` sets it up, on two threads of this machine."""
    with spark_session(tmp_path_factory.mktemp("spark")) as session:
        yield session
