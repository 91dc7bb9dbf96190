"""ASGI middleware that validates path, method, API key and size of requests, and limits concurrency.

It also gives every request its id, and writes the access log.
"""

from __future__ import annotations

import logging
import random
import re
from collections.abc import MutableMapping, Sequence
from time import perf_counter
from typing import Any

from starlette.middleware.cors import CORSMiddleware

from ripple.serving.errors import RequestError, shorten, unavailable
from ripple.serving.http.app import (
    CUSTOMER,
    EXPERIMENT_START,
    EXPORT,
    JSON,
    MAX_BODY_BYTES,
    METHODS,
    Receive,
    Scope,
    Send,
    body_too_large,
    respond,
    route_of,
    validate_method,
)
from ripple.serving.http.audit import AuditLog
from ripple.serving.http.keys import Key, Keys
from ripple.serving.prometheus import ServiceMetrics

HEALTH = ("/livez", "/readyz", "/healthz")
ASSETS = ("/static_content/swagger-ui.css", "/static_content/swagger-ui-bundle.js")
REDIRECTED = {"/": b"/v1/docs", "/docs.json": b"/v1/openapi.json"}
DOCUMENTATION = frozenset({*ASSETS, *REDIRECTED, "/v1/docs", "/v1/openapi.json"})

MAX_HEAD_BYTES = 2**15
"""The size of the line of a request and its headers, at most."""
MAX_HEADERS = 100
"""The number of headers of a request, at most."""
REQUEST_ID = re.compile(rb"[!-~]{1,128}")
"""The ids of requests that are taken from callers: what a line of a log can hold."""

logger = logging.getLogger("bentoml.ripple")


class AdmissionMiddleware:
    """Admits requests to the application *app* of BentoML, or answers them itself.

    Args:
        keys: The API keys, as in the options; if there are none, everybody is admitted.
        max_concurrency: Number of requests that *app* answers at a time; further ones get 503.
        public_docs: Whether the documentation of the API needs no key.
        access_log: Whether a line is logged for every request.
        audit: The audit log, if there is to be one.
        exports: The application that answers exports, which take longer than *app* lets a request take.
    """

    def __init__(
        self,
        app: Any,
        metrics: ServiceMetrics,
        keys: Sequence[str],
        max_concurrency: int,
        public_docs: bool = False,
        access_log: bool = False,
        exports: Any = None,
        audit: AuditLog | None = None,
    ) -> None:
        self.exports = app if exports is None else exports
        self.app = app
        self.metrics = metrics
        self.keys = Keys(keys) if keys else None
        self.audit = audit
        self.max_concurrency = max_concurrency
        self.public_docs = public_docs
        self.access_log = access_log
        self.concurrency = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on, or answer it."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close"})
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = perf_counter()
        headers = dict(scope["headers"])
        scope["header"] = headers
        scope["ripple.request_id"] = request_id = _request_id(headers.get(b"x-request-id"))
        answer = _Answer(send, self.metrics, request_id)
        key = None
        if self.keys is not None and scope["path"] not in HEALTH:
            key = self.keys.holder(headers.get(b"authorization", b""))
        try:
            await self._answer(scope, headers, key, receive, answer)
        finally:
            if self.audit is not None and scope["path"] not in HEALTH:
                name = None if key is None else key.name
                method, route = shorten(scope["method"]), known_route(scope)
                self.audit.append(name, method, route, answer.status, request_id)
        if self.access_log:
            logger.info(
                "%s %s %d %.1f ms, request %s",
                shorten(scope["method"]),
                known_route(scope),
                answer.status,
                1e3 * (perf_counter() - started),
                answer.request_id,
            )

    async def _answer(
        self,
        scope: Scope,
        headers: dict[bytes, bytes],
        key: Key | None,
        receive: Receive,
        send: _Answer,
    ) -> None:
        path = scope["path"]
        try:
            self._validate(scope, headers, key, path)
        except RequestError as error:
            self.metrics.count_error(error.code)
            await respond(send, error.status, error.body(send.request_id), [JSON, *error.headers])
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
            await (self.exports if path == EXPORT else self.app)(scope, receive, send)
        finally:
            self.concurrency -= 1

    def _validate(self, scope: Scope, headers: dict[bytes, bytes], key: Key | None, path: str) -> None:
        size = len(scope["raw_path"]) + len(scope["query_string"])
        size += sum(map(len, map(b"".join, scope["headers"])))
        if size > MAX_HEAD_BYTES or len(scope["headers"]) > MAX_HEADERS:
            raise head_too_large()
        if path in HEALTH:
            validate_method(path, "GET", scope["method"])
            return
        documents = path in DOCUMENTATION
        if self.keys is not None and not (self.public_docs and documents):
            self.keys.admit(key, path, documents)
        if "\n" in path:
            # the router does not match line breaks, and would answer with an error of its own
            message, hint = "No path has a line break.", "Send an id that has one to POST /v1/score."
            raise RequestError(404, "unknown_path", message, "path", hint)
        if path in ASSETS or path in REDIRECTED or path == "/metrics":
            validate_method(path, "GET", scope["method"])
        elif not path.startswith((CUSTOMER, EXPERIMENT_START)) and path not in METHODS:
            validate_method(path, None, scope["method"])
        length = headers.get(b"content-length", b"")
        if length.isdigit() and int(length) > MAX_BODY_BYTES:
            raise body_too_large()
        if self.concurrency >= self.max_concurrency:
            raise unavailable(
                "overloaded", f"{self.concurrency} requests are being answered.", "Try again in a moment."
            )


class _Answer:
    """Sends the answer to a request with the request's id.

    BentoML's answer to a request that timed out is replaced by one in the form of every other error.

    Attributes:
        status: HTTP status of what was sent.
    """

    def __init__(self, send: Send, metrics: ServiceMetrics, request_id: str) -> None:
        self.request_id = request_id
        self.status = 0
        self._send = send
        self._metrics = metrics
        self._timed_out = False

    async def __call__(self, message: MutableMapping[str, Any]) -> None:
        if self._timed_out:
            return
        if message["type"] == "http.response.start":
            self.status = message["status"]
            if self.status == 504:
                self._timed_out = True
                await self._send_timeout()
                return
            message["headers"] = [*message["headers"], (b"x-request-id", self.request_id.encode())]
        await self._send(message)

    async def _send_timeout(self) -> None:
        message, hint = "The request took too long.", "Send fewer customers, or try again."
        error = RequestError(504, "too_slow", message, "service", hint)
        self._metrics.count_error(error.code)
        headers = [JSON, (b"x-request-id", self.request_id.encode())]
        await respond(self._send, error.status, error.body(self.request_id), headers)


def with_cors(app: Any, origins: Sequence[str]) -> CORSMiddleware:
    """*app*, with permission for pages from *origins* to call it from a browser, and to read its errors."""
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=["GET", "POST"],
        allow_headers=["authorization", "content-type", "if-none-match", "x-request-id"],
        expose_headers=["etag", "retry-after", "x-request-id"],
    )


def head_too_large() -> RequestError:
    """The error of a request with more headers than `MAX_HEADERS`, or a head larger than `MAX_HEAD_BYTES`."""
    return RequestError(
        431,
        "head_too_large",
        f"Path and headers are larger than {MAX_HEAD_BYTES // 2**10} kB, or more than {MAX_HEADERS}.",
        "headers",
        "Send fewer and shorter headers, or ids by POST /v1/score.",
    )


def _request_id(sent: bytes | None) -> str:
    return sent.decode() if sent and REQUEST_ID.fullmatch(sent) else f"{random.getrandbits(128):032x}"


def known_route(scope: Scope) -> str:
    """The route of a request, without what a caller can make up."""
    route = route_of(scope)
    return route if route in (CUSTOMER, *METHODS, *HEALTH, *DOCUMENTATION, "/metrics") else "unknown"
