"""Parsing requests, and errors that name the field, what was expected, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec
from pydantic import BaseModel, ValidationError

from ripple.serving.schemas import MAX_CUSTOMERS, CustomerFeatures, ScoreRequest
from ripple.suggestions import most_similar

Query = TypeVar("Query", bound=BaseModel)

EXAMPLE = 'Send a JSON object such as {"customer_ids": ["c1", "c2"]}.'
HINTS = {
    "json_invalid": EXAMPLE,
    "model_type": EXAMPLE,
    "one_of_two": "Send customer_ids to score from the snapshot, customers to score features of your own.",
    "missing": "Add the field; {} where everything is to come from the snapshot.",
    "finite_number": "Send a finite number, or null for a feature that is undefined.",
    "float_type": "Send a number without quotes, or null for a feature that is undefined.",
    "explain_type": "Send false, or a number of reasons such as 5.",
    "too_long": f"Split the request: at most {MAX_CUSTOMERS} customers at a time.",
    "too_short": "Name at least one customer.",
}
MODEL_BY_FIELD: dict[str, type[BaseModel]] = {"": ScoreRequest, "customers": CustomerFeatures}
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

    def body(self) -> bytes:
        """The error as JSON."""
        return msgspec.json.encode({"error": self.problem})


class StoreUnavailable(Exception):
    """The store in which customers are looked up does not answer."""


def unavailable(code: str, message: str, hint: str) -> RequestError:
    """The error of a request that cannot be answered now but may be in a moment."""
    return RequestError(503, code, message, "service", hint, retry_after=str(RETRY_SECONDS))


def parse_body(body: bytes) -> ScoreRequest:
    """The request in *body*.

    Raises:
        RequestError: it is not JSON or breaks the schema; the error names the first broken rule.
    """
    try:
        return ScoreRequest.model_validate_json(body)
    except ValidationError as error:
        raise _request_error(error, _hint) from error


def parse_query(model: type[Query], pairs: Iterable[tuple[str, str]]) -> Query:
    """The query string's *pairs* as a *model*.

    Raises:
        RequestError: a parameter is unknown, is given twice, or has an invalid value.
    """
    values: dict[str, str] = {}
    for name, value in pairs:
        if name in values:
            raise RequestError(422, "twice", f"'{shorten(name)}' is there twice.", shorten(name), "Send one.")
        values[name] = value
    try:
        return model.model_validate_strings(values)
    except ValidationError as error:
        raise _request_error(error, lambda rule, path: _query_hint(model, rule, path)) from error


def suggestion(word: str, known: Iterable[str]) -> str:
    """A hint that asks for the most similar known word, or lists the known words."""
    known = list(known)
    similar = most_similar(shorten(word), known)
    if similar:
        return f"Did you mean '{similar}'?"
    return f"Known are {', '.join(known)}." if known else "None is known."


def shorten(word: str) -> str:
    """At most 80 characters of a caller's text, without lone surrogates, which UTF-8 cannot encode."""
    return _valid_utf8(word if len(word) <= 80 else word[:79] + "…")


def _request_error(error: ValidationError, hint: Any) -> RequestError:
    first = error.errors(include_url=False)[0]
    rule, path = first["type"], first["loc"]
    status = 400 if rule == "json_invalid" else 422
    return RequestError(status, rule, f"{_valid_utf8(first['msg'])}.", _field_path(path), hint(rule, path))


def _valid_utf8(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _field_path(path: tuple[Any, ...]) -> str:
    steps = (f"[{step}]" if isinstance(step, int) else f".{shorten(step)}" for step in path)
    return "".join(steps).removeprefix(".") or "body"


def _hint(rule: str, path: tuple[Any, ...]) -> str:
    if rule == "extra_forbidden":
        model = MODEL_BY_FIELD["" if len(path) == 1 else str(path[0])]
        return suggestion(str(path[-1]), model.model_fields)
    return HINTS.get(rule, "See the schema at /docs.json, or the page at /.")


def _query_hint(model: type[BaseModel], rule: str, path: tuple[Any, ...]) -> str:
    if rule == "extra_forbidden":
        return suggestion(str(path[-1]), model.model_fields)
    field = model.model_fields.get(str(path[0])) if path else None
    return (field.description if field and field.description else "") or "See the schema at /docs.json."
