"""Each kind of source, with a schema of its own where it is a database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.oracles.dataset_sources import write_duckdb, write_files, write_sqlite
from tests.support.oracles.feature_frames import Frames
from tests.support.servers import mariadb_server
from tests.support.servers.mariadb_server import MariaDBServer
from tests.support.servers.postgres_server import PostgresServer

FILES = ["parquet", "csv", "csv.gz", "csv.zst", "tsv", "jsonl.gz", "json", "xlsx", "delta"]


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDBServer]:
    """A MariaDB server, started when a test first needs it."""
    with mariadb_server.running() as running:
        yield running


@pytest.fixture
def schema(request: pytest.FixtureRequest) -> str:
    """A schema for the test alone; its name needs quoting."""
    return f"{request.node.name} é"[-40:]


@pytest.fixture(params=[*FILES, "duckdb", "sqlite", "postgresql", "mysql"])
def store(request: pytest.FixtureRequest, tmp_path: Path, schema: str) -> Callable[[Frames], str]:
    """Puts frames into one kind of source and returns what a user would type as DATA."""

    def store(frames: Frames) -> str:
        if request.param == "postgresql":
            server: PostgresServer = request.getfixturevalue("server")
            return server.write(frames, schema)
        if request.param == "mysql":
            mariadb: MariaDBServer = request.getfixturevalue("mariadb")
            return mariadb.write(frames, schema)
        if request.param == "sqlite":
            return str(write_sqlite(frames, tmp_path / "data.sqlite"))
        if request.param == "duckdb":
            return str(write_duckdb(frames, tmp_path / "data.duckdb"))
        return str(write_files(frames, tmp_path / "data", request.param))

    return store
