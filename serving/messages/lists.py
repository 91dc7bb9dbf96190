"""The requests and answers of plays, history and changes, as `ripple.serving.schemas` has those of scores."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from pydantic.config import JsonDict

from ripple.serving.messages.base import MAX_LIMIT, MAX_REASONS, MOMENT, Request, Response, SnapshotResponse

_NAME: JsonDict = {"examples": ["v3-0123456789ab"]}
Format = Literal["arrow", "parquet", "ndjson"]
CONTENT_TYPES: dict[Format, bytes] = {
    "arrow": b"application/vnd.apache.arrow.stream",
    "parquet": b"application/vnd.apache.parquet",
    "ndjson": b"application/x-ndjson",
}
"""What an export of each format is, as the header Content-Type says it."""


class _Page(Request):
    limit: int = Field(100, ge=1, le=MAX_LIMIT, description="How many customers at most.")
    offset: int = Field(0, ge=0, le=2**31, description="How many to pass over.")


class PlaysRequest(_Page):
    """The part of the list of plays to read."""

    play: str | None = Field(None, description="Only this play.")
    owner: str | None = Field(None, description="Only customers whom this person looks after.")


class NoParameters(Request):
    """A request that has no parameters."""


class ChangesRequest(_Page):
    """The earlier publication to compare with, and what counts as a change."""

    since: str | None = Field(
        None, description="Name of the earlier publication; the one before that served if it is left out."
    )
    min_change: float | None = Field(
        None,
        ge=0,
        description="Also list customers whose network value changed by more than this, in currency.",
    )


class ExportRequest(Request):
    """The form of an export."""

    format: Format = Field("arrow", description="A stream of Arrow's IPC, a Parquet file, or lines of JSON.")
    explain: int = Field(
        0, ge=0, le=MAX_REASONS, description="How many reasons to give for each head, the strongest first."
    )


class ExportSummary(SnapshotResponse):
    """What an export holds."""

    publication: str = Field(description="Name of the publication.", json_schema_extra=_NAME)
    customers: int = Field(description="How many customers it holds.")


class SuggestedPlay(Response):
    """What to do with a customer, by the rules of the settings; amounts as of when the model was trained."""

    customer_id: str
    display_name: str | None
    owner: str | None = Field(description="Who looks after the customer.")
    play: str
    action: str = Field(description="What to do.")
    reasons: str = Field(description="The properties for which the rule fits, and the model's reasons.")
    value: float = Field(description="Network value and direct value, in currency.")
    value_low: float = Field(description="Lower end of its interval.")
    value_high: float = Field(description="Upper end of its interval.")
    network_value: float
    direct_value: float = Field(description="What the customer is expected to spend, in currency.")
    max_cost: float | None = Field(
        description="What the play may cost at most, in currency; null where no margin is known."
    )


class PlayTotal(Response):
    """How many customers get a play."""

    play: str
    action: str
    customers: int


class PlaysResponse(SnapshotResponse):
    """A part of the list of customers with a play, the most valuable of each play first."""

    plays_as_of: str = Field(
        description="Moment of what plays were chosen by, UTC.", json_schema_extra=MOMENT
    )
    customers: list[SuggestedPlay]
    total: int = Field(description="How many customers there are with this play and owner.")
    limit: int
    offset: int
    play: str | None
    owner: str | None
    plays: list[PlayTotal] = Field(description="Every play that somebody gets, whoever is asked for.")


class CustomerPlaysResponse(SnapshotResponse):
    """The plays of a customer: one, or none where no rule fits."""

    plays_as_of: str = Field(
        description="Moment of what plays were chosen by, UTC.", json_schema_extra=MOMENT
    )
    customer_id: str
    plays: list[SuggestedPlay]


class PublishedScore(Response):
    """The score of a customer in a publication."""

    publication: str = Field(description="Its name.", json_schema_extra=_NAME)
    model_version: str
    as_of: str = Field(description="Moment of its features, UTC.", json_schema_extra=MOMENT)
    network_value: float
    rank: int = Field(description="1 is the highest network value.")
    customers: int = Field(description="How many customers the publication held.")
    top_member: bool = Field(description="Whether the rank was within the top share.")


class HistoryResponse(SnapshotResponse):
    """The scores of a customer in every publication that is kept and held the customer, the newest first."""

    customer_id: str
    history: list[PublishedScore]


class ChangedCustomer(Response):
    """A customer who entered or left the top, or whose network value changed."""

    customer_id: str
    network_value: float
    network_value_before: float | None = Field(description="Null if the earlier publication lacks them.")
    rank: int
    rank_before: int | None = Field(description="Likewise.")
    top_member: bool
    top_member_before: bool


class PublicationName(Response):
    """A publication that can be compared with."""

    publication: str = Field(description="Its name.", json_schema_extra=_NAME)
    model_version: str
    as_of: str = Field(description="Moment of its features, UTC.", json_schema_extra=MOMENT)


class ChangesResponse(SnapshotResponse):
    """What changed from an earlier publication to the one that is served."""

    publication: str = Field(
        description="Name of the publication that is served: since of the next request.",
        json_schema_extra=_NAME,
    )
    since: PublicationName
    customers: list[ChangedCustomer] = Field(description="In order of rank.")
    total: int = Field(description="How many customers changed.")
    limit: int
    offset: int
    min_change: float | None
    gone: int = Field(description="How many of the top of then are no longer customers; they are not listed.")
    kept: list[PublicationName] = Field(description="The publications that can be compared with.")
