"""The history of one listed customer: credit and features by cutoff, and who influences whom around them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

from ripple.models.reasons import value_in_words
from ripple.training.report.plots.influence_graph import MAX_EACH, influence_graph
from ripple.training.report.plots.svg import small_bars
from ripple.training.report.text import words
from ripple.training.result import TrainingResult

MAX_PERIODS, MAX_FEATURES, MAX_LINKS = 8, 3, 200


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
        influenced: those customers, with the evidence for each.
        influencers_text, influencers: the same of those who referred or may have influenced this customer.
        more_links: the number of such customers that are not listed.
        graph: a picture of both.
    """

    credit_text: str
    credit_plot: Markup
    feature_names: list[str]
    rows: list[list[str]]
    influenced_text: str
    influenced: list[Link]
    influencers_text: str
    influencers: list[Link]
    more_links: int
    graph: Markup


@dataclass(frozen=True)
class Link:
    """Another customer who influenced this one, or whom this one influenced, and the evidence.

    Attributes:
        how: that one referred the other, or the probability that one moved the other.
        product: what was credited most.
        adopted: when that was first bought, or when a referred customer joined.
        contact: the last contact before it, and how many there were.
    """

    id: str
    how: str
    value: str
    product: str
    adopted: str
    contact: str


def customer_history(result: TrainingResult, customer: str, features: Sequence[str]) -> CustomerHistory:
    """The history of *customer*, with the first of *features*, which are their strongest reasons."""
    histories, currency = result.insights.histories, result.settings.currency
    names = list(features)[:MAX_FEATURES]
    has_history = not histories.labels.empty and customer in histories.labels.index.get_level_values(0)
    labels, features_at = (
        pd.DataFrame(table.xs(customer, level="customer_id") if has_history else None).tail(MAX_PERIODS)
        for table in (histories.labels, histories.features)
    )
    spec = result.population.bundle.spec
    influenced = _of(histories.influenced, "source_id", customer)
    influencers = _of(histories.influencers, "target_id", customer)
    influencers = (
        influencers.sort_values("value", ascending=False, kind="stable") if len(influencers) else influencers
    )
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
                *(value_in_words(spec, name, float(values[name])) for name in names),
            ]
            for (cutoff, row), (_, values) in zip(labels.iterrows(), features_at.iterrows(), strict=True)
        ],
        _influenced_text(result, influenced),
        _links(influenced, "target_id", currency),
        _influencers_text(result, influencers),
        _links(influencers, "source_id", currency),
        sum(max(len(pairs) - MAX_LINKS, 0) for pairs in (influenced, influencers)),
        influence_graph(
            _name(customer, result),
            _amounts(influencers, "source_id", result),
            _amounts(influenced, "target_id", result),
        ),
    )


def _of(pairs: pd.DataFrame, side: str, customer: str) -> pd.DataFrame:
    return pairs[pairs[side] == customer] if len(pairs) else pairs


def _name(customer: str, result: TrainingResult) -> str:
    return result.population.display_names.get(customer, customer)


def _amounts(pairs: pd.DataFrame, side: str, result: TrainingResult) -> list[tuple[str, float]]:
    return [
        (_name(str(row[side]), result), float(row["value"]))
        for row in pairs.head(MAX_EACH).to_dict("records")
    ]


def _links(pairs: pd.DataFrame, side: str, currency: str) -> list[Link]:
    return [
        Link(
            str(row[side]),
            "referral" if row["referred"] else words.probability(row["probability"]),
            words.money(row["value"], currency),
            str(row.get("product", "")),
            _when(row.get("adopted_at"), "joined " if row["referred"] else ""),
            _contact(row),
        )
        for row in pairs.head(MAX_LINKS).to_dict("records")
    ]


def _when(moment: Any, opening: str = "") -> str:
    return "" if moment is None or pd.isna(moment) else f"{opening}{words.day(moment)}"


def _contact(row: Mapping[Hashable, Any]) -> str:
    """The last contact in words: ``share on 3 May 2025, the last of 4``."""
    kind, number = row.get("contact"), int(row.get("contacts") or 0)
    if not isinstance(kind, str):
        return "none on record"
    last = f"{kind} on {_when(row['contact_at'])}"
    return f"{last}, the last of {number:,}" if number > 1 else last


def _influencers_text(result: TrainingResult, influencers: pd.DataFrame) -> str:
    histories = result.insights.histories
    if histories.start is None or histories.end is None or "interactions" in result.data.checks.absent:
        return ""
    period = f"from {words.day(histories.start)} to {words.day(histories.end)}"
    if influencers.empty:
        return f"Nobody is credited with what this customer bought {period}."
    value = words.money(float(influencers["value"].sum()), result.settings.currency)
    credited = words.plural(len(influencers), "customer")
    return f"{value} of what this customer spent {period} is credited to {credited}:"


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
