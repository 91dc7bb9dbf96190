"""What a scoring request and its answer look like. OpenAPI, the service and its tests all read this."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

MOST_CUSTOMERS = 1000
MOST_REASONS = 20


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
    model_config = ConfigDict(json_schema_extra={"example": {"customer_ids": ["c1", "c2"], "reasons": 3}})

    customer_ids: list[str] | None = Field(
        None,
        min_length=1,
        max_length=MOST_CUSTOMERS,
        description="Customers to score from the latest feature snapshot.",
    )
    customers: list[CustomerFeatures] | None = Field(
        None, min_length=1, max_length=MOST_CUSTOMERS, description="Customers to score from features sent."
    )
    reasons: int = Field(
        5, ge=0, le=MOST_REASONS, description="Reasons per head; the strongest come, strongest first."
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


class Reason(_Strict):
    """One feature's part in one score."""

    feature: str
    family: str
    value: float | None = Field(description="The feature's value; null where it is undefined.")
    effect: float = Field(description="Contribution on the log scale.")
    factor: float = Field(description="e^effect: what the value, or the odds, are multiplied by.")
    text: str = Field(description="The same in words.")


class Reasons(_Strict):
    """Reasons of both heads; effects of all features and the model's base add up to the score's logarithm."""

    value: list[Reason] = Field(description="What moved network_value, on its log scale.")
    top: list[Reason] = Field(description="What moved top_probability, in log-odds.")


class CustomerScore(_Strict):
    """The prediction for one customer."""

    customer_id: str | None
    network_value: float = Field(description="Revenue of others expected because of this customer.")
    network_value_low: float
    network_value_high: float
    top_probability: float = Field(description="Calibrated probability of being at the top.")
    top_member: bool = Field(description="Whether the predicted rank is within the top share.")
    rank: int = Field(description="1 is the highest network value among the snapshot's customers.")
    overridden: list[str] = Field(description="Features sent in place of what the snapshot knows.")
    reasons: Reasons


class ScoreResponse(_Strict):
    """Predictions in the order asked for."""

    model_version: str
    as_of: str = Field(description="Moment of the feature snapshot, UTC.")
    currency: str
    horizon_days: int
    customers: list[CustomerScore]
    not_found: list[str] = Field(description="Customer ids that the snapshot does not know.")


class Problem(_Strict):
    """Why a request was refused."""

    code: str = Field(description="Stable name of the rule that was broken.")
    message: str = Field(description="What was found and what was expected.")
    where: str = Field(description="The field, such as customers[0].features.orders_90d; body for all of it.")
    hint: str = Field(description="What to do about it.")


class ErrorResponse(_Strict):
    """Every error has this shape."""

    error: Problem
