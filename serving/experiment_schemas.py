"""The answers of the HTTP API about experiments with plays, as `ripple publish` keeps them too."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ripple.serving.schemas import MOMENT, ExperimentArm, ResponseModel, SnapshotResponse

__all__ = ["ExperimentArm"]

Verdict = Literal["worked", "harmed", "not shown", "too small to say"]


class ExperimentEffect(ResponseModel):
    """What a play did to one outcome, per treated customer (intention to treat)."""

    outcome: str = Field(description="Its name; `outcomes` of the experiment describes it.")
    effect: float = Field(description="In currency; a share of customers for active.")
    low: float = Field(description="Lower end of the 95 % interval, which holds at every look.")
    high: float = Field(description="Upper end of the same.")
    p_value: float = Field(description="Corrected for the number of plays.")
    held_out_mean: float = Field(description="The mean of the customers who were held out.")
    verdict: Verdict


class ExperimentPlay(ResponseModel):
    """One play of an experiment: its arms and, once it was read, what it did."""

    play: str
    treated: int = Field(description="Customers to treat.")
    held_out: int = Field(description="Customers to leave alone.")
    treated_units: int = Field(description="Units of these, which are treated or held out together.")
    held_out_units: int
    expected_value: float = Field(
        description="What a customer is expected to bring over the horizon, with those they reach."
    )
    cost: float | None = Field(description="Per treated customer; null where it was not given.")
    verdict: Literal["worked", "harmed", "not shown", "too small to say", "not read"] = Field(
        description="On the primary outcome; not read before somebody read it."
    )
    finding: str | None = Field(description="The same in sentences; null before it was read.")
    through_others: float | None = Field(
        description="Share of the effect that came through others; null unless the play worked."
    )
    effects: list[ExperimentEffect] = Field(description="By outcome; empty before it was read.")


class Experiment(ResponseModel):
    """The design of an experiment and, once it was read, what it found, as known at the snapshot's moment."""

    name: str
    status: Literal["planned", "running", "ended"] = Field(
        description="As of the snapshot's moment, whatever the clock says."
    )
    designed: str = Field(description="End of what was known at the design, UTC.", json_schema_extra=MOMENT)
    start: str = Field(description="Outcomes count after it, UTC.", json_schema_extra=MOMENT)
    end: str = Field(description="Planned end, up to which they count, UTC.", json_schema_extra=MOMENT)
    horizon_days: int = Field(description="Days from start to end.")
    model_version: str = Field(description="The version that chose the customers.")
    units: Literal["ego", "community", "customer"] = Field(
        description="Who is in one arm together: those with a common audience, a community, or each alone."
    )
    primary_outcome: str = Field(description="The outcome by which plays are judged.")
    outcomes: dict[str, str] = Field(description="Name of each outcome that is compared → what it is.")
    plays: list[ExperimentPlay]
    read_until: str | None = Field(
        description="Up to when outcomes were read, UTC; null before that.", json_schema_extra=MOMENT
    )
    final: bool = Field(description="Whether all of the time was read.")
    failed_checks: list[str] = Field(
        description="What did not go as planned, by the checks of the read-out; empty before it."
    )


class ExperimentResponse(SnapshotResponse):
    """One experiment."""

    experiment: Experiment


class ExperimentsResponse(SnapshotResponse):
    """All experiments that were published, by start and name."""

    experiments: list[Experiment]
