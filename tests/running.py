"""What tests that run real processes share."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

LENIENT = """
[gate]
capture_loss = 1.0
level_factor = 20.0
coverage_loss = 0.8
doubtful_share = 0.98
single_share = 1.0

[model]
trees = 60
learning_rate = 0.1
"""
"""For worlds so small that chance decides how good a model looks: limits of the gate, and few trees."""

Ripple = Callable[..., subprocess.CompletedProcess[str]]


@dataclass(frozen=True)
class TrainedWorld:
    """A dataset, the home of the run that was trained on it, and what `ripple train` printed."""

    data: Path
    home: Path
    printed: str
    progress: str


def free_port() -> int:
    """A port of the loopback interface on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def becomes_ready(server: subprocess.Popen[str], url: str, seconds: float = 120) -> bool:
    """Wait until /readyz answers 200; False if the server ends or takes longer."""
    deadline = time.monotonic() + seconds
    while server.poll() is None and time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/readyz", timeout=2).status_code == 200:
                return True
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    return False
