"""What cannot be written in the end is told before any data are read: here there are none to read."""

from __future__ import annotations

import resource
import shutil
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import redis
from typer.testing import CliRunner

from ripple.cli import app
from ripple.cli.preflight import preflight
from ripple.errors import InputError
from ripple.serving.publications.redis_store import RedisStore
from ripple.serving.publications.stores import FolderStore
from tests.support.checkout import ROOT
from tests.support.servers.processes import free_port
from tests.support.servers.redis_server import RedisServer, redis_server

pytestmark = pytest.mark.filterwarnings("ignore")

EARLIER = next((ROOT / "tests/serving/earlier_artifacts/store/publications").iterdir())
"""A publication."""
Refused = Callable[..., str]


@pytest.fixture
def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Refused]:
    """Runs a command in a folder without data, and returns with what message it is refused."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RIPPLE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("BENTOML_HOME", str(tmp_path / "bentoml"))
    (tmp_path / "file").touch()
    (tmp_path / "folder.csv").mkdir()
    before = signal.getsignal(signal.SIGTERM)

    def invoke(*arguments: object) -> str:
        done = CliRunner().invoke(app, [str(argument) for argument in arguments])
        assert isinstance(done.exception, InputError), done.output
        assert done.stdout == ""
        return str(done.exception)

    yield invoke
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize(
    "arguments",
    [
        ("simulate", "file/world"),
        ("init", ".", "--out", "file/ripple.toml"),
        ("features", ".", "--as-of", "2026-01-01", "--out", "folder.csv"),
        ("features", ".", "--as-of", "2026-01-01", "--out", "file/features.parquet"),
        ("label", ".", "--from", "2025-01-01", "--to", "2026-01-01", "--out", "folder.csv"),
        ("score", ".", "--as-of", "2026-01-01", "--out", "folder.csv"),
        ("publish", ".", "--as-of", "2026-01-01", "--to", "file/store"),
        ("report", "--plays", "folder.csv"),
    ],
)
def test_a_file_or_folder_in_the_way_is_told(arguments: tuple[str, ...], refused: Refused) -> None:
    message = refused(*arguments)
    assert "Not a directory" in message or "is a folder" in message


@pytest.mark.parametrize("command", ["train .", "monitor .", "report", "promote", "package", "serve"])
def test_a_home_that_cannot_be_written_is_told(
    command: str, refused: Refused, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RIPPLE_HOME", str(tmp_path / "file/home"))
    monkeypatch.setenv("BENTOML_HOME", str(tmp_path / "file/bentoml"))
    assert "cannot be" in refused(*command.split())


def test_a_log_of_predictions_that_cannot_be_written_is_told(
    refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RIPPLE_SERVE_LOG", "file/log")
    monkeypatch.setenv("RIPPLE_SERVE_LOG_SALT", "salt")
    assert "file/log cannot be written" in refused("serve", "--port", free_port())


def test_a_port_in_use_is_told(refused: Refused, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert refused("serve", "--port", port).startswith(
            f"Nothing can listen on 127.0.0.1, port {port}: Address already in use."
        )
    preflight(address=("127.0.0.1", port))
    assert not (tmp_path / "bentoml").exists()


def test_an_address_of_another_machine_is_told() -> None:
    with pytest.raises(InputError, match="Cannot assign requested address"):
        preflight(address=("192.0.2.1", 3000))


@pytest.fixture
def full_disk() -> Iterator[None]:
    """Meanwhile no file of this process may grow."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("full_disk")
def test_a_disk_that_is_full_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"larger than this process may write .*\. Make room"):
        preflight(tmp_path)
    with pytest.raises(InputError, match="Make room"):
        preflight(store=str(tmp_path / "store"))


def test_a_missing_folder_for_temporary_files_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("tempdir", None), ("_candidate_tempdir_list", lambda: ["/dev/null/none"])):
        monkeypatch.setattr(tempfile, name, value)
    with pytest.raises(InputError, match="Name one by TMPDIR"):
        preflight()


def test_a_folder_with_less_room_than_the_current_publication_takes_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    FolderStore(tmp_path).publish(EARLIER, EARLIER.name)
    preflight(store=str(tmp_path))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(InputError, match=r"has room for 0\.0 MB, and the current publication takes"):
        preflight(store=str(tmp_path))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


def test_a_redis_that_is_away_is_told(refused: Refused) -> None:
    url = f"redis://127.0.0.1:{free_port()}/0"
    assert refused("publish", ".", "--as-of", "2026-01-01", "--to", url).startswith(
        "--to: Redis did not take it (ConnectionError"
    )


def test_a_redis_with_less_room_than_the_current_publication_takes_is_told(server: RedisServer) -> None:
    RedisStore(server.url).publish(EARLIER, EARLIER.name)
    preflight(store=server.url)
    with redis.Redis.from_url(server.url) as client:
        client.set(f"ripple:{EARLIER.name}:more", bytes(10**6))
        used = client.info("memory")["used_memory"]
        try:
            for room, said in ((500_000, "Redis has room for"), (-(10**6), "Redis is full")):
                client.config_set("maxmemory", used + room)
                with pytest.raises(InputError, match=said):
                    preflight(store=server.url)
        finally:
            client.config_set("maxmemory", 0)


def test_a_redis_that_may_only_be_read_is_told(server: RedisServer) -> None:
    with redis.Redis.from_url(server.url) as client:
        client.acl_setuser(
            "reader", enabled=True, nopass=True, keys=["*"], categories=["+@read", "+@connection"]
        )
    with pytest.raises(InputError, match="NoPermissionError"):
        preflight(store=server.url.replace("redis://", "redis://reader:any@"))
