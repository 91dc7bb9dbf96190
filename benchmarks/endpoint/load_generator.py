"""A load generator for HTTP on the loopback interface.

Each connection is kept alive and sends one request after another, the next as soon as the answer is there.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import psutil
import uvloop

OK, UNAVAILABLE = 200, 503
LOST = 0
"""The status counted for a request whose connection ended before the answer was there."""


@dataclass(frozen=True)
class LoadResult:
    """What the requests of a load came to.

    Attributes:
        statuses: the number of answers by status.
        shed: the number of requests answered by 503 with Retry-After.
        cpu_us: microseconds of CPU of the server's processes, user and system, an answer.
        per_s: answers a second.
        p50_ms, p99_ms: quantiles of the time to an answer of status 200, in ms; NaN if there was none.
    """

    statuses: Counter[int]
    shed: int
    cpu_us: float
    per_s: float
    p50_ms: float
    p99_ms: float

    @property
    def errors(self) -> int:
        """The number of requests neither answered by 200 nor shed."""
        return self.statuses.total() - self.statuses[OK] - self.shed


class _Connection(asyncio.Protocol):
    def __init__(self, requests: Iterator[bytes]) -> None:
        loop = asyncio.get_running_loop()
        self.accepted: asyncio.Future[None] = loop.create_future()
        self.done: asyncio.Future[None] = loop.create_future()
        self.statuses: Counter[int] = Counter()
        self.shed = 0
        self.seconds: list[float] = []
        self.until = 0.0
        self._requests = requests
        self._buffer = b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        transport.write(request("/livez"))

    def begin(self, until: float) -> None:
        self.until = until
        self._send()

    def _send(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(next(self._requests))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, blank, body = self._buffer.partition(b"\r\n\r\n")
        if not blank:
            return
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        if len(body) < int(fields[b"content-length"]):
            return
        now, self._buffer = time.perf_counter(), b""
        if not self.accepted.done():
            self.accepted.set_result(None)
            return
        status = int(head[9:12])
        self.statuses[status] += 1
        self.shed += status == UNAVAILABLE and b"retry-after" in fields
        if status == OK:
            self.seconds.append(now - self._sent)
        if now < self.until:
            self._send()
        else:
            self.done.set_result(None)
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.accepted.done():
            self.accepted.set_result(None)
        if not self.done.done():
            self.statuses[LOST] += 1
            self.done.set_result(None)


def request(path: str, body: object = None) -> bytes:
    """An HTTP request: POST of *body* as JSON, or GET."""
    if body is None:
        return f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n".encode()
    text = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: "
    return f"{head}{len(text)}\r\n\r\n".encode() + text


def load(port: int, server: int, requests: Sequence[bytes], connections: int, seconds: float) -> LoadResult:
    """Load the server on *port*, whose parent process is *server*, for so many seconds.

    Args:
        requests: whole HTTP requests, sent in turn, whichever connection is free.
    """
    return uvloop.run(_load(port, server, requests, connections, seconds))


async def _load(
    port: int, server: int, requests: Sequence[bytes], connections: int, seconds: float
) -> LoadResult:
    loop, turns = asyncio.get_running_loop(), itertools.cycle(requests)
    open_connections = [
        (await loop.create_connection(lambda: _Connection(turns), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    # a busy server lets connections wait before it accepts them: what that costs is no request's
    await asyncio.gather(*(one.accepted for one in open_connections))
    cpu, started = process_tree_cpu_seconds(server), time.perf_counter()
    for one in open_connections:
        one.begin(started + seconds)
    await asyncio.gather(*(one.done for one in open_connections))
    elapsed = time.perf_counter() - started
    statuses = sum((one.statuses for one in open_connections), Counter[int]())
    milliseconds = [1e3 * second for one in open_connections for second in one.seconds] or [np.nan]
    p50, p99 = np.quantile(milliseconds, (0.5, 0.99)).tolist()
    return LoadResult(
        statuses,
        sum(one.shed for one in open_connections),
        1e6 * (process_tree_cpu_seconds(server) - cpu) / statuses.total(),
        statuses.total() / elapsed,
        p50,
        p99,
    )


def process_tree_cpu_seconds(process: int) -> float:
    """CPU seconds, user and system, of a process and all its living descendants."""
    parent = psutil.Process(process)
    return sum(sum(one.cpu_times()[:2]) for one in (parent, *parent.children(recursive=True)))
