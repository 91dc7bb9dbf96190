"""Turn: the play of each customer and its reasons, the value at stake, and network value at risk."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from ripple.models.reasons import reasons
from ripple.sections.report import Plays
from ripple.training.measured_effects import MeasuredEffect
from ripple.training.report.plots.amounts import amount_bars
from ripple.training.report.sections.trust.placebos import no_influence_notice, placebo_caveat
from ripple.training.report.text import words
from ripple.training.report.text.plain_reasons import plain, typical
from ripple.training.report.text.words import Cell
from ripple.training.result import TrainingResult

ANY, ALL = "any of these", "all influential customers"
MAX_CUSTOMERS = 3
"""The number of customers of each play that the page shows; the exported list has all."""
MIN_REALISED_RATIO = 0.85
"""The ratio of realised to predicted value below which the page warns of high predictions."""
NO_MARGIN = "no margin is known"


def plays_section(result: TrainingResult) -> dict[str, Any]:
    """Network value at risk, the plays with their first customers, and the segments."""
    book, settings, risks = result.insights.playbook, result.settings, _at_risk(result)
    used = book.plays[book.plays["customers"] > 0]
    unused = book.plays["play"][book.plays["customers"] == 0]
    return {
        "finding": _finding(risks, result),
        "caution": _caution(result),
        "plot": amount_bars(
            used.set_index("play")
            .rename(columns={"network_value": "network", "direct_value": "direct"})
            .loc[:, ["network", "direct", "network_low", "network_high"]],
            "Expected value of the customers of a play",
            settings.currency,
        )
        if len(used)
        else "",
        "plays": [
            _play(row, book.measured.get(str(row.play)), settings.currency) for row in used.itertuples()
        ],
        "unused": list(unused),
        "customers": _customers(result),
        "risks": [
            _risk(name, risk, result)
            for name, risk in risks.items()
            if name != ANY or len(_known_risks(result)[0]) > 1
        ]
        if risks[ALL].customers
        else [],
        "risk_title": f"At risk: influential, and {' or '.join(_known_risks(result)[0]) or 'more'}",
        "segments": [_segment(row, settings.currency) for row in book.segments.itertuples()],
        "missing": _missing_inputs(result),
        "terms": _terms(settings.plays, settings.horizon_days),
        "interval": words.exact_percent(result.insights.customer_value.coverage),
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
    """Risk by group; the last group is all influential customers, the one before those in any group."""
    segments, customer_value = result.insights.playbook.customer_segments, result.insights.customer_value
    high = segments["network"] == "high"
    unhappy, fading = segments["sentiment"] == "unhappy", segments["fading"]
    groups = {
        "unhappy": unhappy & ~fading,
        "fading": fading & ~unhappy,
        "unhappy and fading": unhappy & fading,
        ANY: unhappy | fading,
        ALL: high,
    }
    known, unknown = _known_risks(result)
    if unknown:
        groups = {known[0]: groups[ANY]} if known else {}
        groups |= {ANY: unhappy | fading, ALL: high}
    risks = {}
    for name, mask in groups.items():
        group = customer_value.customers[high & mask]
        bounds = customer_value.network_total_bounds(group, result.settings.seed)
        risks[name] = Risk(len(group), float(group["network_value"].sum()), *bounds)
    return risks


def _finding(risks: dict[str, Risk], result: TrainingResult) -> str:
    currency = result.settings.currency
    risk, everybody = risks[ANY], words.count(risks[ALL].customers)
    if not risks[ALL].customers:
        listed = result.insights.playbook.customers
        return (
            f"{words.count(len(listed))} customers get a play for their own expected spend of "
            f"{words.money(float(listed['direct_value'].sum()), currency)}; all network value may be chance, "
            "so 0 customers count as influential"
        )
    known, unknown = _known_risks(result)
    if not known:
        return (
            f"{everybody} influential customers hold {words.money(risks[ALL].value, currency)} of network "
            f"value ({_between(risks[ALL], currency)}); without feedback and usage nobody knows who of them "
            "is unhappy or fading"
        )
    are, caveat = f"are {' or '.join(known)}", f"; who is {unknown[0]} is not known" if unknown else ""
    if not risk.customers:
        return (
            f"0 of {everybody} influential customers {are}, so no network value is known to be at "
            f"risk{caveat}"
        )
    return (
        f"{words.count(risk.customers)} of {everybody} influential customers {are}; "
        f"{words.money(risk.value, currency)} of network value ({_between(risk, currency)}) is at "
        f"risk{caveat}"
    )


def _known_risks(result: TrainingResult) -> tuple[list[str], list[str]]:
    """Which of "unhappy" and "fading" the tables tell of a customer, and which they do not."""
    absent = set(result.data.checks.absent)
    needs = {"unhappy": "feedback", "fading": "usage"}
    known = [risk for risk, table in needs.items() if table not in absent]
    return known, [risk for risk in needs if risk not in known]


def _caution(result: TrainingResult) -> str:
    text = (
        "This page does not show that a play works: try it on some customers and compare them with others. "
    )
    realised_ratio = result.insights.customer_value.realised_ratio
    notice = no_influence_notice(result)
    if notice is None and realised_ratio < MIN_REALISED_RATIO:
        text += (
            f"{words.percent(realised_ratio)} of the predicted network value was realised at the median "
            "backtest cutoff, so use the lower ends of the intervals. "
        )
    if notice is None:
        return text + placebo_caveat(result)
    referrals = (
        "Network value here is referral value. " if result.insights.customer_value.chance_share < 1 else ""
    )
    return f"{notice.title} {referrals}{text}"


def _measured(effect: MeasuredEffect | None) -> str:
    """What an experiment found of a play; nothing is said of plays whose effect is a guess, as most are."""
    if effect is None:
        return ""
    low, high = words.percent(effect.low), words.percent(effect.high)
    return (
        f"; measured by {effect.experiment}: {words.percent(effect.effect)} of the value at stake (95 % "
        f"interval {low} to {high})"
    )


def _play(row: Any, measured: MeasuredEffect | None, currency: str) -> dict[str, Any]:
    return {
        "name": row.play,
        "action": f"{row.action}{_measured(measured)}",
        "customers": words.number(row.customers),
        "network": replace(
            _money(row.network_value, currency), low=float(row.network_low), high=float(row.network_high)
        ),
        "interval": words.money_between(row.network_low, row.network_high, currency),
        "direct": _money(row.direct_value, currency),
        "cost": _money(row.max_cost, currency),
    }


def _customers(result: TrainingResult) -> list[dict[str, Any]]:
    currency = result.settings.currency
    listed = result.insights.playbook.customers.groupby("play", sort=False).head(MAX_CUSTOMERS)
    rows: list[Any] = list(listed.itertuples())
    in_words = _plain_reasons(result, list(listed.index))
    return [
        {
            "id": str(row.Index),
            "play": row.play,
            "reasons": in_words(row.Index, row.reasons),
            "value": replace(_money(row.value, currency), low=float(row.low), high=float(row.high)),
            "interval": _between(row, currency),
            "cost": _money(row.max_cost, currency),
        }
        for row in rows
    ]


def _plain_reasons(result: TrainingResult, customers: list[str]) -> Callable[[str, str], str]:
    """A function of a customer and a text that puts the reasons of the model in it into plain words."""
    bundle, features = result.population.bundle, result.population.features
    medians = typical(features)
    of_each = dict(
        zip(customers, reasons(bundle, "value", bundle.matrix(features.loc[customers]), 0), strict=True)
    )

    def in_words(customer: str, text: str) -> str:
        for reason in of_each[customer]:
            factor = f"raises network value {words.factor(reason.effect)}"
            text = text.replace(reason.text, f"{plain(reason, bundle.spec, medians)} ({factor})")
        return text

    return in_words


def _risk(name: str, risk: Risk, result: TrainingResult) -> tuple[str, Cell, Cell, Cell, Cell]:
    currency, total = (
        result.settings.currency,
        float(result.insights.customer_value.customers["network_value"].sum()),
    )
    return (
        name,
        words.number(risk.customers),
        _money(risk.value, currency),
        words.between(risk.low, risk.high, _between(risk, currency), "no customers")
        if risk.customers
        else Cell("no customers", None, missing=True),
        words.cell(risk.value / total, words.percent(risk.value / total), "no expected network value"),
    )


def _segment(row: Any, currency: str) -> dict[str, Any]:
    return {
        "network": row.network,
        "direct": row.direct,
        "sentiment": row.sentiment,
        "customers": words.number(row.customers),
        "fading": words.number(row.fading),
        "network_value": _money(row.network_value, currency),
        "direct_value": _money(row.direct_value, currency),
        "plays": row.plays or "no play",
    }


def _missing_inputs(result: TrainingResult) -> list[str]:
    """Sentences on what is unknown of all customers because a table or a column is missing."""
    sentences = []
    if "feedback" in result.data.checks.absent:
        sentences.append(
            "There is no feedback table, so all customers count as silent, not as happy or unhappy."
        )
    if "usage" in result.data.checks.absent:
        sentences.append("There is no usage table, so no customer counts as fading.")
    if resting := result.insights.playbook.resting:
        sentences.append(
            f"{words.plural(resting, 'customer')} would get a play and do not, as they were contacted in the "
            f"last {words.plural(result.settings.plays.rest_days, 'day')} (plays_log, plays.rest_days)."
        )
    if not math.isfinite(result.insights.customer_value.margin_share):
        sentences.append(
            "Orders have no column margin, so the cost limit of a play is not known; set the usual margin as "
            "plays.margin_share in ripple.toml."
        )
    return sentences


def _terms(plays: Plays, horizon_days: int) -> list[tuple[str, str]]:
    return [
        (
            "Value at stake",
            f"the expected own spend and network value of one customer over the next {horizon_days} days; "
            "you would not lose all of it at once. Over several customers the two are not added up: what is "
            "network value of one is own spend of another",
        ),
        (
            "Influential",
            f"the {words.exact_percent(plays.network_share)} with the highest expected network value",
        ),
        (
            "Big spender",
            f"the {words.exact_percent(plays.direct_share)} with the highest expected own spend",
        ),
        (
            "Sentiment",
            f"unhappy if the latest feedback is below {words.decimal(plays.unhappy_below)}, happy above "
            f"{words.decimal(plays.happy_above)}, silent without any in the last "
            f"{words.plural(plays.feedback_days, 'day')} (plays.feedback_days)",
        ),
        (
            "Fading",
            f"less than {words.percent(plays.fading_below)} of the usage in the last two longest windows is "
            f"in the later one; steady usage is 50{words.NO_BREAK_SPACE}%",
        ),
        (
            "May cost at most",
            f"the margin on {words.percent(plays.effect)} of the value at stake (plays.effect, an assumption "
            "until an experiment measures a play: then the lower end of what it found); network value "
            "counts only as far as it is not chance and as such predictions were realised, and is taken off "
            "the own spend of those who spend it: every amount counts "
            "once. Above this, a play loses money even if it works",
        ),
    ]
