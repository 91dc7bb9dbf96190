"""Reading a request, and saying what is wrong with one: which field, what was expected, what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ValidationError

from serving.schemas import MOST_CUSTOMERS, CustomerFeatures, Problem, ScoreRequest

HINTS = {
    "json_invalid": 'Send a JSON object such as {"customer_ids": ["c1", "c2"]}.',
    "model_type": 'Send a JSON object such as {"customer_ids": ["c1", "c2"]}.',
    "one_of_two": "Send customer_ids to score from the snapshot, customers to score features of your own.",
    "missing": "Add the field; {} where everything is to come from the snapshot.",
    "finite_number": "Send a finite number, or null for a feature that is undefined.",
    "float_type": "Send a number without quotes, or null for a feature that is undefined.",
    "too_long": f"Split the request: at most {MOST_CUSTOMERS} customers at a time.",
    "too_short": "Name at least one customer.",
}
SHAPES: dict[str, type[BaseModel]] = {"": ScoreRequest, "customers": CustomerFeatures}


class RequestError(Exception):
    """A request that cannot be answered as it is."""

    def __init__(self, code: str, message: str, where: str, hint: str) -> None:
        super().__init__(message)
        self.problem = Problem(code=code, message=message, where=where, hint=hint)


def parse(body: bytes) -> ScoreRequest:
    """The request in *body*.

    Raises:
        RequestError: it is not JSON or breaks the schema; the first broken rule is told.
    """
    try:
        return ScoreRequest.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise RequestError(
            first["type"], f"{first['msg']}.", _where(first["loc"]), _hint(first["type"], first["loc"])
        ) from error


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word most like *word* as a question, or all of them."""
    known = list(known)
    close = difflib.get_close_matches(shorten(word), known, n=1, cutoff=0.5)
    return f"Did you mean '{close[0]}'?" if close else f"Known are {', '.join(known)}."


def shorten(word: str) -> str:
    """At most 80 characters of what a caller sent, as names can be of any length."""
    return word if len(word) <= 80 else word[:79] + "…"


def _where(path: tuple[Any, ...]) -> str:
    steps = (f"[{step}]" if isinstance(step, int) else f".{shorten(step)}" for step in path)
    return "".join(steps).removeprefix(".") or "body"


def _hint(rule: str, path: tuple[Any, ...]) -> str:
    if rule == "extra_forbidden":
        shape = SHAPES["" if len(path) == 1 else str(path[0])]
        return nearest(str(path[-1]), shape.model_fields)
    return HINTS.get(rule, "See the schema at /docs.json, or the page at /.")
