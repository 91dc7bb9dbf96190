"""What our plays did: what experiments found, what was only guessed, and who was treated when.

The figures of an experiment are those of `ripple experiment read`, by the same functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ripple.training.experiments.outcomes import ACTIVE, TOTAL
from ripple.training.experiments.readout import OutcomeReading, PlayReading, Readout
from ripple.training.experiments.text import (
    amount,
    between,
    outcome_name,
    outcome_sentence,
    play_sentences,
)
from ripple.training.insights.plays_log import PlaysLog
from ripple.training.kept_experiments import KeptExperiment
from ripple.training.measured_effects import MeasuredEffect
from ripple.training.report.plots.forest import forest
from ripple.training.report.text import words
from ripple.training.report.text.words import Cell
from ripple.training.result import TrainingResult

MAX_CONTACTS = 10
"""The number of contacts, the latest first, that the page lists; the table plays_log has all."""


def experiments_section(result: TrainingResult, kept: Sequence[KeptExperiment]) -> dict[str, Any] | None:
    """What is known of what plays did; None where there is neither an experiment nor a table plays_log."""
    log = result.insights.plays_log
    if not kept and log is None:
        return None
    moment = result.population.as_of
    return {
        "finding": _finding(kept, log, result),
        "lead": _lead(kept),
        "taken": [_taken(str(play), result) for play in result.insights.playbook.plays["play"]],
        "experiments": [
            {
                "name": one.design.name,
                "when": _when(one, result),
                "plays": [_play(play, one.readout) for play in one.readout.plays] if one.readout else [],
                "failed": [
                    f"{check.name}. {check.finding}."
                    for check in (one.readout.checks if one.readout else ())
                    if not check.passed
                ],
                "checks": len(one.readout.checks) if one.readout else 0,
            }
            for one in kept
        ],
        "log": None if log is None else _log(log, result),
        "running": [one.design.name for one in kept if one.status(moment) == "running"],
    }


def _totals(kept: Sequence[KeptExperiment]) -> list[tuple[str, OutcomeReading, Readout]]:
    """The reading of the primary outcome of each play that was read."""
    return [
        (play.play, total, one.readout)
        for one in kept
        if one.readout is not None
        for play in one.readout.plays
        if (total := play.of(TOTAL)) is not None
    ]


def _finding(kept: Sequence[KeptExperiment], log: PlaysLog | None, result: TrainingResult) -> str:
    totals = _totals(kept)
    if totals:
        worked = [total for total in totals if total[1].conclusion == "worked"]
        shown = max(worked or totals, key=lambda total: total[1].effect.effect)
        play, total, readout = shown
        return (
            f"{len(worked)} of {words.plural(len(totals), 'tested play')} worked; {play} brought "
            f"{amount(TOTAL, total.effect.effect, readout.currency)} per treated customer (95 % interval "
            f"{between(TOTAL, total.effect.low, total.effect.high, readout.currency)})"
        )
    if kept:
        return f"0 of {words.plural(len(kept), 'experiment')} {'has' if len(kept) == 1 else 'have'} been read"
    assert log is not None  # or there were no section
    contacted = log.contacts["customer_id"].nunique()
    if not contacted:
        return "0 customers have been contacted for a play"
    return (
        f"{words.plural(contacted, 'customer')} {'was' if contacted == 1 else 'were'} contacted for a play, "
        "and 0 were held out, so what it did is not known"
    )


def _lead(kept: Sequence[KeptExperiment]) -> str:
    if _totals(kept):
        return (
            "Treated and held-out customers were drawn by lot, so the difference is what the play did. "
            "Effects are per treated customer, on the customer and on those they had reached before."
        )
    if kept:
        return "Read one with ripple experiment read, as often as you like."
    return "Hold some customers out next time: ripple experiment design says how many it takes."


def _taken(play: str, result: TrainingResult) -> tuple[str, Cell, str]:
    """A play, the share of the value at stake that this run takes it to win, and why."""
    measured: MeasuredEffect | None = result.insights.playbook.measured.get(play)
    if measured is None:
        guess = result.settings.plays.effect
        return play, Cell(words.percent(guess), guess), "a guess (plays.effect)"
    low, high = words.percent(measured.low), words.percent(measured.high)
    return (
        play,
        Cell(words.percent(measured.effect), measured.effect, low=measured.low, high=measured.high),
        f"measured by {measured.experiment} until {words.day(measured.until)}: 95 % interval {low} to "
        f"{high}, {words.plural(measured.customers, 'treated customer')}",
    )


def _when(one: KeptExperiment, result: TrainingResult) -> str:
    design, readout = one.design, one.readout
    treated = sum(plan.treated for plan in design.plays.values())
    held = sum(plan.held for plan in design.plays.values())
    days = f"from {words.day(design.start)} to {words.day(design.end)}"
    status = one.status(result.population.as_of)
    tense = {"planned": "is planned", "running": "runs", "ended": "ran"}[status]
    sentence = f"It {tense} {days}, with {words.plural(treated, 'customer')} to treat and {held:,} held out."
    if readout is None:
        return f"{sentence} It has not been read."
    if readout.fraction >= 1:
        return f"{sentence} It was read to its end."
    return (
        f"{sentence} It was read until {words.day(readout.until)}, after {readout.fraction:.0%} of the time; "
        "intervals are wider before the end."
    )


def _play(play: PlayReading, readout: Readout) -> dict[str, Any]:
    sentences = " ".join(play_sentences(play, readout))
    money = [one for one in play.outcomes if one.outcome != ACTIVE]
    effects = np.array([[one.effect.effect, one.effect.low, one.effect.high] for one in money])
    return {
        "name": play.play,
        "text": sentences[:1].upper() + sentences[1:],
        "plot": forest(
            [outcome_name(one.outcome) for one in money],
            effects,
            f"{readout.currency} per treated customer in {readout.days} days",
            f"{play.play}: "
            + "; ".join(f"{outcome_name(one.outcome)} {outcome_sentence(one, readout)}" for one in money)
            + ".",
            None if play.break_even is None else (play.break_even, "pays for itself"),
        )
        if money
        else "",
        "outcomes": [_outcome(one, readout.currency) for one in play.outcomes],
    }


def _outcome(one: OutcomeReading, currency: str) -> tuple[str, Cell, Cell, str, str]:
    effect, name = one.effect, one.outcome
    held = f"{effect.held_mean:.0%}" if name == ACTIVE else amount(name, effect.held_mean, currency)
    return (
        outcome_name(name),
        Cell(held, effect.held_mean),
        Cell(amount(name, effect.effect, currency), effect.effect, low=effect.low, high=effect.high),
        between(name, effect.low, effect.high, currency),
        one.conclusion,
    )


def _log(log: PlaysLog, result: TrainingResult) -> dict[str, Any]:
    latest: list[Any] = list(log.contacts.iloc[::-1].head(MAX_CONTACTS).itertuples(index=False))
    return {
        "plays": [
            (
                str(play),
                words.number(rows["customer_id"].nunique()),
                words.number(len(rows)),
                words.day(rows["contacted_at"].min()),
                words.day(rows["contacted_at"].max()),
            )
            for play, rows in log.contacts.groupby("play", sort=True)
        ],
        "latest": [
            (str(row.customer_id), str(row.play), words.day(row.contacted_at), _rest(log.resting, row))
            for row in latest
        ],
        "more": max(len(log.contacts) - MAX_CONTACTS, 0),
        "resting": len(log.resting),
        "rest_days": result.settings.plays.rest_days,
    }


def _rest(resting: pd.Series, row: Any) -> str:
    if row.customer_id not in resting.index:
        return "over"
    until: Any = resting[row.customer_id]
    return f"until {words.day(until)}"
