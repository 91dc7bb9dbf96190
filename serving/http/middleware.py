"""What stands before everything else the server answers: paths, keys, sizes, and how many at once."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from typing import Any

from ripple.serving.errors import RequestError, unavailable
from ripple.serving.http.app import (
    CUSTOMER,
    JSON,
    METHODS,
    MOST_BYTES,
    Receive,
    Scope,
    Send,
    refuse_method,
    respond,
    too_large,
)
from ripple.serving.prometheus import Measures

HEALTH = ("/livez", "/readyz", "/healthz")
ASSETS = ("/static_content/swagger-ui.css", "/static_content/swagger-ui-bundle.js")
REDIRECTED = {"/": b"/v1/docs", "/docs.json": b"/v1/openapi.json"}


class Guard:
    """Wraps the application that BentoML makes; what it refuses never gets there."""

    def __init__(self, app: Any, measures: Measures, keys: Sequence[str], most_at_once: int) -> None:
        self.app = app
        self.measures = measures
        self.keys = [bytes.fromhex(key) for key in keys]
        self.most_at_once = most_at_once
        self.at_once = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, refuse or pass on one request."""
        path = scope.get("path", "")
        if scope["type"] == "websocket":
            await send({"type": "websocket.close"})
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            self._check(scope, path)
        except RequestError as error:
            self.measures.refused(error.code)
            await respond(send, error.status, error.body(), [JSON, *error.fields])
            return
        if path in HEALTH:
            await self.app(scope, receive, send)
            return
        if path in REDIRECTED:
            await respond(send, 307, b"", [(b"location", REDIRECTED[path])])
            return
        if path == "/metrics":
            await respond(
                send,
                200,
                self.measures.exposition(),
                [(b"content-type", b"text/plain; version=0.0.4; charset=utf-8")],
            )
            return
        self.at_once += 1
        try:
            await self.app(scope, receive, _InTime(send, self.measures))
        finally:
            self.at_once -= 1

    def _check(self, scope: Scope, path: str) -> None:
        if path in HEALTH:
            refuse_method(path, "GET", scope["method"])
            return
        headers = dict(scope["headers"])
        if self.keys:
            self._refuse_stranger(headers.get(b"authorization", b""))
        if "\n" in path:
            # the router takes no line break for a part of a path, and would answer in its own words
            found, hint = "No path has a line break.", "Send an id that has one to POST /v1/score."
            raise RequestError(404, "unknown_path", found, "path", hint)
        if path in ASSETS or path in REDIRECTED or path == "/metrics":
            refuse_method(path, "GET", scope["method"])
        elif not path.startswith(CUSTOMER) and path not in METHODS:
            refuse_method(path, None, scope["method"])
        length = headers.get(b"content-length", b"")
        if length.isdigit() and int(length) > MOST_BYTES:
            raise too_large()
        if self.at_once >= self.most_at_once:
            raise unavailable(
                "overloaded", f"{self.at_once} requests are being answered.", "Try again in a moment."
            )

    def _refuse_stranger(self, given: bytes) -> None:
        scheme, _, key = given.partition(b" ")
        hashed = hashlib.sha256(key.strip()).digest()
        # all are compared, so that the time tells nothing about them
        known = [hmac.compare_digest(hashed, own) for own in self.keys]
        if scheme.lower() != b"bearer" or not any(known):
            raise RequestError(
                401,
                "unauthorized",
                "The API key is missing or not known.",
                "authorization",
                "Send the header authorization: Bearer KEY.",
                www_authenticate="Bearer",
            )


class _InTime:
    """Gives BentoML's answer to a request that took too long the shape of every error."""

    def __init__(self, send: Send, measures: Measures) -> None:
        self._send = send
        self._measures = measures
        self._late = False

    async def __call__(self, message: Any) -> None:
        if message["type"] == "http.response.start" and message["status"] == 504:
            self._late = True
            error = RequestError(
                504,
                "too_slow",
                "The request took too long.",
                "service",
                "Send fewer customers, or try again.",
            )
            self._measures.refused(error.code)
            await respond(self._send, 504, error.body(), [JSON])
        elif not self._late:
            await self._send(message)
