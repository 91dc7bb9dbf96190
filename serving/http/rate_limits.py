"""Limits of requests a second, which all workers of a machine keep together.

The generic cell rate algorithm (ITU-T I.371): each limit has the time at which its next request would arrive
if they came evenly. Requests of one second may come at once. The times are in a file that workers share.
"""

from __future__ import annotations

import fcntl
import hashlib
import mmap
import os
import time
from collections.abc import Sequence
from pathlib import Path
from struct import Struct

TIME = Struct("d")
"""How a time is kept: in seconds of the system's monotonic clock, which all processes share."""
SHARED = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable with the folder that workers of one service share."""


class RateLimits:
    """Limits of *rates* requests a second each; None limits nothing."""

    def __init__(self, rates: Sequence[float | None]) -> None:
        self._rates = list(rates)
        self._file: int | None = None
        size = max(1, len(rates)) * TIME.size
        if SHARED in os.environ and any(rates):
            name = hashlib.sha256(repr(self._rates).encode()).hexdigest()[:16]
            path = Path(os.environ[SHARED]) / f"rate-limits-{name}"
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            os.ftruncate(self._file, size)
            self._times: mmap.mmap | bytearray = mmap.mmap(self._file, size)
        else:
            self._times = bytearray(size)

    def wait(self, place: int, now: float | None = None) -> float:
        """Count a request under a limit, or tell for how many seconds it has to wait; 0 if it need not.

        Args:
            now: The time in seconds; that of the system's monotonic clock if left out.
        """
        rate = self._rates[place]
        if rate is None:
            return 0.0
        if self._file is not None:
            fcntl.lockf(self._file, fcntl.LOCK_EX, TIME.size, place * TIME.size)
        try:
            return self._wait(place, rate, time.monotonic() if now is None else now)
        finally:
            if self._file is not None:
                fcntl.lockf(self._file, fcntl.LOCK_UN, TIME.size, place * TIME.size)

    def _wait(self, place: int, rate: float, now: float) -> float:
        step = 1 / rate
        burst = max(step, 1.0)
        (due,) = TIME.unpack_from(self._times, place * TIME.size)
        # a time that no request can have set is of before the machine was started anew
        due = now if due > now + burst + step else max(due, now)
        if (early := due + step - burst - now) > 1e-9:
            return float(early)
        TIME.pack_into(self._times, place * TIME.size, due + step)
        return 0.0
