"""What all requests and answers of the HTTP API have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

MAX_REASONS = 10
"""The number of reasons, at most, for each score of a customer."""
MAX_LIMIT = 1000
"""The number of customers, at most, in one list of the top."""
MOMENT: JsonDict = {"format": "date-time", "examples": ["2026-01-01T00:00:00Z"]}


class Request(BaseModel):
    """What a caller sends."""

    # strict: "1.5" and true are not numbers; NaN and Infinity are not JSON
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class Response(BaseModel):
    """What the service answers."""

    # a later service may tell more than this client knows of; an earlier one, what has no default here
    model_config = ConfigDict(
        strict=True,
        extra="ignore",
        frozen=True,
        allow_inf_nan=False,
        json_schema_serialization_defaults_required=True,
    )


class SnapshotResponse(Response):
    """An answer from one publication."""

    model_version: str
    as_of: str = Field(description="Moment of the feature snapshot, UTC.", json_schema_extra=MOMENT)
    currency: str
    horizon_days: int


class Problem(Response):
    """The reason for which a request was refused."""

    code: str = Field(description="Stable name of the rule that was broken.")
    message: str = Field(description="What was found and what was expected.")
    where: str = Field(description="The field, such as customers[0].features.orders_90d; body for all of it.")
    hint: str = Field(description="What to do about it.")
    request_id: str | None = Field(
        None, description="Id of the request, as in the header x-request-id and in the log of the service."
    )


class ErrorResponse(Response):
    """The body of every error."""

    error: Problem
