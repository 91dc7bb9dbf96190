"""The real scoring service for tests, in subprocesses, over the loopback interface."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from threading import Thread

import httpx
import psutil
from prometheus_client.parser import text_string_to_metric_families

from tests.support.servers.processes import becomes_ready

WORKER = "_bentoml_impl.worker.service"
PATIENCE = 120.0
"""The seconds within which a process starts or ends, even on a busy machine."""


class ScoringServer:
    """A service that *process* runs at *url*, with its output and an HTTP client."""

    def __init__(self, process: subprocess.Popen[str], url: str, key: str | None = None) -> None:
        self.process = process
        self.url = url
        headers = {} if key is None else {"authorization": f"Bearer {key}"}
        self.http = httpx.Client(base_url=url, headers=headers, timeout=30)
        self._printed: list[str] = []
        self._reader = Thread(target=self._read)

    def __enter__(self) -> ScoringServer:
        self._reader.start()
        if not becomes_ready(self.process, self.url, 2 * PATIENCE):
            self.stop()
            raise AssertionError(self.printed())
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        assert self.process.returncode == 0, self.printed()

    def stop(self) -> None:
        """Terminate the process, and kill it if it does not end in time."""
        self.http.close()
        self.process.terminate()
        try:
            self.process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def printed(self) -> str:
        """The output so far."""
        return "".join(self._printed)

    def metric(self, name: str, **labels: str) -> float:
        """A sample of /metrics; 0 if there is none."""
        families = text_string_to_metric_families(self.http.get("/metrics").text)
        samples = (sample for family in families for sample in family.samples)
        return sum(sample.value for sample in samples if (sample.name, sample.labels) == (name, labels))

    def workers(self) -> list[psutil.Process]:
        """The worker processes."""
        return [
            child for child in psutil.Process(self.process.pid).children(recursive=True) if _is_worker(child)
        ]

    def _read(self) -> None:
        assert self.process.stdout is not None
        self._printed.extend(iter(self.process.stdout.readline, ""))


def eventually(holds: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Wait until *holds*."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _is_worker(process: psutil.Process) -> bool:
    try:
        return WORKER in process.cmdline()
    except psutil.Error:
        return False
