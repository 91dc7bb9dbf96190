"""What is known of one listed customer's past: credit and features by cutoff, and whom they moved."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

from ripple.models.reasons import in_words
from ripple.training.report.plots.svg import bars
from ripple.training.report.text import words
from ripple.training.result import TrainingResult

PERIODS, FEATURES, TARGETS = 8, 3, 8


@dataclass(frozen=True)
class Past:
    """The past of a customer.

    Attributes:
        said: what was credited, in a sentence.
        picture: the same by period.
        names: of the features that follow in each row.
        rows: by cutoff, the day, what was credited after it, own spending after it, then the features at it.
        whom: those whom they brought in or may have moved in the latest closed period, `more` left out.
    """

    said: str
    picture: Markup
    names: list[str]
    rows: list[list[str]]
    whom_said: str
    whom: list[str]
    more: int


def past(result: TrainingResult, customer: str, features: Sequence[str]) -> Past:
    """The past of *customer*, with the first of *features*, their strongest reasons."""
    found, currency = result.histories, result.settings.currency
    shown = list(features)[:FEATURES]
    there = not found.labels.empty and customer in found.labels.index.get_level_values(0)
    labels, known = (
        pd.DataFrame(table.xs(customer, level="customer_id") if there else None).tail(PERIODS)
        for table in (found.labels, found.features)
    )
    units = {feature.name: feature.unit for feature in result.bundle.spec.features}
    moved = found.influenced
    moved = moved[moved["source_id"] == customer] if len(moved) else moved
    days = result.settings.horizon_days
    return Past(
        _said(labels, days, currency),
        bars(
            labels["network_value"].tolist(),
            f"Credited to {customer}, by period: "
            + ", ".join(words.money(value, currency) for value in labels["network_value"]),
        )
        if len(labels)
        else Markup(""),
        [words.spoken(name) for name in shown],
        [
            [
                words.day(pd.Timestamp(str(cutoff))),
                words.money(float(row["network_value"]), currency),
                words.money(float(row["direct_value"]), currency),
                *(in_words(float(values[name]), units[name], currency) for name in shown),
            ]
            for (cutoff, row), (_, values) in zip(labels.iterrows(), known.iterrows(), strict=True)
        ],
        _whom_said(result, moved),
        [_told(row, currency) for row in moved.head(TARGETS).to_dict("records")],
        max(len(moved) - TARGETS, 0),
    )


def _said(labels: pd.DataFrame, days: int, currency: str) -> str:
    if labels.empty:
        return "They had not joined at any earlier cutoff, so there is no history to show."
    credited = labels["network_value"]
    periods = words.plural(len(credited), "earlier period")
    if credited.max() <= 0:
        return f"In {periods} of {days} days nothing was credited to them."
    return (
        f"In {int((credited > 0).sum())} of {periods} of {days} days something was credited to them, at most "
        f"{words.money(float(credited.max()), currency)}; in the latest "
        f"{words.money(float(credited.iloc[-1]), currency)}."
    )


def _whom_said(result: TrainingResult, moved: pd.DataFrame) -> str:
    found, currency = result.histories, result.settings.currency
    if found.start is None or found.end is None:
        return "This run does not keep whom they influenced."
    when = f"From {words.day(found.start)} to {words.day(found.end)}"
    if "interactions" in result.checks.absent:
        return "Without an interactions table it is not known whom they influenced."
    if moved.empty:
        return f"{when} nobody’s purchase was credited to them."
    brought, value = int(moved["referred"].sum()), words.money(float(moved["value"].sum()), currency)
    parts = [f"{words.plural(brought, 'customer')} whom they had brought in"] if brought else []
    if others := len(moved) - brought:
        parts.append(f"{words.plural(others, 'customer')} whom they may have influenced")
    return f"{when} they were credited, one step on, with {value} from {words.listed(parts)}:"


def _told(row: Mapping[Hashable, Any], currency: str) -> str:
    value = words.money(row["value"], currency)
    if row["referred"]:
        return f"{row['target_id']}, brought in by them: {value}"
    return f"{row['target_id']}, {words.percent(row['probability'])} likely because of them: {value}"
