"""ASGI middleware that validates path, method, API key and size of requests, and limits concurrency."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from typing import Any

from ripple.serving.errors import RequestError, unavailable
from ripple.serving.http.app import (
    CUSTOMER,
    JSON,
    MAX_BODY_BYTES,
    METHODS,
    Receive,
    Scope,
    Send,
    body_too_large,
    respond,
    validate_method,
)
from ripple.serving.prometheus import ServiceMetrics

HEALTH = ("/livez", "/readyz", "/healthz")
ASSETS = ("/static_content/swagger-ui.css", "/static_content/swagger-ui-bundle.js")
REDIRECTED = {"/": b"/v1/docs", "/docs.json": b"/v1/openapi.json"}


class AdmissionMiddleware:
    """Admits requests to the application *app* of BentoML, or answers them itself.

    Args:
        keys: SHA-256 hashes of the API keys; if there are none, everybody is admitted.
        max_concurrency: Number of requests that *app* answers at a time; further ones get 503.
    """

    def __init__(self, app: Any, metrics: ServiceMetrics, keys: Sequence[str], max_concurrency: int) -> None:
        self.app = app
        self.metrics = metrics
        self.keys = [bytes.fromhex(key) for key in keys]
        self.max_concurrency = max_concurrency
        self.concurrency = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on, or answer it."""
        path = scope.get("path", "")
        if scope["type"] == "websocket":
            await send({"type": "websocket.close"})
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            self._validate(scope, path)
        except RequestError as error:
            self.metrics.count_error(error.code)
            await respond(send, error.status, error.body(), [JSON, *error.headers])
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
                self.metrics.exposition(),
                [(b"content-type", b"text/plain; version=0.0.4; charset=utf-8")],
            )
            return
        self.concurrency += 1
        try:
            await self.app(scope, receive, _TimeoutErrors(send, self.metrics))
        finally:
            self.concurrency -= 1

    def _validate(self, scope: Scope, path: str) -> None:
        if path in HEALTH:
            validate_method(path, "GET", scope["method"])
            return
        headers = dict(scope["headers"])
        if self.keys:
            self._validate_key(headers.get(b"authorization", b""))
        if "\n" in path:
            # the router does not match line breaks, and would answer with an error of its own
            message, hint = "No path has a line break.", "Send an id that has one to POST /v1/score."
            raise RequestError(404, "unknown_path", message, "path", hint)
        if path in ASSETS or path in REDIRECTED or path == "/metrics":
            validate_method(path, "GET", scope["method"])
        elif not path.startswith(CUSTOMER) and path not in METHODS:
            validate_method(path, None, scope["method"])
        length = headers.get(b"content-length", b"")
        if length.isdigit() and int(length) > MAX_BODY_BYTES:
            raise body_too_large()
        if self.concurrency >= self.max_concurrency:
            raise unavailable(
                "overloaded", f"{self.concurrency} requests are being answered.", "Try again in a moment."
            )

    def _validate_key(self, authorization: bytes) -> None:
        scheme, _, key = authorization.partition(b" ")
        digest = hashlib.sha256(key.strip()).digest()
        # all are compared, so that the time reveals nothing about them
        matches = [hmac.compare_digest(digest, known) for known in self.keys]
        if scheme.lower() != b"bearer" or not any(matches):
            raise RequestError(
                401,
                "unauthorized",
                "The API key is missing or not known.",
                "authorization",
                "Send the header authorization: Bearer KEY.",
                www_authenticate="Bearer",
            )


class _TimeoutErrors:
    """Replaces BentoML's answer to a request that timed out by one in the form of every other error."""

    def __init__(self, send: Send, metrics: ServiceMetrics) -> None:
        self._send = send
        self._metrics = metrics
        self._timed_out = False

    async def __call__(self, message: Any) -> None:
        if message["type"] == "http.response.start" and message["status"] == 504:
            self._timed_out = True
            error = RequestError(
                504,
                "too_slow",
                "The request took too long.",
                "service",
                "Send fewer customers, or try again.",
            )
            self._metrics.count_error(error.code)
            await respond(self._send, 504, error.body(), [JSON])
        elif not self._timed_out:
            await self._send(message)
