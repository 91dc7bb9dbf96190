"""How a worker is left: the server ends only once proxies send requests elsewhere."""

from __future__ import annotations

import asyncio
import signal
from types import FrameType
from typing import Any

import uvicorn

from ripple.serving.http.app import Receive, Scope, Send


class Draining:
    """The time between SIGTERM and the end of a worker, in which it answers and closes each connection.

    A server that ends at once resets the connections on which a request has just been sent.

    Args:
        seconds: Length of that time; at 0, the server ends at once.

    Attributes:
        is_under_way: Whether SIGTERM came. A worker is not ready from then on.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.is_under_way = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: uvicorn.Server | None = None

    def start(self, keep_alive_seconds: int) -> None:
        """Drain at SIGTERM from now on; to be called where uvicorn starts the application.

        Args:
            keep_alive_seconds: Time for which the server keeps a connection that is idle.

        Raises:
            RuntimeError: uvicorn does not handle SIGTERM in this process.
        """
        self._server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
        if not isinstance(self._server, uvicorn.Server):
            raise RuntimeError("uvicorn does not handle SIGTERM in this process")
        # BentoML's own option of this name is one of its command line alone
        self._server.config.timeout_keep_alive = keep_alive_seconds
        self._loop = asyncio.get_running_loop()
        if self.seconds:
            signal.signal(signal.SIGTERM, self._begin)

    def _begin(self, number: int, frame: FrameType | None) -> None:
        assert self._loop is not None
        assert self._server is not None
        if self.is_under_way:
            self._server.handle_exit(number, frame)
            return
        self.is_under_way = True
        self._loop.call_soon_threadsafe(
            self._loop.call_later, self.seconds, self._server.handle_exit, number, None
        )


class DrainingMiddleware:
    """ASGI middleware that closes each connection after its answer while *draining* is under way."""

    def __init__(self, app: Any, draining: Draining) -> None:
        self.app = app
        self.draining = draining

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on."""

        async def close_after(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = message | {"headers": [*message["headers"], (b"connection", b"close")]}
            await send(message)

        await self.app(scope, receive, close_after if self.draining.is_under_way else send)
