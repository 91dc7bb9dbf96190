"""The routes under /v1 as a plain ASGI application that BentoML mounts.

The router and the request objects of a framework would cost more than looking a customer up.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from functools import cache, partial
from time import perf_counter
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote
from zlib import crc32

import msgspec

from ripple.serving.errors import (
    RequestError,
    StoreUnavailable,
    shorten,
    unavailable,
)
from ripple.serving.http.export import ExportEnded, Exports
from ripple.serving.http.large_requests import LargeRequests, Place
from ripple.serving.http.openapi import PAGE, document
from ripple.serving.messages.lists import (
    CONTENT_TYPES,
    ChangesRequest,
    ExportRequest,
    NoParameters,
    PlaysRequest,
)
from ripple.serving.prometheus import ServiceMetrics
from ripple.serving.requests import parse_query
from ripple.serving.schemas import CustomerRequest, TopRequest

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
PARTS = {part.encode(): f"{CUSTOMER}{{customer_id}}/{part}" for part in ("influence", "plays", "history")}
"""The routes of what there is about a customer besides the score, by the last part of their path."""
EXPORT = "/v1/export"
EXPERIMENTS = "/v1/experiments"
EXPERIMENT = "/v1/experiments/{name}"
EXPERIMENT_START = "/v1/experiments/"
METHODS = {
    "/v1/score": "POST",
    "/v1/top": "GET",
    "/v1/model": "GET",
    "/v1/plays": "GET",
    "/v1/changes": "GET",
    EXPORT: "GET",
    **dict.fromkeys(PARTS.values(), "GET"),
    EXPERIMENTS: "GET",
    EXPERIMENT: "GET",
    "/v1/openapi.json": "GET",
    "/v1/docs": "GET",
}

STATIC = ("/v1/openapi.json", "/v1/docs")
"""The routes that answer the same whatever is served."""

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
        self.exports = Exports()
        self.on_scores: Callable[[Answer], None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        started = perf_counter()
        route = route_of(scope)
        headers: list[tuple[bytes, bytes]] = [HTML if route == "/v1/docs" else JSON]
        try:
            validate_method(
                route, METHODS.get(route) or ("GET" if route == CUSTOMER else None), scope["method"]
            )
            tag = self._entity_tag(route, scope)
            headers += caching_headers(tag)
            if tag is not None and has_tag(scope["header"].get(b"if-none-match"), tag):
                status, content = 304, b""
            elif route == EXPORT:
                await self._export(scope, receive, send, headers[1:])
                self.metrics.count_answer(route, 200, perf_counter() - started)
                return
            else:
                status, content = 200, await self._answer(route, scope, receive)
        except ExportEnded as ended:
            # the answer has begun: the server closes its connection
            logger.error(
                "An export ended by %s, request %s.",
                type(ended.__cause__).__name__,
                scope["ripple.request_id"],
            )
            self.metrics.count_error("export_ended")
            return
        except (RequestError, StoreUnavailable) as raised:
            refused = raised if isinstance(raised, RequestError) else _store_unavailable(raised)
            status, content = refused.status, refused.body(scope["ripple.request_id"])
            headers = [JSON, *refused.headers]
            self.metrics.count_error(refused.code)
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
            headers = [JSON]
            self.metrics.count_error("failed")
        await respond(send, status, content, headers)
        known = route in METHODS or route == CUSTOMER
        self.metrics.count_answer(route if known else "unknown", status, perf_counter() - started)

    def _entity_tag(self, route: str, scope: Scope) -> bytes | None:
        """The tag of what a GET answers now, by publication, path and version of the API; None for others."""
        if route == "/v1/score":
            return None
        served = "" if self.scorer is None else self.scorer.publication.name
        if route in STATIC:
            served = ""
        return entity_tag(served, scope["raw_path"], scope["query_string"])

    async def _answer(self, route: str, scope: Scope, receive: Receive) -> bytes:
        if route == "/v1/docs":
            return PAGE
        if route == "/v1/openapi.json":
            return document()
        scorer = self._scorer()
        with Place(self.large) as place:
            answer = await self._answer_with(scorer, route, scope, receive, place)
            if place.taken:
                content = await place.run(partial(encode_in_parts, answer))
            else:
                content = msgspec.json.encode(answer)
        if scorer.inexact_explanations:
            # reset at once, so that of concurrent requests only one counts them
            count, scorer.inexact_explanations = scorer.inexact_explanations, 0
            self.metrics.count_inexact_explanations(count)
        return content

    async def _export(
        self, scope: Scope, receive: Receive, send: Send, headers: list[tuple[bytes, bytes]]
    ) -> None:
        scorer = self._scorer()
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        request = parse_query(ExportRequest, query)
        headers = [*headers, (b"content-type", CONTENT_TYPES[request.format])]
        for name, value in scorer.lists.description().items():
            headers.append(
                (b"x-ripple-" + name.replace("_", "-").encode(), quote(str(value), safe=":-").encode())
            )
        await self.exports.send(scorer, request, scope["method"] == "HEAD", receive, send, headers)

    def _scorer(self) -> Scorer:
        if self.scorer is None:
            raise unavailable("not_ready", "There is no model to serve yet.", "Try again in a moment.")
        return self.scorer

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
            if scoring.suggest or scoring.size * (1 + scoring.explain) > MAX_INLINE_ROWS:
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
        if route == "/v1/plays":
            plays = parse_query(PlaysRequest, query)
            if plays.limit > MAX_INLINE_ROWS:
                await place.take()
            return await scorer.lists.plays(plays)
        if route == "/v1/changes":
            changes = parse_query(ChangesRequest, query)
            # all customers are compared
            await place.take()
            return await scorer.lists.changes(changes)
        if route != CUSTOMER:
            parse_query(NoParameters, query)
            customer_id, _, part = path[len(CUSTOMER) :].rpartition("/")
            answers = {
                "influence": scorer.influence,
                "plays": scorer.lists.customer_plays,
                "history": scorer.lists.history,
            }
            return await answers[part](customer_id)
        explain = parse_query(CustomerRequest, query).explain
        answer = await scorer.customer(path[len(CUSTOMER) :], explain)
        self._count(scorer, answer | {"customers": [answer["customer"]]})
        return answer

    def _count(self, scorer: Scorer, answer: Answer) -> None:
        self.metrics.count_scores(scorer, answer["customers"])
        if self.on_scores is not None:
            self.on_scores(answer)


def _store_unavailable(error: StoreUnavailable) -> RequestError:
    return unavailable(
        "store_unavailable",
        f"Customers cannot be looked up now: {error}",
        "Try again in a moment, or send all features.",
    )


def entity_tag(publication: str, path: bytes, query: bytes) -> bytes:
    """The ETag of an answer, with quotes."""
    return b'"%s-%08x"' % (publication.encode(), crc32(path + b"?" + query, _api_version()))


@cache
def _api_version() -> int:
    return crc32(document())


def has_tag(sent: bytes | None, tag: bytes) -> bool:
    """Whether the header If-None-Match, as it was *sent*, names the *tag*."""
    return sent is not None and tag in [one.strip().removeprefix(b"W/") for one in sent.split(b",")]


def caching_headers(tag: bytes | None) -> list[tuple[bytes, bytes]]:
    """The headers by which an answer may be kept, to be asked for again before it is used."""
    return [] if tag is None else [(b"etag", tag), (b"cache-control", b"private, no-cache")]


def encode_in_parts(answer: Answer) -> bytes:
    """A large answer as JSON; one call for all of it would keep the event loop from running."""
    customers = [msgspec.Raw(msgspec.json.encode(customer)) for customer in answer["customers"]]
    return msgspec.json.encode(answer | {"customers": customers})


def route_of(scope: Scope) -> str:
    """The route of a request: its path, but for the id of a customer or the name of an experiment."""
    path: str = scope["path"]
    if path.startswith(EXPERIMENT_START):
        return EXPERIMENT
    if not path.startswith(CUSTOMER):
        return path
    # as it was sent: an id may have a slash in it, as %2F
    before, _, part = scope["raw_path"].rpartition(b"/")
    return PARTS.get(part, CUSTOMER) if before.count(b"/") > 2 else CUSTOMER


async def respond(send: Send, status: int, body: bytes, headers: Sequence[tuple[bytes, bytes]]) -> None:
    """Send a complete answer; the header content-length is added to *headers*, but where there is no body."""
    length = [] if status == 304 else [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *length]})
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
