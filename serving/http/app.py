"""The routes under /v1 as a bare ASGI application, which BentoML mounts: an HTTP request in, JSON out.

A router and request objects of a framework would cost more than the look-up of a customer does.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import msgspec

from ripple.serving.errors import RequestError, StoreUnavailable, parse, parse_query, shorten, unavailable
from ripple.serving.http.openapi import PAGE, document
from ripple.serving.prometheus import Measures
from ripple.serving.schemas import CustomerRequest, TopRequest

if TYPE_CHECKING:
    from ripple.serving.scorer import Answer, Scorer

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

MOST_BYTES = 5 * 2**20
LONG = 2**18
"""Bytes of a body that takes milliseconds to read, for which the event loop must not stand still."""

JSON = (b"content-type", b"application/json")
HTML = (b"content-type", b"text/html; charset=utf-8")
CUSTOMER = "/v1/customers/"
METHODS = {
    "/v1/score": "POST",
    "/v1/top": "GET",
    "/v1/model": "GET",
    "/v1/openapi.json": "GET",
    "/v1/docs": "GET",
}

logger = logging.getLogger("bentoml.ripple")


class Api:
    """Answers requests with a scorer that can be exchanged while it serves."""

    def __init__(self, measures: Measures) -> None:
        self.measures = measures
        self.scorer: Scorer | None = None
        self.note: Callable[[Answer], None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        started = perf_counter()
        path = scope["path"]
        route = CUSTOMER if path.startswith(CUSTOMER) else path
        headers: list[tuple[bytes, bytes]] = [JSON]
        try:
            status, content = 200, await self._answer(route, scope, receive)
            if route == "/v1/docs":
                headers = [HTML]
        except RequestError as error:
            status, content = error.status, error.body()
            headers += error.fields
            self.measures.refused(error.code)
        except Exception as error:
            # without its message, which may quote what was sent
            where = "".join(traceback.format_tb(error.__traceback__))
            logger.error("Answering %s failed by %s:\n%s", route, type(error).__name__, where)
            failed = RequestError(500, "failed", "Scoring failed.", "service", "See the service's log.")
            status, content = 500, failed.body()
            self.measures.refused("failed")
        await respond(send, status, content, headers)
        known = route in METHODS or route == CUSTOMER
        self.measures.answered(route if known else "unknown", status, perf_counter() - started)

    async def _answer(self, route: str, scope: Scope, receive: Receive) -> bytes:
        refuse_method(route, METHODS.get(route) or ("GET" if route == CUSTOMER else None), scope["method"])
        if route == "/v1/docs":
            return PAGE
        if route == "/v1/openapi.json":
            return document()
        scorer = self.scorer
        if scorer is None:
            raise unavailable("not_ready", "There is no model to serve yet.", "Try again in a moment.")
        try:
            answer = await self._with(scorer, route, scope, receive)
        except StoreUnavailable as error:
            raise unavailable(
                "store_unavailable",
                f"Customers cannot be looked up now: {error}",
                "Try again in a moment, or send all features.",
            ) from error
        if scorer.inexact:
            # taken, so that of requests that run at once only one counts them
            number, scorer.inexact = scorer.inexact, 0
            self.measures.inexact(number)
        return msgspec.json.encode(answer)

    async def _with(self, scorer: Scorer, route: str, scope: Scope, receive: Receive) -> Answer:
        if route == "/v1/score":
            refuse_type(scope)
            body = await read_body(receive)
            request = parse(body) if len(body) < LONG else await asyncio.to_thread(parse, body)
            answer = await scorer.score(request)
            self._count(scorer, answer)
            return answer
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        if route == "/v1/top":
            return await scorer.top(parse_query(TopRequest, query))
        if route == "/v1/model":
            return scorer.model()
        wanted = parse_query(CustomerRequest, query)
        answer = await scorer.customer(scope["path"][len(CUSTOMER) :], wanted.explain)
        self._count(scorer, answer | {"customers": [answer["customer"]]})
        return answer

    def _count(self, scorer: Scorer, answer: Answer) -> None:
        self.measures.scored(scorer, answer["customers"])
        if self.note is not None:
            self.note(answer)


async def respond(send: Send, status: int, body: bytes, headers: Sequence[tuple[bytes, bytes]]) -> None:
    """Send a whole answer; its length is added to *headers*."""
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})


def refuse_method(path: str, allowed: str | None, method: str) -> None:
    """Raise RequestError unless *allowed* is *method*; None means that there is no such path."""
    if allowed is None:
        raise RequestError(
            404, "unknown_path", f"There is no {shorten(path)} here.", "path", "See the paths at /docs.json."
        )
    if method != allowed and not (method == "HEAD" and allowed == "GET"):
        found = f"{path} does not answer {shorten(method)}."
        raise RequestError(405, "wrong_method", found, "method", f"Use {allowed}.", allow=allowed)


def refuse_type(scope: Scope) -> None:
    """Raise RequestError unless the request says that it is JSON."""
    given = next((value for name, value in scope["headers"] if name == b"content-type"), b"")
    if given.split(b";")[0].strip().lower() != b"application/json":
        raise RequestError(
            415,
            "wrong_content_type",
            f"Expected content type application/json, found {shorten(given.decode('latin-1')) or 'none'}.",
            "content-type",
            "Send the header content-type: application/json.",
        )


async def read_body(receive: Receive) -> bytes:
    """The request's body.

    Raises:
        RequestError: it is too large, whether or not that was declared; or the caller went away.
    """
    chunks, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RequestError(400, "incomplete", "The body ended early.", "body", "Send all of it.")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > MOST_BYTES:
            raise too_large()
        chunks.append(chunk)
        if not message.get("more_body"):
            return b"".join(chunks)


def too_large() -> RequestError:
    """The refusal of a body over `MOST_BYTES`."""
    limit = f"{MOST_BYTES // 2**20} MB"
    return RequestError(413, "too_large", f"The body is larger than {limit}.", "body", "Split the request.")
