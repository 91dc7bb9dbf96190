"""Reads an experiment: effects with intervals, checks, and a conclusion for each play and outcome."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import numpy as np
import pandas as pd

from ripple.errors import InputError
from ripple.features.dataset import Dataset
from ripple.training.experiments.checks import Check, check_experiment
from ripple.training.experiments.design import Design
from ripple.training.experiments.estimation import Effect, TooFewUnits, estimate_effect, holm
from ripple.training.experiments.layout import TREATMENT
from ripple.training.experiments.outcomes import ACTIVE, AUDIENCE, OUTCOMES, TOTAL, covariates, outcomes
from ripple.training.experiments.participants import compliance, participants
from ripple.training.experiments.sequential import ALPHA
from ripple.training.measured_effects import MeasuredEffect

Conclusion = Literal["worked", "harmed", "not shown", "too small to say"]


@dataclass(frozen=True)
class OutcomeReading:
    """What was found of one outcome of one play.

    Attributes:
        outcome: its name.
        effect: per treated customer.
        p_value: corrected for the number of plays (Holm).
        wanted: the effect that would have made the play worth while, over the time read.
        conclusion: one of four.
    """

    outcome: str
    effect: Effect
    p_value: float
    wanted: float
    conclusion: Conclusion


@dataclass(frozen=True)
class PlayReading:
    """What was found of one play.

    Attributes:
        play: its name.
        outcomes: by outcome; empty where `problem` says why.
        value: what a customer was expected to bring in the time read, in currency.
        cost: cost per treated customer, if given.
        break_even: the effect at which the margin pays for the cost; None where either is not known.
        through_others: the share of the effect that came through the audience; None unless the play worked.
        problem: why nothing can be said; empty otherwise.
    """

    play: str
    outcomes: tuple[OutcomeReading, ...]
    value: float
    cost: float | None
    break_even: float | None
    through_others: float | None
    problem: str = ""

    def of(self, outcome: str) -> OutcomeReading | None:
        """What was found of that *outcome*, if anything."""
        return next((one for one in self.outcomes if one.outcome == outcome), None)


@dataclass(frozen=True)
class Readout:
    """A read-out of an experiment.

    Attributes:
        experiment: its name.
        currency: the unit of money.
        start, until: outcomes count in (start, until].
        fraction: the share of the planned time that has passed; 1 at the end.
        plays: what was found.
        checks: whether the experiment went as planned.
    """

    experiment: str
    currency: str
    start: datetime
    until: datetime
    fraction: float
    plays: tuple[PlayReading, ...]
    checks: tuple[Check, ...]

    @property
    def days(self) -> int:
        """The days that were read."""
        return (self.until - self.start) // timedelta(days=1)


def read_out(
    dataset: Dataset, design: Design, assignments: pd.DataFrame, audience: pd.DataFrame, as_of: datetime
) -> Readout:
    """Read the experiment of *design* by what was known at *as_of*.

    Args:
        dataset: the data.
        design, assignments, audience: see `read_design`.
        as_of: at most the end of the data.

    Raises:
        InputError: the experiment had not begun, or an arm has fewer than two units in the data.
    """
    if as_of - design.start < timedelta(days=1):
        raise InputError(
            f"The experiment {design.name} began on {design.start:%Y-%m-%d}, and the data are read as of "
            f"{as_of:%Y-%m-%d}: there is nothing to read yet. It ends on {design.end:%Y-%m-%d}."
        )
    dataset, end = dataset.limited_to(as_of), min(design.end, as_of)
    fraction = (end - design.start) / (design.end - design.start)
    found = participants(dataset, assignments, audience)
    rows, ids = found.rows, pd.Index(found.rows["id"], name="customer_id")
    length = end - design.start
    before = outcomes(dataset, design.start - length, design.start, ids, found.audience, credited=False)
    after = outcomes(dataset, design.start, end, ids, found.audience)
    complied = compliance(dataset, rows, design.start, end)
    readings = _readings(design, rows, before, after, fraction)
    if all(reading.problem for reading in readings):
        raise InputError(f"Nothing can be read: {'; '.join(reading.problem for reading in readings)}.")
    checks = check_experiment(dataset, design, assignments, found, before, complied)
    return Readout(design.name, design.currency, design.start, end, fraction, tuple(readings), tuple(checks))


def measured_effects(readout: Readout) -> list[MeasuredEffect]:
    """What training takes in place of `plays.effect`: effects on total revenue that say something."""
    effects = []
    for reading in readout.plays:
        total = reading.of(TOTAL)
        if total is None or total.conclusion == "too small to say" or reading.value <= 0:
            continue
        if readout.fraction < 1 and total.conclusion == "not shown":
            continue
        effect, low, high = (
            bound / reading.value for bound in (total.effect.effect, total.effect.low, total.effect.high)
        )
        effects.append(
            MeasuredEffect(
                reading.play, readout.experiment, effect, low, high, readout.until, total.effect.treated
            )
        )
    return effects


def _readings(
    design: Design, rows: pd.DataFrame, before: pd.DataFrame, after: pd.DataFrame, fraction: float
) -> list[PlayReading]:
    found: dict[str, dict[str, Effect]] = {}
    problems: dict[str, str] = {}
    for play in design.plays:
        mask = (rows["play"] == play).to_numpy()
        try:
            found[play] = _effects(rows[mask], before[mask], after[mask], fraction, design.seed)
        except TooFewUnits as error:
            problems[play] = f"of {play}, {error}"
    corrected = {
        name: dict(zip(found, holm([effects[name].p_value for effects in found.values()]), strict=True))
        for name in OUTCOMES
    }
    readings = []
    for play, plan in design.plays.items():
        if play in problems:
            readings.append(
                PlayReading(play, (), plan.value * fraction, plan.cost, None, None, problems[play])
            )
            continue
        of_play = tuple(
            # money grows with the days, a share of customers does not
            _outcome(
                name,
                effect,
                corrected[name][play],
                plan.prospects[name].wanted * (1 if name == ACTIVE else fraction),
            )
            for name, effect in found[play].items()
        )
        readings.append(_play(play, of_play, design, fraction))
    return readings


def _effects(
    rows: pd.DataFrame, before: pd.DataFrame, after: pd.DataFrame, fraction: float, seed: int
) -> dict[str, Effect]:
    expected = rows.assign(value=rows["network_value"] + rows["direct_value"])
    treated = (rows["arm"] == TREATMENT).to_numpy()
    unit, stratum = rows["unit"].to_numpy(), rows["stratum"].to_numpy()
    return {
        name: estimate_effect(
            after[name].to_numpy(np.float64),
            treated,
            unit,
            stratum,
            covariates(name, before, expected),
            fraction=fraction,
            seed=seed,
        )
        for name in OUTCOMES
    }


def _outcome(name: str, effect: Effect, p_value: float, wanted: float) -> OutcomeReading:
    return OutcomeReading(name, effect, p_value, wanted, conclude(effect, p_value, wanted))


def conclude(effect: Effect, p_value: float, wanted: float) -> Conclusion:
    """What an effect says: found above or below zero, shown to be smaller than wanted, or none of these."""
    if p_value < ALPHA:
        return "worked" if effect.effect > 0 else "harmed"
    return "not shown" if effect.high < wanted else "too small to say"


def _play(play: str, of_play: Sequence[OutcomeReading], design: Design, fraction: float) -> PlayReading:
    plan = design.plays[play]
    by_name = {one.outcome: one for one in of_play}
    total, audience = by_name[TOTAL], by_name[AUDIENCE]
    break_even = through_others = None
    if plan.cost is not None and design.margin_share:
        break_even = plan.cost / design.margin_share
    if total.conclusion == "worked":
        through_others = min(max(audience.effect.effect / total.effect.effect, 0.0), 1.0)
    return PlayReading(play, tuple(of_play), plan.value * fraction, plan.cost, break_even, through_others)
