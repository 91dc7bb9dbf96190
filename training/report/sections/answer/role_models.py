"""Role models: who influences the top, and how the top uses each of the three powers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ripple.training.insights.power_use import DAYS, PowerUse
from ripple.training.report.sections.trust.placebos import no_influence_notice
from ripple.training.report.text import words
from ripple.training.report.text.words import Cell
from ripple.training.result import TrainingResult

MAX_ROWS = 15
NOBODY = "nobody used it"
QUESTIONS = {
    "referent": "Whom do others follow, mention or bring in?",
    "informational": "Whose posts, reviews and content do others read?",
    "expert": "Whom do others ask, and whose templates do they use?",
}
"""The question that each power answers, by power."""


@dataclass(frozen=True)
class RoleModel:
    """A customer who influenced customers of the top.

    Attributes:
        followers: how many of the top they influenced.
        value: what is credited to them of the spend of these.
        examples: the first of these, by value.
    """

    id: str
    followers: Cell
    value: Cell
    member: bool
    play: str
    examples: list[str]


def role_models_section(result: TrainingResult) -> dict[str, Any]:
    """The customers who influence most of the top, and the use of powers by the top and by everybody."""
    top = words.exact_percent(result.settings.top_share)
    members = result.population.scores.index[result.population.scores["top_member"]]
    histories, notice = result.insights.histories, no_influence_notice(result)
    pairs = histories.influencers
    pairs = pairs[pairs["target_id"].isin(members)] if len(pairs) else pairs
    period = (
        f" from {words.day(histories.start)} to {words.day(histories.end)}"
        if histories.start and histories.end
        else ""
    )
    models = _models(pairs, result) if len(pairs) else []
    influenced = pairs["target_id"].nunique() if len(pairs) else 0
    return {
        "finding": (
            f"{words.count(influenced)} of {words.count(len(members))} customers in the top {top} were "
            f"referred or influenced by {words.plural(pairs['source_id'].nunique(), 'customer')}{period}"
            if models
            else f"Nobody is known to have influenced the {words.count(len(members))} customers in the top "
            f"{top}"
        ),
        "caution": f"{notice.title} Read this as who bought before whom, not as influence." if notice else "",
        "models": models[:MAX_ROWS],
        "more": max(len(models) - MAX_ROWS, 0),
        "powers": _powers(result.insights.power_use),
        "days": DAYS,
    }


def _models(pairs: pd.DataFrame, result: TrainingResult) -> list[RoleModel]:
    members = set(result.population.scores.index[result.population.scores["top_member"]])
    plays, currency = result.insights.playbook.customers["play"], result.settings.currency
    by_source = pairs.groupby("source_id").agg(followers=("target_id", "nunique"), value=("value", "sum"))
    by_source = by_source.reset_index().sort_values(
        ["followers", "value", "source_id"], ascending=[False, False, True]
    )
    models = []
    for row in by_source.to_dict("records"):
        own = pairs[pairs["source_id"] == row["source_id"]].sort_values(
            ["value", "target_id"], ascending=[False, True]
        )
        customer = str(row["source_id"])
        models.append(
            RoleModel(
                customer,
                words.number(row["followers"]),
                Cell(words.money(row["value"], currency), float(row["value"])),
                customer in members,
                str(plays[customer]) if customer in plays.index else "no play",
                [str(target) for target in own["target_id"].head(3)],
            )
        )
    return models


def _powers(use: PowerUse) -> list[tuple[str, str, list[Cell]]]:
    """Per power: its name, its question, shares and median reach of the top and of everybody."""
    return [
        (
            row["power"],
            QUESTIONS[row["power"]],
            [
                *(Cell(words.percent(row[name]), float(row[name])) for name in ("top", "everybody")),
                *(_reached(float(row[name])) for name in ("top_reached", "everybody_reached")),
            ],
        )
        for row in use.groups.to_dict("records")
    ]


def _reached(median: float) -> Cell:
    whole = math.isfinite(median) and median == int(median)
    return words.cell(median, f"{median:,.0f}" if whole else f"{median:,.1f}", NOBODY)
