"""A client for Python applications: typed answers, retries where they help, errors that say what is wrong."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ValidationError

from ripple.serving.schemas import (
    CustomerResponse,
    CustomerScore,
    ErrorResponse,
    ModelResponse,
    Problem,
    ScoreResponse,
    TopResponse,
)

Answer = TypeVar("Answer", bound=BaseModel)

RETRIED = (429, 502, 503, 504)
LONGEST_PAUSE = 10.0


class ServiceError(Exception):
    """The service refused the request or could not answer it.

    Attributes:
        status: HTTP status; None where no answer came.
        problem: what the service says of it.
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
    """The service does not answer now, and did not in all the tries; later it may."""


class Client:
    """Calls the scoring service at *url*; safe to share between threads.

    Args:
        key: API key, where the service wants one.
        timeout: seconds that one try may take.
        retries: further tries where the service is overloaded, not ready or not reached.
    """

    def __init__(self, url: str, key: str | None = None, timeout: float = 5.0, retries: int = 4) -> None:
        headers = {} if key is None else {"authorization": f"Bearer {key}"}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=timeout)
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
            customers: {"customer_id": …, "features": {name: number or None}} each; either part of a customer
                the snapshot knows, or all features.
            explain: how many reasons to give for each head.

        Raises:
            Refused, Unavailable
        """
        named = {"customer_ids": None if customer_ids is None else list(customer_ids), "customers": customers}
        body = {name: value for name, value in named.items() if value is not None} | {"explain": explain}
        return self._call(ScoreResponse, "POST", "/v1/score", json=body)

    def customer(self, customer_id: str, explain: int = 0) -> CustomerScore:
        """The score of one customer.

        Raises:
            NotFound, Refused, Unavailable
        """
        path = f"/v1/customers/{quote(customer_id, safe='')}"
        return self._call(CustomerResponse, "GET", path, params={"explain": explain}).customer

    def top(self, limit: int = 100, offset: int = 0, segment: str | None = None) -> TopResponse:
        """The customers of highest network value, best first.

        Raises:
            Refused, Unavailable
        """
        params = {"limit": limit, "offset": offset} | ({} if segment is None else {"segment": segment})
        return self._call(TopResponse, "GET", "/v1/top", params=params)

    def model(self) -> ModelResponse:
        """What is served, and how good it was found to be.

        Raises:
            Unavailable
        """
        return self._call(ModelResponse, "GET", "/v1/model")

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _call(self, shape: type[Answer], method: str, path: str, **request: Any) -> Answer:
        failed: ServiceError
        for tried in range(self._retries + 1):
            try:
                response = self._http.request(method, path, **request)
            except httpx.TransportError as error:
                failed, pause = Unavailable(None, _unreached(error)), None
            else:
                if response.is_success:
                    return _read(shape, response)
                failed, pause = _error(response), response.headers.get("retry-after")
                if response.status_code not in RETRIED:
                    raise failed
            if tried < self._retries:
                time.sleep(_pause(tried, pause))
        raise failed


def _pause(tried: int, wanted: str | None) -> float:
    """Seconds before the next try: twice as long each time, spread so that not all clients come at once."""
    longest = min(LONGEST_PAUSE, 0.1 * 2**tried)
    least = float(wanted) if wanted is not None and wanted.isdigit() else 0.0
    return min(LONGEST_PAUSE, least) + random.uniform(0, longest)


def _unreached(error: Exception) -> Problem:
    return Problem(
        code="unreached",
        message=f"The service was not reached: {error or type(error).__name__}.",
        where="service",
        hint="Check the address, and that it is running.",
    )


def _read(shape: type[Answer], response: httpx.Response) -> Answer:
    try:
        return shape.model_validate_json(response.content)
    except ValidationError as error:
        raise Unavailable(response.status_code, _strange(response, "with something else")) from error


def _strange(response: httpx.Response, how: str) -> Problem:
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
        problem = _strange(response, "without saying why")
    if response.status_code in RETRIED or response.is_server_error:
        return Unavailable(response.status_code, problem)
    return (NotFound if response.status_code == 404 else Refused)(response.status_code, problem)
