"""The routes under /v1 as a plain ASGI application that BentoML mounts.

The router and the request objects of a framework would cost more than looking a customer up.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import msgspec

from ripple.serving.errors import (
    RequestError,
    StoreUnavailable,
    shorten,
    unavailable,
)
from ripple.serving.http.large_requests import LargeRequests, Place
from ripple.serving.http.openapi import PAGE, document
from ripple.serving.prometheus import ServiceMetrics
from ripple.serving.requests import parse_query
from ripple.serving.schemas import CustomerRequest, NoParameters, TopRequest

if TYPE_CHECKING:
    from ripple.serving.scorer import Answer, Scorer

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

MAX_BODY_BYTES = 5 * 2**20
"""The size of the largest body that is read."""
MAX_INLINE_BYTES = 2**16
"""The size of the largest body that is parsed in the event loop, which may wait for a millisecond."""
MAX_INLINE_ROWS = 100
"""The number of customers and reasons, at most, that are scored in the event loop; likewise."""

JSON = (b"content-type", b"application/json")
HTML = (b"content-type", b"text/html; charset=utf-8")
CUSTOMER = "/v1/customers/"
INFLUENCE = "/v1/customers/{customer_id}/influence"
_INFLUENCE_END = b"/influence"
EXPERIMENTS = "/v1/experiments"
EXPERIMENT = "/v1/experiments/{name}"
EXPERIMENT_START = "/v1/experiments/"
METHODS = {
    "/v1/score": "POST",
    "/v1/top": "GET",
    "/v1/model": "GET",
    INFLUENCE: "GET",
    EXPERIMENTS: "GET",
    EXPERIMENT: "GET",
    "/v1/openapi.json": "GET",
    "/v1/docs": "GET",
}

logger = logging.getLogger("bentoml.ripple")


class Api:
    """The ASGI application, with a scorer that may be replaced while it serves.

    Attributes:
        scorer: Scorer of the publication that is served; None before there is one.
        on_scores: Called with every answer that holds scores, a `ScoreResponse` as plain data.
    """

    def __init__(self, metrics: ServiceMetrics) -> None:
        self.metrics = metrics
        self.scorer: Scorer | None = None
        self.large = LargeRequests()
        self.on_scores: Callable[[Answer], None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        started = perf_counter()
        path = scope["path"]
        route = path
        if path.startswith(CUSTOMER):
            # as it was sent: an id may have a slash in it, as %2F
            route = INFLUENCE if scope["raw_path"].endswith(_INFLUENCE_END) else CUSTOMER
        elif path.startswith(EXPERIMENT_START):
            route = EXPERIMENT
        headers: list[tuple[bytes, bytes]] = [JSON]
        try:
            status, content = 200, await self._answer(route, scope, receive)
            if route == "/v1/docs":
                headers = [HTML]
        except RequestError as error:
            status, content = error.status, error.body(scope["ripple.request_id"])
            headers += error.headers
            self.metrics.count_error(error.code)
        except Exception as error:
            # without the message, which may quote the request
            stack = "".join(traceback.format_tb(error.__traceback__))
            logger.error(
                "Answering %s failed by %s, request %s:\n%s",
                route,
                type(error).__name__,
                scope["ripple.request_id"],
                stack,
            )
            failure = RequestError(500, "failed", "Scoring failed.", "service", "See the service's log.")
            status, content = 500, failure.body(scope["ripple.request_id"])
            self.metrics.count_error("failed")
        await respond(send, status, content, headers)
        known = route in METHODS or route == CUSTOMER
        self.metrics.count_answer(route if known else "unknown", status, perf_counter() - started)

    async def _answer(self, route: str, scope: Scope, receive: Receive) -> bytes:
        validate_method(route, METHODS.get(route) or ("GET" if route == CUSTOMER else None), scope["method"])
        if route == "/v1/docs":
            return PAGE
        if route == "/v1/openapi.json":
            return document()
        scorer = self.scorer
        if scorer is None:
            raise unavailable("not_ready", "There is no model to serve yet.", "Try again in a moment.")
        try:
            with Place(self.large) as place:
                answer = await self._answer_with(scorer, route, scope, receive, place)
                if place.taken:
                    content = await place.run(partial(encode_in_parts, answer))
                else:
                    content = msgspec.json.encode(answer)
        except StoreUnavailable as error:
            raise unavailable(
                "store_unavailable",
                f"Customers cannot be looked up now: {error}",
                "Try again in a moment, or send all features.",
            ) from error
        if scorer.inexact_explanations:
            # reset at once, so that of concurrent requests only one counts them
            count, scorer.inexact_explanations = scorer.inexact_explanations, 0
            self.metrics.count_inexact_explanations(count)
        return content

    async def _answer_with(
        self, scorer: Scorer, route: str, scope: Scope, receive: Receive, place: Place
    ) -> Answer:
        if route == "/v1/score":
            headers = scope["header"]
            validate_content_type(headers)
            if int(headers.get(b"content-length", b"0")) > MAX_INLINE_BYTES:
                await place.take()
            body = await read_body(receive, place)
            parse = partial(scorer.parser.parse, body)
            scoring = await place.run(parse) if place.taken else parse()
            if scoring.size * (1 + scoring.explain) > MAX_INLINE_ROWS:
                await place.take()
            answer = await scorer.score(scoring, place.run)
            self._count(scorer, answer)
            return answer
        path: str = scope["path"]
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        if route == "/v1/top":
            request = parse_query(TopRequest, query)
            if request.limit > MAX_INLINE_ROWS:
                await place.take()
            return await scorer.top(request, place.run)
        if route == "/v1/model":
            return scorer.model()
        if route in (EXPERIMENTS, EXPERIMENT):
            parse_query(NoParameters, query)
            name = path[len(EXPERIMENT_START) :]
            return scorer.experiments() if route == EXPERIMENTS else scorer.experiment(name)
        if route == INFLUENCE:
            parse_query(NoParameters, query)
            return await scorer.influence(path[len(CUSTOMER) : -len(_INFLUENCE_END)])
        explain = parse_query(CustomerRequest, query).explain
        answer = await scorer.customer(path[len(CUSTOMER) :], explain)
        self._count(scorer, answer | {"customers": [answer["customer"]]})
        return answer

    def _count(self, scorer: Scorer, answer: Answer) -> None:
        self.metrics.count_scores(scorer, answer["customers"])
        if self.on_scores is not None:
            self.on_scores(answer)


def encode_in_parts(answer: Answer) -> bytes:
    """A large answer as JSON; one call for all of it would keep the event loop from running."""
    customers = [msgspec.Raw(msgspec.json.encode(customer)) for customer in answer["customers"]]
    return msgspec.json.encode(answer | {"customers": customers})


async def respond(send: Send, status: int, body: bytes, headers: Sequence[tuple[bytes, bytes]]) -> None:
    """Send a complete answer; the header content-length is added to *headers*."""
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})


def validate_method(path: str, allowed: str | None, method: str) -> None:
    """Raise a RequestError if the *path* does not exist (*allowed* is None) or does not allow *method*."""
    if allowed is None:
        raise RequestError(
            404, "unknown_path", f"There is no {shorten(path)} here.", "path", "See the paths at /docs.json."
        )
    if method != allowed and not (method == "HEAD" and allowed == "GET"):
        message = f"{path} does not answer {shorten(method)}."
        raise RequestError(405, "wrong_method", message, "method", f"Use {allowed}.", allow=allowed)


def validate_content_type(headers: Mapping[bytes, bytes]) -> None:
    """Raise a RequestError unless the body of the request is JSON, not compressed."""
    content_type = headers.get(b"content-type", b"")
    if (
        content_type != b"application/json"
        and content_type.split(b";")[0].strip().lower() != b"application/json"
    ):
        found = shorten(content_type.decode("latin-1")) or "none"
        raise RequestError(
            415,
            "wrong_content_type",
            f"Expected content type application/json, found {found}.",
            "content-type",
            "Send the header content-type: application/json.",
        )
    encoding = headers.get(b"content-encoding", b"identity").strip().lower()
    if encoding != b"identity":
        raise RequestError(
            415,
            "wrong_content_encoding",
            f"Expected a body without encoding, found {shorten(encoding.decode('latin-1'))}.",
            "content-encoding",
            "Send the body as it is.",
            accept_encoding="identity",
        )


async def read_body(receive: Receive, place: Place) -> bytes:
    """The request's body, for which it takes a *place* if it is large.

    Raises:
        RequestError: it is larger than `MAX_BODY_BYTES`, there is no place, or the caller disconnected.
    """
    chunks, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RequestError(400, "incomplete", "The body ended early.", "body", "Send all of it.")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            raise body_too_large()
        if size > MAX_INLINE_BYTES:
            await place.take()
        chunks.append(chunk)
        if not message.get("more_body"):
            return b"".join(chunks)


def body_too_large() -> RequestError:
    """The error of a body that is larger than `MAX_BODY_BYTES`."""
    limit = f"{MAX_BODY_BYTES // 2**20} MB"
    return RequestError(413, "too_large", f"The body is larger than {limit}.", "body", "Split the request.")
