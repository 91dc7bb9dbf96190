"""What an answer says of features sent, and of changes of features."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ripple.serving.messages.base import Response

MAX_SUGGESTIONS = 10
"""The number of features, at most, whose change is suggested."""
MAX_SUGGESTED = 10
"""The number of customers, at most, of a request for suggestions: each is scored hundreds of times."""

Suggest = Annotated[
    int,
    Field(
        ge=0,
        le=MAX_SUGGESTIONS,
        description="For how many controllable features to give the value at which the model expects most; "
        f"with at most {MAX_SUGGESTED} customers.",
    ),
]


class FlaggedValue(Response):
    """A value sent that is impossible, or that no customer of training had: the score is a guess then."""

    feature: str
    value: float
    rule: Literal["impossible", "unseen"] = Field(
        description="Impossible by its unit, or unseen in training."
    )
    low: float | None = Field(description="The lowest value that is possible, or was seen; null if any.")
    high: float | None = Field(description="The highest.")
    text: str = Field(description="The same in a sentence.")


class Suggestion(Response):
    """Another value of one feature, all others as they are: what the model says, not what would happen."""

    feature: str
    family: str
    value: float | None = Field(description="The feature's value; null where it is undefined.")
    to: float = Field(description="The other value, within what training saw.")
    network_value: float = Field(description="What the model then expects, in currency.")
    change: float = Field(description="How much more that is, in currency.")
    text: str = Field(description="The same in a sentence.")
