"""Errors that name the field, what was expected, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from ripple.suggestions import most_similar

RETRY_SECONDS = 1
"""The value of Retry-After: the number of seconds after which a caller may try again."""


class RequestError(Exception):
    """A request that cannot be answered as it is, or not now.

    Attributes:
        status: HTTP status.
        code: Stable name of the broken rule.
        headers: Further headers of the answer, as ASGI wants them.
        problem: A `ripple.serving.schemas.Problem` as plain data.
    """

    def __init__(self, status: int, code: str, message: str, where: str, hint: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        self.problem = {"code": code, "message": message, "where": where, "hint": hint}

    def body(self, request_id: str | None = None) -> bytes:
        """The error as JSON, with the id of the request."""
        return msgspec.json.encode({"error": self.problem | {"request_id": request_id}})


class StoreUnavailable(Exception):
    """The store in which customers are looked up does not answer."""


def not_as_published() -> StoreUnavailable:
    """The error of customers whom a store holds, and who are not as they were published."""
    return StoreUnavailable("it holds customers who are not as they were published: publish again.")


def unavailable(code: str, message: str, hint: str) -> RequestError:
    """The error of a request that cannot be answered now but may be in a moment."""
    return RequestError(503, code, message, "service", hint, retry_after=str(RETRY_SECONDS))


def suggestion(word: str, known: Iterable[str]) -> str:
    """A hint that asks for the most similar known word, or lists the known words."""
    known = list(known)
    similar = most_similar(shorten(word), known)
    if similar:
        return f"Did you mean '{similar}'?"
    return f"Known are {', '.join(known)}." if known else "None is known."


def shorten(word: str) -> str:
    """At most 80 characters of a caller's text, without lone surrogates, which UTF-8 cannot encode."""
    return valid_utf8(word if len(word) <= 80 else word[:79] + "…")


def valid_utf8(text: str) -> str:
    """A caller's text without lone surrogates, which UTF-8 cannot encode."""
    return text.encode("utf-8", "replace").decode()
