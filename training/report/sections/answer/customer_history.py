"""The history of one listed customer: credit and features by cutoff, and whom they influenced."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

from ripple.models.reasons import in_words
from ripple.training.report.plots.svg import small_bars
from ripple.training.report.text import words
from ripple.training.result import TrainingResult

MAX_PERIODS, MAX_FEATURES, MAX_INFLUENCED = 8, 3, 8


@dataclass(frozen=True)
class CustomerHistory:
    """The history of a customer, as text and a small plot.

    Attributes:
        credit_text: what was credited to the customer, in a sentence.
        credit_plot: the credit of each period, as bars.
        feature_names: names of the features in each row.
        rows: one per cutoff: the day, credit and own spend in the period after it, then the features at it.
        influenced_text: how many customers they referred or may have influenced in the latest closed period,
            and with how much, in a sentence.
        influenced: those customers, one line each.
        more_influenced: the number of such customers that are not listed.
    """

    credit_text: str
    credit_plot: Markup
    feature_names: list[str]
    rows: list[list[str]]
    influenced_text: str
    influenced: list[str]
    more_influenced: int


def customer_history(result: TrainingResult, customer: str, features: Sequence[str]) -> CustomerHistory:
    """The history of *customer*, with the first of *features*, which are their strongest reasons."""
    histories, currency = result.insights.histories, result.settings.currency
    names = list(features)[:MAX_FEATURES]
    has_history = not histories.labels.empty and customer in histories.labels.index.get_level_values(0)
    labels, features_at = (
        pd.DataFrame(table.xs(customer, level="customer_id") if has_history else None).tail(MAX_PERIODS)
        for table in (histories.labels, histories.features)
    )
    units = {feature.name: feature.unit for feature in result.population.bundle.spec.features}
    influenced = histories.influenced
    influenced = influenced[influenced["source_id"] == customer] if len(influenced) else influenced
    days = result.settings.horizon_days
    return CustomerHistory(
        _credit_text(labels, days, currency),
        small_bars(
            labels["network_value"].tolist(),
            f"Credited to {result.population.label(customer)}, by period: "
            + ", ".join(words.money(value, currency) for value in labels["network_value"]),
        )
        if len(labels)
        else Markup(""),
        [words.feature_words(name) for name in names],
        [
            [
                words.day(pd.Timestamp(str(cutoff))),
                words.money(float(row["network_value"]), currency),
                words.money(float(row["direct_value"]), currency),
                *(in_words(float(values[name]), units[name], currency) for name in names),
            ]
            for (cutoff, row), (_, values) in zip(labels.iterrows(), features_at.iterrows(), strict=True)
        ],
        _influenced_text(result, influenced),
        [_influenced_line(row, result) for row in influenced.head(MAX_INFLUENCED).to_dict("records")],
        max(len(influenced) - MAX_INFLUENCED, 0),
    )


def _credit_text(labels: pd.DataFrame, days: int, currency: str) -> str:
    if labels.empty:
        return "No history: this customer joined after the last earlier cutoff."
    credited = labels["network_value"]
    periods = words.plural(len(credited), "earlier period")
    if credited.max() <= 0:
        return f"Nothing was credited in {periods} of {days} days."
    return (
        f"In {int((credited > 0).sum())} of {periods} of {days} days something was credited: at most "
        f"{words.money(float(credited.max()), currency)}, in the latest "
        f"{words.money(float(credited.iloc[-1]), currency)}."
    )


def _influenced_text(result: TrainingResult, influenced: pd.DataFrame) -> str:
    histories, currency = result.insights.histories, result.settings.currency
    if histories.start is None or histories.end is None:
        return "Not kept for this run."
    if "interactions" in result.data.checks.absent:
        return "Not known: there is no interactions table."
    period = f"from {words.day(histories.start)} to {words.day(histories.end)}"
    if influenced.empty:
        return f"Nobody {period}: no purchase of others was credited to this customer."
    referred, value = int(influenced["referred"].sum()), float(influenced["value"].sum())
    parts = [f"{words.plural(referred, 'customer')} whom they referred"] if referred else []
    if others := len(influenced) - referred:
        parts.append(f"{words.plural(others, 'customer')} whom they may have influenced directly")
    return f"{words.money(value, currency)} credited {period}, for {words.joined(parts)}:"


def _influenced_line(row: Mapping[Hashable, Any], result: TrainingResult) -> str:
    target = result.population.label(row["target_id"])
    value = words.money(row["value"], result.settings.currency)
    if row["referred"]:
        return f"{target}, referred by them: {value}"
    return f"{target}, {words.probability(row['probability'])} likely because of them: {value}"
