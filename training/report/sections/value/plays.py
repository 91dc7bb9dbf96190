"""Turn: who gets which play and why, what is at stake, and who of the influential may be lost."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ripple.settings import Plays
from ripple.training.report.plots.amounts import stakes
from ripple.training.report.sections.trust.placebos import absence, doubt
from ripple.training.report.text import words
from ripple.training.report.text.words import Cell
from ripple.training.result import TrainingResult

ANY, ALL = "any of these", "all influential customers"
LISTED = 3
"""Customers of each play that the page shows; all are in the exported list."""
TOO_MUCH = 0.85
"""Realised ÷ foreseen, below which the page warns of forecasts that are too high."""
NO_MARGIN = "no margin is known"


def turn(result: TrainingResult) -> dict[str, Any]:
    """What is at risk, the plays with their first customers, and the segments."""
    book, settings, risks = result.playbook, result.settings, _at_risk(result)
    used = book.plays[book.plays["customers"] > 0]
    idle = book.plays["play"][book.plays["customers"] == 0]
    return {
        "finding": _finding(risks, result),
        "caution": _caution(result),
        "plot": stakes(
            used.set_index("play")
            .rename(columns={"network_value": "network", "direct_value": "own"})
            .loc[:, ["network", "own", "low", "high"]],
            "Expected value of the customers of a play",
            settings.currency,
        )
        if len(used)
        else "",
        "plays": [_play(row, settings.currency) for row in used.itertuples()],
        "idle": list(idle),
        "customers": _customers(result),
        "risks": [_risk(name, risk, result) for name, risk in risks.items()] if risks[ALL].customers else [],
        "segments": [_segment(row, settings.currency) for row in book.segments.itertuples()],
        "absent": _absent(result),
        "terms": _terms(settings.plays),
        "interval": words.share_name(result.customer_value.coverage),
        "effect": words.percent(settings.plays.effect),
    }


def _money(amount: float, currency: str, why: str = NO_MARGIN) -> Cell:
    return words.cell(amount, words.money(amount, currency), why)


def _between(bounds: Any, currency: str) -> str:
    """The interval of anything that has `low` and `high`."""
    return words.money_between(bounds.low, bounds.high, currency)


@dataclass(frozen=True)
class Risk:
    """Network value of a group of influential customers, in currency, with its interval."""

    customers: int
    value: float
    low: float
    high: float


def _at_risk(result: TrainingResult) -> dict[str, Risk]:
    """By how the influential are; the last is all of them, the one before whoever is unhappy or fading."""
    found, customer_value = result.playbook.segment_of, result.customer_value
    high = found["network"] == "high"
    unhappy, fading = found["sentiment"] == "unhappy", found["fading"]
    groups = {
        "unhappy": unhappy & ~fading,
        "fading": fading & ~unhappy,
        "unhappy and fading": unhappy & fading,
        ANY: unhappy | fading,
        ALL: high,
    }
    risks = {}
    for name, mask in groups.items():
        own = customer_value.customers[high & mask]
        bounds = customer_value.network_bounds(own, result.settings.seed)
        risks[name] = Risk(len(own), float(own["network_value"].sum()), *bounds)
    return risks


def _finding(risks: dict[str, Risk], result: TrainingResult) -> str:
    currency = result.settings.currency
    risk, everybody = risks[ANY], words.count(risks[ALL].customers)
    if not risks[ALL].customers:
        listed = result.playbook.customers
        return (
            "All network value may be coincidence, so nobody counts as influential here; "
            f"{words.count(len(listed))} customers get a play for what they spend themselves, expected to be "
            f"{words.money(float(listed['direct_value'].sum()), currency)}"
        )
    if {"feedback", "usage"} <= set(result.checks.absent):
        return (
            f"It cannot be seen who of the {everybody} influential customers is unhappy or fading, as there "
            f"is neither feedback nor usage; together they hold {words.money(risks[ALL].value, currency)} of "
            f"network value ({_between(risks[ALL], currency)})"
        )
    if not risk.customers:
        return (
            f"Not one of the {everybody} influential customers is seen to be unhappy or fading, so 0 network "
            "value is known to be at risk"
        )
    return (
        f"{words.count(risk.customers)} of {everybody} influential customers are unhappy or fading; "
        f"{words.money(risk.value, currency)} of network value ({_between(risk, currency)}) goes with them"
    )


def _caution(result: TrainingResult) -> str:
    settings = result.settings
    said = (
        f"What is at stake is what these customers are expected to spend and to move over the next "
        f"{settings.horizon_days} days; nobody would lose all of it at once. That a play works is not shown "
        "here: try it on some customers and compare them with others. "
    )
    realised_ratio = result.customer_value.realised_ratio
    absent = absence(result)
    if absent is None and realised_ratio < TOO_MUCH:
        said += (
            f"At the median backtest date only {words.percent(realised_ratio)} of the network value that was "
            "foreseen came true, so reckon with the lower ends of the intervals. "
        )
    if absent is None:
        return said + doubt(result)
    listed = "Network value here is referral value. " if result.customer_value.credible else ""
    return f"{absent.title} {listed}{said}"


def _play(row: Any, currency: str) -> dict[str, Any]:
    return {
        "name": row.play,
        "action": row.action,
        "customers": Cell(words.count(row.customers), float(row.customers)),
        "value": _money(row.value, currency),
        "interval": _between(row, currency),
        "network": _money(row.network_value, currency),
        "own": _money(row.direct_value, currency),
        "cost": _money(row.max_cost, currency),
    }


def _customers(result: TrainingResult) -> list[dict[str, Any]]:
    currency = result.settings.currency
    first: list[Any] = list(result.playbook.customers.groupby("play", sort=False).head(LISTED).itertuples())
    return [
        {
            "id": str(row.Index),
            "play": row.play,
            "reasons": row.reasons,
            "value": _money(row.value, currency),
            "interval": _between(row, currency),
            "cost": _money(row.max_cost, currency),
        }
        for row in first
    ]


def _risk(name: str, risk: Risk, result: TrainingResult) -> tuple[str, str, str, str, str]:
    currency, total = result.settings.currency, float(result.customer_value.customers["network_value"].sum())
    return (
        name,
        words.count(risk.customers),
        words.money(risk.value, currency),
        _between(risk, currency) if risk.customers else "no customers",
        words.percent(risk.value / total),
    )


def _segment(row: Any, currency: str) -> dict[str, Any]:
    return {
        "network": row.network,
        "direct": row.direct,
        "sentiment": row.sentiment,
        "customers": Cell(words.count(row.customers), float(row.customers)),
        "fading": Cell(words.count(row.fading), float(row.fading)),
        "network_value": _money(row.network_value, currency),
        "direct_value": _money(row.direct_value, currency),
        "plays": row.plays or "no play",
    }


def _absent(result: TrainingResult) -> list[str]:
    """What cannot be told of anybody, for want of a table or a column."""
    found = []
    if "feedback" in result.checks.absent:
        found.append("There is no feedback table, so nobody is known to be happy or unhappy: all are silent.")
    if "usage" in result.checks.absent:
        found.append("There is no usage table, so it cannot be seen who is fading.")
    if not math.isfinite(result.customer_value.margin_share):
        found.append(
            "Orders do not tell the margin, so what a play may cost is not known; tell the usual margin by "
            "plays.margin_share in ripple.toml."
        )
    return found


def _terms(plays: Plays) -> list[tuple[str, str]]:
    return [
        (
            "Influential",
            f"the {words.share_name(plays.network_share)} with the highest expected network value",
        ),
        (
            "Big spender",
            f"the {words.share_name(plays.direct_share)} who are expected to spend most themselves",
        ),
        (
            "Sentiment",
            f"unhappy if the latest feedback is below {words.decimal(plays.unhappy_below)}, happy above "
            f"{words.decimal(plays.happy_above)}, silent without any",
        ),
        (
            "Fading",
            "of the use in the last two longest windows together, less than "
            f"{words.percent(plays.fading_below)} fell into the later one; steady is 50{words.SPACE}%",
        ),
        (
            "May cost at most",
            f"the margin on {words.percent(plays.effect)} of the value at stake (plays.effect, a guess until "
            "tested), network value counted only as far as it is no coincidence and such forecasts came "
            "true; beyond, a play loses money even if it works",
        ),
    ]
