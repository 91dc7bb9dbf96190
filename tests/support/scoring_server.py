"""The real scoring service for tests: processes of their own, asked over loopback."""

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

from tests.support.processes import becomes_ready

WORKER = "_bentoml_impl.worker.service"
# a machine that does much else starts a process in seconds rather than in tenths of one
PATIENCE = 120.0


class ScoringServer:
    """A service that *process* runs at *url*, and all that it has printed."""

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
        """End it as an operator would; what does not end in time is killed."""
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
        """What it has printed until now."""
        return "".join(self._printed)

    def metric(self, name: str, **labels: str) -> float:
        """A sample of /metrics; 0 if there is none."""
        families = text_string_to_metric_families(self.http.get("/metrics").text)
        samples = (sample for family in families for sample in family.samples)
        return sum(sample.value for sample in samples if (sample.name, sample.labels) == (name, labels))

    def workers(self) -> list[psutil.Process]:
        """The processes that answer."""
        return [
            child for child in psutil.Process(self.process.pid).children(recursive=True) if _answers(child)
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


def _answers(process: psutil.Process) -> bool:
    try:
        return WORKER in process.cmdline()
    except psutil.Error:
        return False
