"""The connection of a caller: HTTP/1.1 as uvicorn speaks it, with bounds to headers, bytes and time."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.config import HTTP_PROTOCOLS
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from ripple.serving.http.app import JSON, MAX_BODY_BYTES
from ripple.serving.http.middleware import MAX_HEAD_BYTES, head_too_large

HEAD_SECONDS = 5.0
"""The time within which the line of a request and its headers have to arrive."""
MAX_REQUEST_BYTES = 4 * MAX_BODY_BYTES
"""The number of bytes of one request after which its connection is closed, in whatever pieces they come."""


class BoundedProtocol(HttpToolsProtocol):
    """Closes a connection whose headers take too much room or time, or whose request does not end."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request."""
        super().connection_made(transport)
        self._received = 0
        self._in_head = False
        self._timer: asyncio.TimerHandle | None = self.loop.call_later(HEAD_SECONDS, self._refuse)

    def data_received(self, data: bytes) -> None:
        """Read a part of a request, or of several."""
        # the part with which a request begins may hold the end of another, and does not count
        self._received += len(data)
        super().data_received(data)
        if self._received > (MAX_HEAD_BYTES if self._in_head else MAX_REQUEST_BYTES):
            self._refuse()
        elif self._in_head and self._timer is None:
            self._timer = self.loop.call_later(HEAD_SECONDS, self._refuse)

    def on_message_begin(self) -> None:
        """Begin to read a request."""
        super().on_message_begin()
        self._received, self._in_head = 0, True

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header, but not a trailer."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Answer the request, whose body may still be to come."""
        self._in_head = False
        self._stop_timer()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._stop_timer()
        super().connection_lost(exc)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _refuse(self) -> None:
        if self.transport.is_closing():
            return
        if self._in_head:
            error = head_too_large()
            body = error.body()
            headers = (JSON, (b"content-length", b"%d" % len(body)), (b"connection", b"close"))
            lines = [b"%s: %s\r\n" % header for header in headers]
            self.transport.write(b"".join([STATUS_LINE[error.status], *lines, b"\r\n", body]))
        self.transport.close()


def use_bounded_protocol() -> None:
    """Have servers of uvicorn in this process use `BoundedProtocol` unless they name another."""
    protocols: dict[str, Any] = HTTP_PROTOCOLS
    protocols["auto"] = f"{__name__}:{BoundedProtocol.__name__}"
