"""A server runs while it is needed, and no longer."""

from __future__ import annotations

import sys
from pathlib import Path

import httpx
import psutil
import pytest

from benchmarks.endpoint.server_processes import answers, running

COMMAND = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1"]


def test_a_server_is_ready_when_yielded_and_gone_afterwards(tmp_path: Path) -> None:
    with running([*COMMAND, "--directory", tmp_path], answers("/"), tmp_path / "log") as server:
        assert httpx.get(f"http://127.0.0.1:{server.port}/").status_code == 200
        assert psutil.pid_exists(server.process)
    assert not psutil.pid_exists(server.process)
    assert not answers("/")(server.port)


def test_a_server_gets_variables(tmp_path: Path) -> None:
    script = "import os, sys; sys.exit(os.environ['REASON'])"
    with (
        pytest.raises(SystemExit, match="full moon"),
        running([sys.executable, "-c", script], answers("/"), tmp_path / "log", {"REASON": "full moon"}),
    ):
        raise AssertionError


def test_only_200_is_an_answer(tmp_path: Path) -> None:
    with running([*COMMAND, "--directory", tmp_path], answers("/"), tmp_path / "log") as server:
        assert not answers("/nothing")(server.port)
