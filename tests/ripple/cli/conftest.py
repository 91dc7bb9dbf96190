"""The trained world, served once for the tests of the folder."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.support.servers.processes import Served, TrainedWorld, becomes_ready, free_port


@pytest.fixture(scope="session")
def served(
    executable: Path, trained_world: TrainedWorld, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """`ripple serve`, which follows an empty store."""
    store, port = tmp_path_factory.mktemp("served") / "store", free_port()
    url = f"http://127.0.0.1:{port}"
    server = subprocess.Popen(
        [executable, "serve", "--port", str(port), "--store", store],
        env=os.environ | {"RIPPLE_HOME": str(trained_world.home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert becomes_ready(server, url)
        yield Served(psutil.Process(server.pid), url, store)
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(timeout=30)
