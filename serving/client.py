"""Clients of the scoring service for Python applications, with typed answers, retries and typed errors.

Only httpx, Pydantic and the standard library are imported: this is all that an application needs.
"""

from __future__ import annotations

import asyncio
import json
import math
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from types import TracebackType
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ValidationError

from ripple.serving.schemas import (
    CustomerResponse,
    CustomerScore,
    ErrorResponse,
    InfluenceResponse,
    ModelResponse,
    Problem,
    ScoreResponse,
    TopResponse,
)

Answer = TypeVar("Answer", bound=BaseModel)

RETRIED = (429, 502, 503, 504)
"""The HTTP statuses after which trying again may help."""
MIN_SECONDS = 0.001
"""The time that the last try has, at least, however long the pause before it was."""
MAX_PAUSE_SECONDS = 10.0
"""The longest backoff, and the longest Retry-After that is respected, in seconds."""


class ServiceError(Exception):
    """The service refused the request or could not answer it.

    Attributes:
        status: HTTP status; None if there was no answer, or nothing was sent.
        problem: Code, message, field and hint of the service.
    """

    def __init__(self, status: int | None, problem: Problem) -> None:
        super().__init__(f"{problem.message} ({problem.where}: {problem.code}) {problem.hint}")
        self.status = status
        self.problem = problem


class Refused(ServiceError):
    """The request has to be changed before it can be answered."""


class NotFound(Refused):
    """There is no such customer."""


class Unavailable(ServiceError):
    """The service could not answer in any of the tries; it may later."""


@dataclass(frozen=True)
class _Call(Generic[Answer]):
    """A request to the API, and the model of its answer."""

    model: type[Answer]
    method: str
    path: str
    arguments: dict[str, Any]

    @staticmethod
    def score(
        customer_ids: Sequence[str] | None, customers: Sequence[Mapping[str, Any]] | None, explain: int
    ) -> _Call[ScoreResponse]:
        if isinstance(customer_ids, str):
            raise TypeError(f"customer_ids is a list of ids, not an id: [{customer_ids!r}]")
        ids = None if customer_ids is None else list(customer_ids)
        sent = None if customers is None else [_sent(at, one) for at, one in enumerate(customers)]
        chosen = {"customer_ids": ids, "customers": sent}
        body = {name: value for name, value in chosen.items() if value is not None} | {"explain": explain}
        content = _as_json(body)
        headers = {"content-type": "application/json"}
        return _Call(ScoreResponse, "POST", "/v1/score", {"content": content, "headers": headers})

    @staticmethod
    def customer(customer_id: str, explain: int) -> _Call[CustomerResponse]:
        path = f"/v1/customers/{quote(customer_id, safe='')}"
        return _Call(CustomerResponse, "GET", path, {"params": {"explain": explain}})

    @staticmethod
    def influence(customer_id: str) -> _Call[InfluenceResponse]:
        path = f"/v1/customers/{quote(customer_id, safe='')}/influence"
        return _Call(InfluenceResponse, "GET", path, {})

    @staticmethod
    def top(limit: int, offset: int, segment: str | None) -> _Call[TopResponse]:
        params = {"limit": limit, "offset": offset} | ({} if segment is None else {"segment": segment})
        return _Call(TopResponse, "GET", "/v1/top", {"params": params})

    @staticmethod
    def describe_model() -> _Call[ModelResponse]:
        return _Call(ModelResponse, "GET", "/v1/model", {})

    def outcome(
        self, result: httpx.Response | httpx.TransportError, retry: int, retries: int, left: float
    ) -> Answer | float:
        """The answer, or the seconds to wait before the next try, from the *result* of try number *retry*.

        Args:
            left: Seconds that are left for the call.

        Raises:
            ServiceError: *retries* are used up, there is no time for another, or it would not help.
        """
        if isinstance(result, httpx.TransportError):
            error: ServiceError = Unavailable(None, _unreached(result))
            retryable, retry_after = True, None
        elif result.is_success:
            return _parse(self.model, result)
        else:
            error = _error(result)
            retryable, retry_after = result.status_code in RETRIED, result.headers.get("retry-after")
        pause = _pause(retry, retry_after)
        if not retryable or retry >= retries or pause >= left:
            raise error
        return pause


def _http_options(url: str, key: str | None) -> dict[str, Any]:
    headers = {} if key is None else {"authorization": f"Bearer {key}"}
    return {"base_url": url, "headers": headers}


class Client:
    """Calls the scoring service at *url*; safe to share between threads.

    Args:
        key: API key, if the service requires one.
        timeout: Seconds that a call may take, with all its tries and the pauses between them.
        retries: Number of further tries if the service is overloaded, not ready or not reached.
    """

    def __init__(self, url: str, key: str | None = None, timeout: float = 5.0, retries: int = 4) -> None:
        self._http = httpx.Client(**_http_options(url, key))
        self._timeout = timeout
        self._retries = retries

    def score(
        self,
        customer_ids: Sequence[str] | None = None,
        *,
        customers: Sequence[Mapping[str, Any]] | None = None,
        explain: int = 0,
    ) -> ScoreResponse:
        """Scores of customers by id, or by features sent.

        Args:
            customers: One mapping {"customer_id": …, "features": {name: number or None}} each; either some
                features of a customer of the snapshot, or all features. Numbers may be those of NumPy, and
                NaN is undefined as None is.
            explain: Number of reasons for each score.

        Raises:
            Refused, Unavailable
        """
        return self._call(_Call.score(customer_ids, customers, explain))

    def customer(self, customer_id: str, explain: int = 0) -> CustomerScore:
        """The score of one customer.

        Raises:
            NotFound, Refused, Unavailable
        """
        return self._call(_Call.customer(customer_id, explain)).customer

    def influence(self, customer_id: str) -> InfluenceResponse:
        """Whom a customer influenced, and who influenced them, as of the last closed window.

        Raises:
            NotFound, Refused, Unavailable
        """
        return self._call(_Call.influence(customer_id))

    def top(self, limit: int = 100, offset: int = 0, segment: str | None = None) -> TopResponse:
        """The customers of highest network value in descending order, of everybody or of one segment.

        Raises:
            Refused, Unavailable
        """
        return self._call(_Call.top(limit, offset, segment))

    def model(self) -> ModelResponse:
        """The model and snapshot that are served, and the metrics of the backtest.

        Raises:
            Refused, Unavailable
        """
        return self._call(_Call.describe_model())

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _call(self, call: _Call[Answer]) -> Answer:
        retry, deadline = 0, time.monotonic() + self._timeout
        while True:
            result = self._try(call, max(MIN_SECONDS, deadline - time.monotonic()))
            outcome = call.outcome(result, retry, self._retries, deadline - time.monotonic())
            if not isinstance(outcome, float):
                return outcome
            time.sleep(outcome)
            retry += 1

    def _try(self, call: _Call[Answer], seconds: float) -> httpx.Response | httpx.TransportError:
        try:
            return self._http.request(call.method, call.path, **call.arguments, timeout=seconds)
        except httpx.TransportError as error:
            return error


class AsyncClient:
    """`Client` for asyncio: the same arguments, methods, answers and errors."""

    def __init__(self, url: str, key: str | None = None, timeout: float = 5.0, retries: int = 4) -> None:
        self._http = httpx.AsyncClient(**_http_options(url, key))
        self._timeout = timeout
        self._retries = retries

    async def score(
        self,
        customer_ids: Sequence[str] | None = None,
        *,
        customers: Sequence[Mapping[str, Any]] | None = None,
        explain: int = 0,
    ) -> ScoreResponse:
        """See `Client.score`."""
        return await self._call(_Call.score(customer_ids, customers, explain))

    async def customer(self, customer_id: str, explain: int = 0) -> CustomerScore:
        """See `Client.customer`."""
        return (await self._call(_Call.customer(customer_id, explain))).customer

    async def influence(self, customer_id: str) -> InfluenceResponse:
        """See `Client.influence`."""
        return await self._call(_Call.influence(customer_id))

    async def top(self, limit: int = 100, offset: int = 0, segment: str | None = None) -> TopResponse:
        """See `Client.top`."""
        return await self._call(_Call.top(limit, offset, segment))

    async def model(self) -> ModelResponse:
        """See `Client.model`."""
        return await self._call(_Call.describe_model())

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _call(self, call: _Call[Answer]) -> Answer:
        retry, deadline = 0, time.monotonic() + self._timeout
        while True:
            result = await self._try(call, max(MIN_SECONDS, deadline - time.monotonic()))
            outcome = call.outcome(result, retry, self._retries, deadline - time.monotonic())
            if not isinstance(outcome, float):
                return outcome
            await asyncio.sleep(outcome)
            retry += 1

    async def _try(self, call: _Call[Answer], seconds: float) -> httpx.Response | httpx.TransportError:
        try:
            return await self._http.request(call.method, call.path, **call.arguments, timeout=seconds)
        except httpx.TransportError as error:
            return error


def _sent(index: int, customer: Mapping[str, Any]) -> dict[str, Any]:
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
        Refused: it is no finite number; the service would say the same.
    """
    if value is None or type(value) is int:
        return value
    # NumPy registers its numbers as real, and not its booleans
    if isinstance(value, bool) or not isinstance(value, Real):
        raise _refused("float_type", f"Expected a number or None, found {type(value).__name__}.", where)
    number = float(value)
    if math.isinf(number):
        raise _refused("finite_number", "Expected a finite number.", where)
    return None if math.isnan(number) else number


def _as_json(body: object) -> bytes:
    """*body* as JSON.

    Raises:
        Refused: it holds something that JSON does not know.
    """
    try:
        return json.dumps(body, allow_nan=False, default=_plain).encode()
    except (TypeError, ValueError) as error:
        raise _refused("json_invalid", f"The request is no JSON: {error}.", "body") from error


def _plain(value: Any) -> int:
    """An integer of NumPy, such as a number of reasons, as one of Python."""
    if isinstance(value, Integral):
        return int(value)
    raise TypeError(f"a {type(value).__name__} was found")


def _refused(code: str, message: str, where: str) -> Refused:
    hint = "Send numbers and texts of Python or NumPy, None where a feature is undefined, and ids as texts."
    return Refused(None, Problem(code=code, message=message, where=where, hint=hint))


def _pause(retry: int, retry_after: str | None) -> float:
    """Seconds to wait before the next try: Retry-After, and exponential backoff with full jitter."""
    backoff = min(MAX_PAUSE_SECONDS, 0.1 * 2**retry)
    requested = float(retry_after) if retry_after is not None and retry_after.isdigit() else 0.0
    return min(MAX_PAUSE_SECONDS, requested) + random.uniform(0, backoff)


def _unreached(error: Exception) -> Problem:
    return Problem(
        code="unreached",
        message=f"The service was not reached: {error or type(error).__name__}.",
        where="service",
        hint="Check the address, and that it is running.",
    )


def _parse(model: type[Answer], response: httpx.Response) -> Answer:
    try:
        return model.model_validate_json(response.content)
    except ValidationError as error:
        raise Unavailable(response.status_code, _not_ripple(response, "with something else")) from error


def _not_ripple(response: httpx.Response, how: str) -> Problem:
    return Problem(
        code="unknown",
        message=f"The server answered {response.status_code} {how}.",
        where="service",
        hint="Check that the address is that of a Ripple service, of the same version as this client.",
    )


def _error(response: httpx.Response) -> ServiceError:
    try:
        problem = ErrorResponse.model_validate_json(response.content).error
    except ValidationError:
        problem = _not_ripple(response, "without saying why")
    if response.status_code in RETRIED or response.is_server_error:
        return Unavailable(response.status_code, problem)
    # a wrong address and a proxy answer 404 too, which does not mean that there is no such customer
    return (NotFound if problem.code == "unknown_customer" else Refused)(response.status_code, problem)
