"""The first screen: what to use the list for, what to do and not to do, and how well the last list did."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from ripple.training.evaluation.baselines import baselines
from ripple.training.evaluation.judged_tops import JudgedTop
from ripple.training.evaluation.slices import TENURE_DAYS
from ripple.training.report.plots import lists
from ripple.training.report.sections.answer.customers import total_growth
from ripple.training.report.sections.answer.quality import FAIR_FACTOR, Quality, factor_off, quality
from ripple.training.report.sections.trust.backtest import POOLED, RULES
from ripple.training.report.sections.trust.placebos import no_influence_notice, placebo_caveat
from ripple.training.report.text import words
from ripple.training.result import TrainingResult

MAX_NAMES = 3
"""The number of customers of each play that the first screen names."""
MAX_BY_RULE = 50
"""The number of customers of the list by the simple rule that are listed."""
MISSED = 0.6
"""The share of the predicted top ÷ that of the true top below which a kind of customer is called missed."""
EVERYBODY = 0.9
"""The share of the true top above which a kind of customer is no kind of its own."""
MIN_SHARE = 0.02
"""The share of the true top from which a kind of customer is worth a sentence."""
NEWCOMERS = f"tenure under {TENURE_DAYS[0]:.0f} days"
MOST_CONNECTED = "degree decile 10"


@dataclass(frozen=True)
class LastList:
    """How well the list of the latest evaluated cutoff did: numbers, each with what it is."""

    when: str
    facts: list[tuple[str, str]]


@dataclass(frozen=True)
class Task:
    """A play on the first screen: what to do, for how many customers, and who comes first.

    Attributes:
        network: their expected network value; empty where all of it is noise.
        direct: their expected own spend, without the currency. What one spends may be the network
            value of another, so the two are not to be added.
    """

    play: str
    action: str
    customers: str
    network: str
    direct: str
    names: list[str]


def decision_section(result: TrainingResult) -> dict[str, Any]:
    """Everything on the first screen; `rule_list` is empty unless the simple rule is what to use."""
    judged, quality_ = result.judged_tops, quality(result)
    total, settings = result.population.total, result.settings
    rule, rule_list = _rule_list(result) if quality_.use == "simple rule" else ("", [])
    until = result.population.as_of + timedelta(days=settings.horizon_days)
    return {
        "quality": quality_,
        "title": _title(result, quality_),
        "lead": "" if quality_.use == "nothing" else _lead(result, until),
        "tasks": _tasks(result, quality_),
        "currency": settings.currency,
        "warnings": _warnings(result, judged, quality_),
        "last": _last(result, judged[-1]) if judged else None,
        "plot": lists.totals(total, result.population.as_of, settings.currency, settings.model.interval)
        if total.predicted > 0
        else "",
        "growth": total_growth(result),
        "rule_words": rule,
        "rule_list": rule_list,
        "simulated": settings.simulated,
        "until": until,
        "digest": result.data.identity[:12],
    }


def _title(result: TrainingResult, quality_: Quality) -> str:
    number = words.count(int(result.population.scores["top_member"].sum()))
    match quality_.use:
        case "forecast":
            return f"A list of {number} customers, and a forecast of their total"
        case "shortlist":
            return f"A shortlist of {number} customers, not a forecast of amounts"
        case "simple rule":
            return f"Use the simple rule to choose {number} customers, not this model"
        case "nothing":
            return "Do not act on this list"


def _lead(result: TrainingResult, until: datetime) -> str:
    """Who is listed, how much they are expected to bring, and how much of that may be chance."""
    scores, settings, total = result.population.scores, result.settings, result.population.total
    members = scores[scores["top_member"]]
    share = members["network_value"].sum() / scores["network_value"].sum()
    caveat = "" if no_influence_notice(result) else f" {placebo_caveat(result)}"
    return (
        f"{words.count(len(members))} of {words.count(len(scores))} customers "
        f"({words.exact_percent(settings.top_share)}) are expected to bring {words.percent(share)} of all "
        f"network value, revenue from other customers that is credited to them: "
        f"{words.money(members['network_value'].sum(), settings.currency)} of "
        f"{words.money(total.predicted, settings.currency)} "
        f"({words.exact_percent(settings.model.interval)} interval "
        f"{words.money_between(total.low, total.high, settings.currency)}) until {words.day(until)}.{caveat}"
    )


def _tasks(result: TrainingResult, quality_: Quality) -> list[Task]:
    """The plays that have customers, in the order of the rules."""
    book, currency = result.insights.playbook, result.settings.currency
    used: list[Any] = list(book.plays[book.plays["customers"] > 0].itertuples())
    return [
        Task(
            row.play,
            row.action,
            words.plural(row.customers, "customer"),
            "" if quality_.use == "nothing" else words.money(row.network_value, currency),
            words.bare(row.direct_value),
            [str(name) for name in book.customers.index[book.customers["play"] == row.play][:MAX_NAMES]],
        )
        for row in used
    ]


def _warnings(result: TrainingResult, judged: Sequence[JudgedTop], quality_: Quality) -> list[str]:
    """What not to do, and where the list is weak, each with its evidence; no spots where all is noise."""
    if quality_.use == "nothing":
        return [_one_amount(result, judged)]
    return [
        *_total(result),
        _one_amount(result, judged),
        *_newcomers(result),
        *(_most_connected(result) if quality_.use != "simple rule" else []),
    ]


def _one_amount(result: TrainingResult, judged: Sequence[JudgedTop]) -> str:
    covered = [one for one in judged if math.isfinite(one.coverage)]
    if not covered:
        return "Do not promise one customer’s amount: how right amounts are is not known."
    latest, currency = covered[-1], result.settings.currency
    return (
        f"Do not promise one customer’s amount: {words.percent(1 - latest.coverage)} of amounts on the last "
        f"list lay outside their range. {words.money(latest.median_predicted, currency)} was expected of a "
        f"typical customer on it, {words.money(latest.median_realised, currency)} came."
    )


def _total(result: TrainingResult) -> list[str]:
    """Nothing where past totals were right within `FAIR_FACTOR`."""
    ratios = [float(ratio) for ratio in result.evaluation.backtest.heads["predicted_share"]]
    known = [ratio for ratio in ratios if math.isfinite(factor_off(ratio))]
    if not known or max(map(factor_off, known)) <= FAIR_FACTOR:
        return []
    spread = " to ".join(dict.fromkeys(words.percent(ratio) for ratio in (min(known), max(known))))
    periods = words.plural(len(known), "past period")
    return [f"Do not plan with the total: {spread} of what came was predicted in {periods}."]


def _newcomers(result: TrainingResult) -> list[str]:
    """Nothing where nearly everybody has joined lately."""
    new = _slice(result, NEWCOMERS)
    if new is None:
        return ["Do not write off customers who joined lately: how well this list finds them is not known."]
    if new["true_top_share"] > EVERYBODY:
        return []
    if new["top_share"] < MISSED * new["true_top_share"]:
        return [f"Do not judge customers who joined lately by this list, which misses them: {_shares(new)}."]
    return [f"Do not write off customers who joined lately and are not listed: {_shares(new)}."]


def _most_connected(result: TrainingResult) -> list[str]:
    """Nothing where the list is as right about them as the simple rule, and does not favour them."""
    row = _slice(result, MOST_CONNECTED)
    if row is None:
        return []
    if row["rule_capture"] > row["capture"]:
        return [
            f"Do not prefer this list to the simple rule among the most connected tenth: there it held "
            f"{words.percent(row['capture'])} of the best possible, the rule "
            f"{words.percent(row['rule_capture'])}."
        ]
    if row["top_share"] * MISSED > row["true_top_share"]:
        return [
            f"Do not take contacts for influence; too many of the most connected tenth are "
            f"listed: {_shares(row)}."
        ]
    return []


def _shares(row: pd.Series) -> str:
    return (
        f"in the past they were {words.percent(row['true_top_share'])} of those truly on top and "
        f"{words.percent(row['top_share'])} of those listed"
    )


def _slice(result: TrainingResult, name: str) -> pd.Series | None:
    """The slice of that name, if it was evaluated and held some of the true top."""
    slices = result.evaluation.backtest.slices
    if slices.empty or not (slices["slice"] == name).any():
        return None
    row = slices[slices["slice"] == name].iloc[0]
    return row if row["true_top_share"] >= MIN_SHARE and math.isfinite(row["capture"]) else None


def _last(result: TrainingResult, last: JudgedTop) -> LastList:
    rule = RULES.get(result.evaluation.backtest.best_baseline, result.evaluation.backtest.best_baseline)

    def share(value: float) -> str:
        return words.percent(value) if math.isfinite(value) else "unknown"

    return LastList(
        words.day(last.cutoff),
        [
            (
                share(last.share),
                f"of all network value of the next {result.settings.horizon_days} days came from its "
                f"{words.plural(last.customers, 'customer')}",
            ),
            (share(last.rule_share), f"a list by the best simple rule held: {rule}"),
            (share(last.best_share), "the best possible list held"),
            (f"{last.right} of {last.customers}", "names were truly among the best"),
        ],
    )


def _rule_list(result: TrainingResult) -> tuple[str, list[tuple[str, str]]]:
    """The rule, and the first customers by it, each with its score.

    It is the best of the rules that today's features tell: the credit of single purchases is none of them.
    """
    scores = baselines(result.population.features)
    rankings = result.evaluation.backtest.rankings
    pooled = rankings[rankings["cutoff"] == POOLED].set_index("ranking")["capture"]
    known = pooled[pooled.index.isin(list(scores))]
    if known.empty:
        return "", []
    rule = str(known.sort_values(ascending=False, kind="stable").index[0])
    number = min(int(result.population.scores["top_member"].sum()), MAX_BY_RULE)
    ordered = pd.Series(scores[rule], result.population.features.index).sort_values(
        ascending=False, kind="stable"
    )
    return RULES.get(rule, rule), [
        (str(name), f"{score:,.4g}") for name, score in ordered.head(number).items()
    ]
