"""The calls of the clients: how a request is written, its answer read, and when it is tried again."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ValidationError

from ripple.serving.experiment_schemas import ExperimentResponse, ExperimentsResponse
from ripple.serving.messages.client_bodies import RequestProblem, not_ripple, score_body, unreached
from ripple.serving.messages.client_methods import customer_path, given, page_params
from ripple.serving.messages.lists import ExportSummary, Format
from ripple.serving.schemas import (
    CustomerResponse,
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
UNKNOWN = ("unknown_customer", "unknown_experiment")
"""The codes of errors that say that there is nothing of that name."""
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
    """There is no such customer or experiment."""


class Unavailable(ServiceError):
    """The service could not answer in any of the tries; it may later."""


@dataclass(frozen=True)
class Call(Generic[Answer]):
    """A request to the API, and the model of its answer."""

    model: type[Answer]
    method: str
    path: str
    arguments: dict[str, Any]
    into: Path | None = None
    """The file that takes a long answer, of which headers tell the rest."""

    @staticmethod
    def score(
        customer_ids: Sequence[str] | None,
        customers: Sequence[Mapping[str, Any]] | None,
        explain: int,
        suggest: int,
    ) -> Call[ScoreResponse]:
        """Scores by id or by features; see `Client.score`."""
        try:
            content = score_body(customer_ids, customers, explain, suggest)
        except RequestProblem as error:
            raise Refused(None, error.problem) from error
        headers = {"content-type": "application/json"}
        return Call(ScoreResponse, "POST", "/v1/score", {"content": content, "headers": headers})

    @staticmethod
    def customer(customer_id: str, explain: int) -> Call[CustomerResponse]:
        """One customer."""
        return Call(CustomerResponse, "GET", customer_path(customer_id), {"params": {"explain": explain}})

    @staticmethod
    def influence(customer_id: str) -> Call[InfluenceResponse]:
        """Whom a customer influenced."""
        return Call(InfluenceResponse, "GET", customer_path(customer_id, "influence"), {})

    @staticmethod
    def experiments() -> Call[ExperimentsResponse]:
        """All experiments."""
        return Call(ExperimentsResponse, "GET", "/v1/experiments", {})

    @staticmethod
    def experiment(name: str) -> Call[ExperimentResponse]:
        """One experiment."""
        return Call(ExperimentResponse, "GET", f"/v1/experiments/{quote(name, safe='')}", {})

    @staticmethod
    def top(limit: int, offset: int, segment: str | None) -> Call[TopResponse]:
        """A part of the ranking."""
        params = given(page_params(limit, offset), segment=segment)
        return Call(TopResponse, "GET", "/v1/top", {"params": params})

    @staticmethod
    def export(into: str | PathLike[str], format: Format, explain: int) -> Call[ExportSummary]:
        """All customers, into a file."""
        params = {"format": format, "explain": explain}
        return Call(ExportSummary, "GET", "/v1/export", {"params": params}, Path(into))

    @staticmethod
    def describe_model() -> Call[ModelResponse]:
        """What is served."""
        return Call(ModelResponse, "GET", "/v1/model", {})

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
            error: ServiceError = Unavailable(None, unreached(result))
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


def http_options(url: str, key: str | None) -> dict[str, Any]:
    """What clients of httpx are made with."""
    headers = {} if key is None else {"authorization": f"Bearer {key}"}
    return {"base_url": url, "headers": headers}


def _pause(retry: int, retry_after: str | None) -> float:
    """Seconds to wait before the next try: Retry-After, and exponential backoff with full jitter."""
    backoff = min(MAX_PAUSE_SECONDS, 0.1 * 2**retry)
    requested = float(retry_after) if retry_after is not None and retry_after.isdigit() else 0.0
    return min(MAX_PAUSE_SECONDS, requested) + random.uniform(0, backoff)


def _parse(model: type[Answer], response: httpx.Response) -> Answer:
    try:
        return model.model_validate_json(response.content)
    except ValidationError as error:
        raise Unavailable(
            response.status_code, not_ripple(response.status_code, "with something else")
        ) from error


def _error(response: httpx.Response) -> ServiceError:
    try:
        problem = ErrorResponse.model_validate_json(response.content).error
    except ValidationError:
        problem = not_ripple(response.status_code, "without saying why")
    if response.status_code in RETRIED or response.is_server_error:
        return Unavailable(response.status_code, problem)
    # a wrong address and a proxy answer 404 too, which does not mean that there is no such customer
    return (NotFound if problem.code in UNKNOWN else Refused)(response.status_code, problem)
