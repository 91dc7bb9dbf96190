"""Servers on the loopback interface, for as long as a benchmark needs them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

PROGRAMS = Path(sys.executable).parent
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "BENTOML_DO_NOT_TRACK": "True",
    # where `mlflow models serve` looks for its server
    "PATH": f"{PROGRAMS}:{os.environ['PATH']}",
}


@dataclass(frozen=True)
class Server:
    """A server that runs; *process* is the first of its processes."""

    port: int
    process: int


@contextmanager
def running(
    command: Sequence[object], ready: Callable[[int], bool], log: Path, **env: str
) -> Iterator[Server]:
    """Yield a server that *command* starts, with its port as last word, once it is *ready* on that port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with log.open("w") as out:
        process = subprocess.Popen(
            [*map(str, command), str(port)],
            env=os.environ | ENVIRONMENT | env,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        while not ready(port):
            if process.poll() is not None:
                raise SystemExit(f"{command[0]} ended:\n{log.read_text()}")
            time.sleep(0.05)
        yield Server(port, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(20)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def answers(path: str) -> Callable[[int], bool]:
    """Whether an HTTP server on a port answers *path* with 200."""

    def asked(port: int) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{port}{path}", timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    return asked


def bento(service: str, log: Path, programs: Path = PROGRAMS, **env: str) -> AbstractContextManager[Server]:
    """A service of BentoML, found in this folder or in its store, by an environment's *programs*."""
    command = [programs / "bentoml", "serve", service, "--host", "127.0.0.1", "--working-dir"]
    command += [Path(__file__).parent, "--port"]
    return running(command, answers("/readyz"), log, RIPPLE_SERVE_HOST="127.0.0.1", **env)
