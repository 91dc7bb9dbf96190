"""Bodies of requests of the client: values of Python and NumPy as JSON; and errors that it finds itself."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any

from ripple.serving.messages.base import Problem


class RequestProblem(ValueError):
    """A request that cannot be sent as it is.

    Attributes:
        problem: Code, message, field and hint, as the service words them.
    """

    def __init__(self, code: str, message: str, where: str) -> None:
        super().__init__(message)
        hint = (
            "Send numbers and texts of Python or NumPy, None where a feature is undefined, and ids as texts."
        )
        self.problem = Problem(code=code, message=message, where=where, hint=hint)


def score_body(
    customer_ids: Sequence[str] | None,
    customers: Sequence[Mapping[str, Any]] | None,
    explain: int,
    suggest: int = 0,
) -> bytes:
    """The body of a request for scores; without what earlier services do not know, unless it is asked for.

    Raises:
        RequestProblem: it cannot be sent.
    """
    if isinstance(customer_ids, str):
        raise TypeError(f"customer_ids is a list of ids, not an id: [{customer_ids!r}]")
    ids = None if customer_ids is None else list(customer_ids)
    sent = None if customers is None else [sent_customer(at, one) for at, one in enumerate(customers)]
    chosen = {"customer_ids": ids, "customers": sent, "suggest": suggest or None}
    return as_json(
        {name: value for name, value in chosen.items() if value is not None} | {"explain": explain}
    )


def sent_customer(index: int, customer: Mapping[str, Any]) -> dict[str, Any]:
    """A customer as it is sent, with NaN as null, which JSON has no other word for."""
    sent = dict(customer)
    if isinstance(features := sent.get("features"), Mapping):
        sent["features"] = {
            name: _number(value, f"customers[{index}].features.{name}") for name, value in features.items()
        }
    return sent


def _number(value: Any, where: str) -> float | int | None:
    """A feature as a number of Python, or None if it is undefined.

    Raises:
        RequestProblem: it is no finite number; the service would say the same.
    """
    if value is None or type(value) is int:
        return value
    # NumPy registers its numbers as real, and not its booleans
    if isinstance(value, bool) or not isinstance(value, Real):
        raise RequestProblem("float_type", f"Expected a number or None, found {type(value).__name__}.", where)
    number = float(value)
    if math.isinf(number):
        raise RequestProblem("finite_number", "Expected a finite number.", where)
    return None if math.isnan(number) else number


def as_json(body: object) -> bytes:
    """*body* as JSON.

    Raises:
        RequestProblem: it holds something that JSON does not know.
    """
    try:
        return json.dumps(body, allow_nan=False, default=_plain).encode()
    except (TypeError, ValueError) as error:
        raise RequestProblem("json_invalid", f"The request is no JSON: {error}.", "body") from error


def _plain(value: Any) -> int:
    """An integer of NumPy, such as a number of reasons, as one of Python."""
    if isinstance(value, Integral):
        return int(value)
    raise TypeError(f"a {type(value).__name__} was found")


def unreached(error: Exception) -> Problem:
    """That the service was not reached, because of an *error* of the connection."""
    return Problem(
        code="unreached",
        message=f"The service was not reached: {error or type(error).__name__}.",
        where="service",
        hint="Check the address, and that it is running.",
    )


def not_ripple(status: int, how: str) -> Problem:
    """That something else than the service answered, with that *status*."""
    return Problem(
        code="unknown",
        message=f"The server answered {status} {how}.",
        where="service",
        hint="Check that the address is that of a Ripple service, of the same version as this client.",
    )
