"""What requests and answers look like. OpenAPI, the service, the client and the tests all read this."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

MOST_CUSTOMERS = 1000
MOST_REASONS = 10
MOST_LISTED = 1000


def _explain(value: Any) -> Any:
    # true would pass for 1
    if value is False:
        return 0
    if type(value) is not int:
        raise PydanticCustomError("explain_type", "Expected false or a number of reasons")
    return value


_EXPLAIN = {"anyOf": [{"const": False}, {"type": "integer", "minimum": 0, "maximum": MOST_REASONS}]}


class _Strict(BaseModel):
    # strict: "1.5" and true are not numbers; NaN and Infinity are not JSON
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class CustomerFeatures(_Strict):
    """A customer by its features: all of them, or those to override where the snapshot knows the customer."""

    customer_id: str | None = Field(None, description="Echoed; looked up for the features that are not sent.")
    features: dict[str, float | None] = Field(
        description="Feature name → number; null where it is undefined."
    )


class ScoreRequest(_Strict):
    """Whom to score: customer_ids or customers, exactly one of the two."""

    # without an example of its own, the OpenAPI page offers one with both
    model_config = ConfigDict(json_schema_extra={"example": {"customer_ids": ["c000042"], "explain": 3}})

    customer_ids: list[str] | None = Field(
        None,
        min_length=1,
        max_length=MOST_CUSTOMERS,
        description="Customers to score from the latest feature snapshot.",
    )
    customers: list[CustomerFeatures] | None = Field(
        None, min_length=1, max_length=MOST_CUSTOMERS, description="Customers to score from features sent."
    )
    explain: Annotated[int, BeforeValidator(_explain), WithJsonSchema(_EXPLAIN)] = Field(
        0,
        ge=0,
        le=MOST_REASONS,
        description="How many reasons to give for each head, the strongest first; false or 0 for none.",
    )

    @model_validator(mode="after")
    def _one_of_two(self) -> ScoreRequest:
        if (self.customer_ids is None) == (self.customers is None):
            raise PydanticCustomError(
                "one_of_two", "Expected customer_ids or customers, exactly one of the two"
            )
        return self

    @property
    def size(self) -> int:
        """How many customers are asked about."""
        return len(self.customer_ids or self.customers or ())


class TopRequest(_Strict):
    """Which part of the ranking to list."""

    limit: int = Field(100, ge=1, le=MOST_LISTED, description="How many customers at most.")
    offset: int = Field(0, ge=0, le=2**31, description="How many to pass over.")
    segment: str | None = Field(None, description="Only customers of this segment; /v1/model lists them.")


class CustomerRequest(_Strict):
    """How much to tell about one customer."""

    explain: int = Field(
        0, ge=0, le=MOST_REASONS, description="How many reasons to give for each head, the strongest first."
    )


class Reason(_Strict):
    """One feature's part in one score."""

    feature: str
    family: str
    value: float | None = Field(description="The feature's value; null where it is undefined.")
    in_words: str = Field(description="The same with its unit.")
    effect: float = Field(description="What it adds to the score: currency, or log-odds.")
    direction: Literal["raises", "lowers"]
    text: str = Field(description="Value and effect in a sentence.")


class HeadExplanation(_Strict):
    """Why one score is what it is: base and families add up to it."""

    base: float = Field(description="Where every customer starts: currency, or log-odds.")
    families: dict[str, float] = Field(description="What all features of a family add, in the same unit.")
    reasons: list[Reason] = Field(description="The strongest features, strongest first.")


class Explanation(_Strict):
    """Both scores explained. They say what moved the model, not what causes what."""

    value: HeadExplanation = Field(description="network_value, in currency.")
    top: HeadExplanation = Field(description="top_probability, as log-odds.")


_EXPLAINED: JsonDict = {
    "base": 120.0,
    "families": {"referent": 310.5, "engagement": -18.5},
    "reasons": [
        {
            "feature": "reach_90d",
            "family": "referent",
            "value": 14.0,
            "in_words": "14 customers",
            "effect": 204.1,
            "direction": "raises",
            "text": "reach 90d is 14 customers: raises the expected network value ×1.72",
        }
    ],
}


class CustomerScore(_Strict):
    """The prediction for one customer."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "customer_id": "c000042",
                "network_value": 412.0,
                "network_value_low": 0.0,
                "network_value_high": 1130.0,
                "top_probability": 0.11,
                "top_member": True,
                "rank": 37,
                "percentile": 99.4,
                "overridden": [],
                "explanation": {"value": _EXPLAINED},
            }
        }
    )

    customer_id: str | None
    network_value: float = Field(description="Revenue of others expected because of this customer.")
    network_value_low: float = Field(description="Lower end of the interval; /v1/model tells its coverage.")
    network_value_high: float
    top_probability: float = Field(description="Calibrated probability of being at the top.")
    top_member: bool = Field(description="Whether the predicted rank is within the top share.")
    rank: int = Field(description="1 is the highest network value among the snapshot's customers.")
    percentile: float = Field(description="How many percent of the snapshot's customers rank no higher.")
    overridden: list[str] = Field(description="Features sent in place of what the snapshot knows.")
    explanation: Explanation | None = Field(None, description="Only where it was asked for.")


class _FromSnapshot(_Strict):
    model_version: str
    as_of: str = Field(description="Moment of the feature snapshot, UTC.")
    currency: str
    horizon_days: int


class ScoreResponse(_FromSnapshot):
    """Predictions in the order asked for."""

    customers: list[CustomerScore]
    not_found: list[str] = Field(description="Customer ids that the snapshot does not know.")


class TopResponse(_FromSnapshot):
    """A part of the ranking."""

    customers: list[CustomerScore]
    total: int = Field(description="How many customers there are in all, or in the segment.")
    limit: int
    offset: int
    segment: str | None


class CustomerResponse(_FromSnapshot):
    """One customer."""

    customer: CustomerScore


class FeatureInfo(_Strict):
    """What a feature is."""

    name: str
    family: str
    unit: str
    description: str


class ModelResponse(_FromSnapshot):
    """What is served, and how good it was found to be."""

    customers: int = Field(description="How many the snapshot holds.")
    top_share: float
    trained_until: str
    label: str
    interval_coverage: float = Field(description="Share of realised values that the interval holds.")
    features: list[FeatureInfo]
    segments: dict[str, int] = Field(description="Segment → how many customers belong to it.")
    measures: dict[str, float | None] | None = Field(
        description="Measures of the backtest; null for a bundle without them."
    )
    card: str | None = Field(description="The model card, in Markdown; null for a bundle without one.")


class Problem(_Strict):
    """Why a request was refused."""

    code: str = Field(description="Stable name of the rule that was broken.")
    message: str = Field(description="What was found and what was expected.")
    where: str = Field(description="The field, such as customers[0].features.orders_90d; body for all of it.")
    hint: str = Field(description="What to do about it.")


class ErrorResponse(_Strict):
    """Every error has this shape."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "error": {
                    "code": "unknown_feature",
                    "message": "The model has no feature 'order_90d'.",
                    "where": "customers[0].features.order_90d",
                    "hint": "Did you mean 'orders_90d'?",
                }
            }
        }
    )

    error: Problem
