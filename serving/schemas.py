"""The requests and answers of the HTTP API, for the service, its OpenAPI document and the client."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from ripple.serving.messages.base import MAX_LIMIT as MAX_LIMIT
from ripple.serving.messages.base import MAX_REASONS as MAX_REASONS
from ripple.serving.messages.base import MOMENT as MOMENT
from ripple.serving.messages.base import ErrorResponse as ErrorResponse
from ripple.serving.messages.base import Problem as Problem
from ripple.serving.messages.base import Request as _Request
from ripple.serving.messages.base import Response as ResponseModel
from ripple.serving.messages.base import SnapshotResponse as SnapshotResponse
from ripple.serving.messages.what_if import FlaggedValue, Suggest, Suggestion

MAX_CUSTOMERS = 1000
"""The number of customers, at most, in one request."""


def _reason_count(value: Any) -> Any:
    # Pydantic would take true for 1
    if value is False:
        return 0
    if type(value) is not int:
        raise PydanticCustomError("explain_type", "Expected false or a number of reasons")
    return value


_EXPLAIN_SCHEMA = {
    "oneOf": [
        {"type": "integer", "minimum": 0, "maximum": MAX_REASONS},
        {"type": "boolean", "enum": [False]},
    ]
}


class CustomerFeatures(_Request):
    """A customer by its features: all of them, or those to override where the snapshot knows the customer."""

    customer_id: str | None = Field(None, description="Echoed; looked up for the features that are not sent.")
    features: dict[str, float | None] = Field(
        description="Feature name → number; null where it is undefined."
    )


Ids = Annotated[
    list[str],
    Field(
        min_length=1,
        max_length=MAX_CUSTOMERS,
        description="Customers to score from the latest feature snapshot.",
    ),
]
Customers = Annotated[
    list[CustomerFeatures],
    Field(min_length=1, max_length=MAX_CUSTOMERS, description="Customers to score from features sent."),
]
Explain = Annotated[
    int,
    BeforeValidator(_reason_count),
    WithJsonSchema(_EXPLAIN_SCHEMA),
    Field(
        ge=0,
        le=MAX_REASONS,
        description="How many reasons to give for each head, the strongest first; false or 0 for none.",
    ),
]


class ScoreByIds(_Request):
    """Customers of the snapshot to score."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"customer_ids": ["c000042"], "explain": 3}]})

    customer_ids: Ids
    explain: Explain = 0
    suggest: Suggest = 0


class ScoreByFeatures(_Request):
    """Customers to score by features."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"customers": [{"customer_id": "c000042", "features": {"out_degree": 30.0}}]}]
        }
    )

    customers: Customers
    explain: Explain = 0
    suggest: Suggest = 0


class ScoreRequest(_Request):
    """The customers to score: customer_ids or customers, exactly one of the two."""

    customer_ids: Ids | None = None
    customers: Customers | None = None
    explain: Explain = 0
    suggest: Suggest = 0

    @model_validator(mode="after")
    def _validate_one_of_two(self) -> ScoreRequest:
        if (self.customer_ids is None) == (self.customers is None):
            raise PydanticCustomError(
                "one_of_two", "Expected customer_ids or customers, exactly one of the two"
            )
        return self

    @property
    def size(self) -> int:
        """The number of customers to score."""
        return len(self.customer_ids or self.customers or ())


class TopRequest(_Request):
    """The part of the ranking to list."""

    limit: int = Field(100, ge=1, le=MAX_LIMIT, description="How many customers at most.")
    offset: int = Field(0, ge=0, le=2**31, description="How many to pass over.")
    segment: str | None = Field(None, description="Only customers of this segment; /v1/model lists them.")


class CustomerRequest(_Request):
    """The number of reasons for the scores of one customer."""

    explain: int = Field(
        0, ge=0, le=MAX_REASONS, description="How many reasons to give for each head, the strongest first."
    )


class Reason(ResponseModel):
    """The contribution of one feature to one score."""

    feature: str
    family: str
    value: float | None = Field(description="The feature's value; null where it is undefined.")
    in_words: str = Field(description="The same with its unit.")
    effect: float = Field(description="Its contribution to the score: currency, or log-odds.")
    direction: Literal["raises", "lowers"]
    text: str = Field(description="Value and effect in a sentence.")


class HeadExplanation(ResponseModel):
    """The explanation of one score: base and families add up to it."""

    base: float = Field(description="The base value, the same for every customer: currency, or log-odds.")
    families: dict[str, float] = Field(
        description="The sum over the features of each family, in the same unit."
    )
    reasons: list[Reason] = Field(description="The strongest features, strongest first.")


class Explanation(ResponseModel):
    """The explanations of both scores. They describe the model, not causes."""

    value: HeadExplanation = Field(description="network_value, in currency.")
    top: HeadExplanation = Field(description="top_probability, as log-odds.")


_EXAMPLE: JsonDict = {
    "customer_id": "c004663",
    "network_value": 412.0,
    "network_value_low": 0.0,
    "network_value_high": 1130.0,
    "any_value_probability": 0.64,
    "if_any_value_low": 55.0,
    "if_any_value_high": 1480.0,
    "top_probability": 0.11,
    "top_member": True,
    "rank": 37,
    "percentile": 99.4,
    "overridden": [],
    "explanation": {
        "value": {
            "base": 120.0,
            "families": {"network": 310.5, "engagement": -18.5},
            "reasons": [
                {
                    "feature": "out_degree",
                    "family": "network",
                    "value": 14.0,
                    "in_words": "14 customers",
                    "effect": 204.1,
                    "direction": "raises",
                    "text": "out degree is 14 customers: raises the expected network value ×1.98",
                }
            ],
        },
        "top": {
            "base": -4.6,
            "families": {"network": 2.9, "engagement": -0.4},
            "reasons": [
                {
                    "feature": "out_degree",
                    "family": "network",
                    "value": 14.0,
                    "in_words": "14 customers",
                    "effect": 1.5,
                    "direction": "raises",
                    "text": "out degree is 14 customers: raises the odds of being at the top ×4.48",
                }
            ],
        },
    },
}


def _describe_score(schema: JsonDict) -> None:
    schema["examples"] = [_EXAMPLE]
    # these are left out, rather than null, where nobody asked for them or there is nothing to tell
    for name in ("explanation", "flagged", "suggestions"):
        schema["required"].remove(name)  # type: ignore[union-attr]


class CustomerScore(ResponseModel):
    """The prediction for one customer."""

    model_config = ConfigDict(json_schema_extra=_describe_score)

    customer_id: str | None
    network_value: float = Field(
        description="Revenue of others expected because of this customer: the mean of what may come, which "
        "can lie above network_value_high where nothing comes most of the time."
    )
    network_value_low: float = Field(description="Lower end of the interval; /v1/model tells its coverage.")
    network_value_high: float = Field(
        description="Upper end; zero where nothing comes with the interval's coverage or more."
    )
    any_value_probability: float | None = Field(
        None, description="Calibrated probability that any comes; null for a model without it."
    )
    if_any_value_low: float | None = Field(
        None, description="Lower end of the interval of what comes if any does."
    )
    if_any_value_high: float | None = Field(None, description="Upper end of the same.")
    top_probability: float = Field(description="Calibrated probability of being at the top.")
    top_member: bool = Field(description="Whether the predicted rank is within the top share.")
    rank: int = Field(description="1 is the highest network value among the snapshot's customers.")
    percentile: float = Field(description="How many percent of the snapshot's customers rank no higher.")
    overridden: list[str] = Field(description="Features sent in place of those of the snapshot.")
    explanation: Explanation | None = Field(None, description="Only if it was requested.")
    flagged: list[FlaggedValue] | None = Field(
        None, description="Values sent that are impossible or unseen; only if there are any."
    )
    suggestions: list[Suggestion] | None = Field(
        None, description="Changes that raise the network value most, by the model; only if requested."
    )


class ScoreResponse(SnapshotResponse):
    """Predictions in the order of the request."""

    customers: list[CustomerScore]
    not_found: list[str] = Field(description="Customer ids that the snapshot does not know.")


class TopResponse(SnapshotResponse):
    """A part of the ranking."""

    customers: list[CustomerScore]
    total: int = Field(description="How many customers there are in all, or in the segment.")
    limit: int
    offset: int
    segment: str | None


class ExperimentArm(ResponseModel):
    """What is planned for a customer in an experiment that runs as of the snapshot."""

    experiment: str = Field(description="Its name; /v1/experiments/{name} tells its design.")
    play: str
    arm: Literal["treatment", "holdout"] = Field(
        description="treatment: gets the play; holdout: must not get it."
    )
    start: str = Field(description="Outcomes count after it, UTC.", json_schema_extra=MOMENT)
    end: str = Field(description="They count up to it, UTC.", json_schema_extra=MOMENT)


class CustomerResponse(SnapshotResponse):
    """One customer."""

    customer: CustomerScore
    experiments: list[ExperimentArm] = Field(
        default_factory=list, description="Arms of running experiments; empty where there is none."
    )


class CreditedPair(ResponseModel):
    """Somebody whose purchases are credited to another customer, or who is credited with theirs."""

    customer_id: str = Field(description="The other one: who bought, or who was credited.")
    product: str = Field(description="The one with the most credit, if there are several.")
    date: str = Field(
        description="Day of the first purchase of the product, or on which somebody referred joined, UTC.",
        json_schema_extra={"format": "date", "examples": ["2025-11-03"]},
    )
    contact: str | None = Field(description="Kind of the last contact before it, or referral.")
    probability: float = Field(description="That a purchase came by who is credited; 1 for a referral.")
    value: float = Field(description="The credit for all of their purchases, in currency.")


class InfluenceResponse(SnapshotResponse):
    """Whom a customer influenced, and who influenced them, by value, as of the last closed window."""

    customer_id: str
    window_start: str = Field(description="Purchases count after it, UTC.", json_schema_extra=MOMENT)
    window_end: str = Field(description="They count up to it, UTC.", json_schema_extra=MOMENT)
    influenced: list[CreditedPair] = Field(description="Who bought because of them: at most 100, by value.")
    influenced_by: list[CreditedPair] = Field(description="Who is credited with their purchases: likewise.")


class FeatureInfo(ResponseModel):
    """The documentation of a feature."""

    name: str
    family: str
    unit: str
    description: str
    levels: dict[str, float] | None = Field(
        None,
        description="Of an attribute that is a category: level → the number to send for it; null for others.",
    )
    controllable: bool | None = Field(None, description="Whether suggestions may be about it.")
    seen_low: float | None = Field(None, description="The lowest value that training saw; null if one only.")
    seen_high: float | None = Field(None, description="The highest.")


class ModelResponse(SnapshotResponse):
    """The model and snapshot that are served, and the metrics of the backtest."""

    customers: int = Field(description="How many the snapshot holds.")
    top_share: float
    trained_until: str = Field(description="End of the data of training, UTC.", json_schema_extra=MOMENT)
    label: str
    interval_coverage: float = Field(description="Share of realised values within the interval.")
    features: list[FeatureInfo]
    segments: dict[str, int] = Field(description="Segment → how many customers belong to it.")
    measures: dict[str, float | None] | None = Field(
        description="Metrics of the backtest; null for a bundle without them."
    )
    card: str | None = Field(description="The model card, in Markdown; null for a bundle without one.")
