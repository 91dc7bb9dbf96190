"""Servers on the loopback interface, for as long as a benchmark needs them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import MappingProxyType

import httpx

PROGRAMS = Path(sys.executable).parent
CHECKOUT = Path(__file__).parents[2]
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "BENTOML_DO_NOT_TRACK": "True",
    # where `mlflow models serve` looks for its server
    "PATH": f"{PROGRAMS}:{os.environ['PATH']}",
}


@dataclass(frozen=True)
class Server:
    """A running server: its port, and the id of its parent process."""

    port: int
    process: int


@contextmanager
def running(
    command: Sequence[object],
    ready: Callable[[int], bool],
    log: Path,
    env: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Server]:
    """Yield a server that *command* starts, with its port as last word, once it is *ready* on that port.

    Raises:
        SystemExit: the command ended before that.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with log.open("w") as out:
        process = subprocess.Popen(
            [*map(str, command), str(port)],
            env={**os.environ, **ENVIRONMENT, **env},
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
    """A function of a port: whether an HTTP server there answers *path* with 200."""

    def ready(port: int) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{port}{path}", timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    return ready


def bento(
    service: str, log: Path, programs: Path = PROGRAMS, env: Mapping[str, str] = MappingProxyType({})
) -> AbstractContextManager[Server]:
    """A service of BentoML, from a module of the checkout or its store, by an environment's *programs*."""
    command = [programs / "bentoml", "serve", service, "--host", "127.0.0.1", "--working-dir"]
    return running(
        [*command, CHECKOUT, "--port"], answers("/readyz"), log, {"RIPPLE_SERVE_HOST": "127.0.0.1", **env}
    )


@contextmanager
def collector() -> Iterator[int]:
    """The port of a collector of spans that throws them away."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Discarding) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


class _Discarding(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass
