"""Each kind of source, with a schema of its own where it is a database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.support.oracles.dataset_sources import write_duckdb, write_files, write_sqlite
from tests.support.oracles.feature_frames import Frames
from tests.support.servers import mariadb_server
from tests.support.servers import s3_server as s3_servers
from tests.support.servers.mariadb_server import MariaDBServer
from tests.support.servers.postgres_server import PostgresServer
from tests.support.servers.s3_server import CREDENTIALS, S3Server

FILES = ["parquet", "csv", "csv.gz", "csv.zst", "tsv", "jsonl.gz", "json", "xlsx", "delta"]


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDBServer]:
    """A MariaDB server, started when a test first needs it."""
    with mariadb_server.running() as running:
        yield running


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """An S3 server, started when a test first needs it."""
    with s3_servers.running() as running:
        yield running


@pytest.fixture
def s3(s3_server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """The server, with credentials in the environment and a home where copies go."""
    for name, value in {**CREDENTIALS, "RIPPLE_HOME": str(tmp_path / "home")}.items():
        monkeypatch.setenv(name, value)
    return s3_server


@pytest.fixture
def schema(request: pytest.FixtureRequest) -> str:
    """A schema for the test alone; its name needs quoting."""
    return f"{request.node.name} é"[-40:]


@pytest.fixture(params=[*FILES, "duckdb", "sqlite", "postgresql", "mysql", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path, schema: str) -> Callable[[Frames], str]:
    """Puts frames into one kind of source and returns what a user would type as DATA."""

    def store(frames: Frames) -> str:
        if request.param == "postgresql":
            server: PostgresServer = request.getfixturevalue("server")
            return server.write(frames, schema)
        if request.param == "mysql":
            mariadb: MariaDBServer = request.getfixturevalue("mariadb")
            return mariadb.write(frames, schema)
        if request.param == "s3":
            s3: S3Server = request.getfixturevalue("s3")
            path = f"{uuid4()}/exports/today"
            s3.write(write_files(frames, tmp_path / "data", "parquet"), path)
            return s3.url(path)
        if request.param == "sqlite":
            return str(write_sqlite(frames, tmp_path / "data.sqlite"))
        if request.param == "duckdb":
            return str(write_duckdb(frames, tmp_path / "data.duckdb"))
        return str(write_files(frames, tmp_path / "data", request.param))

    return store
