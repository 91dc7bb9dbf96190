"""The customers with the highest expected network value, each with the reasons for its score."""

from __future__ import annotations

import math
import statistics
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pandas as pd
from scipy.special import expit, logit

from ripple.features.tables.attributes import OWNER
from ripple.models.reasons import Reason, family_totals, reasons
from ripple.training.evaluation.cutoff_evaluation import MODEL
from ripple.training.insights.customer_histories import listed_customers
from ripple.training.insights.power_use import POWERS
from ripple.training.report.plots.waterfall import Waterfall, waterfall
from ripple.training.report.sections.answer.customer_history import CustomerHistory, customer_history
from ripple.training.report.sections.trust.backtest import POOLED
from ripple.training.report.sections.trust.placebos import no_influence_notice
from ripple.training.report.sections.value.plays import MIN_REALISED_RATIO
from ripple.training.report.text import words
from ripple.training.report.text.plain_reasons import plain, typical
from ripple.training.report.text.words import Cell
from ripple.training.result import TrainingResult

ROWS_SHOWN = 5
"""The number of customers that the page shows before the reader asks for more."""
MIN_GROWTH = 1.25
"""The ratio to the latest closed period from which a higher or lower total is said."""
LIKELY = 0.8
"""The probability of any network value below which the page warns that there may be none."""
VALUE_REASONS = 5
TOP_REASONS = 3


@dataclass(frozen=True)
class Customer:
    """A row of the table, and the details that open below it."""

    id: str
    label: str
    owner: str
    attributes: list[tuple[str, str]]
    play: str
    sentiment: Sentiment
    facts: list[tuple[str, str]]
    powers: list[str]
    direct: Cell
    rank: Cell
    value: Cell
    any_value: Cell
    low: Cell
    high: Cell
    probability: Cell
    member: bool
    reason: str
    reasons: list[str]
    top_reasons: list[str]
    waterfall: Waterfall
    families: list[Family]
    history: CustomerHistory


@dataclass(frozen=True)
class Sentiment:
    """The sentiment of a customer, and the day of the latest feedback in words and as YYYY-MM-DD, if any."""

    name: str
    day: str = ""
    iso: str = ""


@dataclass(frozen=True)
class Family:
    """All reasons of one family of features together: a factor on the score, and a bar in percent."""

    name: str
    factor: str
    direction: str
    width: float


def customers_section(result: TrainingResult) -> dict[str, Any]:
    """The listed customers, the highest expected network value first."""
    scores = listed_customers(result.population.scores)
    bundle, currency = result.population.bundle, result.settings.currency
    x = bundle.matrix(result.population.features.loc[scores.index])
    _, base = bundle.contributions("value", x)
    of_value, of_top = reasons(bundle, "value", x, 0), reasons(bundle, "top", x, TOP_REASONS)
    families = family_totals(bundle, "value", x)
    shown = result.population.shown_attributes
    owners = shown[OWNER].to_dict() if OWNER in shown else {}
    medians = typical(result.population.features)
    value = result.insights.customer_value.customers
    probability = dict(zip(scores.index, scores["top_probability"], strict=True))

    def in_words(reason: Reason) -> str:
        return plain(reason, bundle.spec, medians)

    rows = [
        Customer(
            str(name),
            result.population.label(str(name)),
            owners.get(name, ""),
            result.population.attributes_of(str(name)),
            _play(result, str(name)),
            _sentiment(result, str(name)),
            _facts(result, str(name), owners.get(name, "")),
            _powers(result, str(name)),
            _amount(value["direct_value"][str(name)]),
            Cell(words.count(score["rank"]), float(score["rank"])),
            _amount(score["network_value"]),
            Cell(words.probability(score["any_value_probability"]), float(score["any_value_probability"])),
            _amount(score["if_any_value_low"]),
            _amount(score["if_any_value_high"]),
            Cell(words.probability(score["top_probability"]), float(score["top_probability"])),
            bool(score["top_member"]),
            in_words(next((one for one in of_value[i] if one.effect > 0), of_value[i][0])),
            [f"{in_words(one)}: {_moves(one)}" for one in of_value[i][:VALUE_REASONS]],
            [f"{in_words(one)}: {_in_probability(one, probability[name])}" for one in of_top[i]],
            waterfall(float(base[i]), of_value[i], bundle.spec),
            _families(families[i]),
            customer_history(result, str(name), [reason.feature for reason in of_value[i]]),
        )
        for i, (name, score) in enumerate(scores.iterrows())
    ]
    total = scores["network_value"].sum()
    share = total / result.population.scores["network_value"].sum()
    return {
        "rows": rows,
        "rows_shown": ROWS_SHOWN,
        "members": int(result.population.scores["top_member"].sum()),
        "finding": (
            f"{words.money(total, currency)}, {words.percent(share)} of all expected network value, is "
            f"expected from the first {len(rows)} customers"
        ),
        "currency": currency,
        "caution": _caution(result, rows),
        "growth": growth(result),
        "interval": words.exact_percent(bundle.spec.coverage),
    }


def _play(result: TrainingResult, customer: str) -> str:
    plays = result.insights.playbook.customers["play"]
    return str(plays[customer]) if customer in plays.index else "no play"


def _row(table: pd.DataFrame, customer: str) -> dict[Hashable, Any]:
    return table.loc[[customer]].to_dict("records")[0]


def _sentiment(result: TrainingResult, customer: str) -> Sentiment:
    segment = _row(result.insights.playbook.customer_segments, customer)
    if "feedback" in result.data.checks.absent:
        return Sentiment("not known")
    age = float(segment["feedback_age"])
    if math.isnan(age):
        return Sentiment(str(segment["sentiment"]))
    given = result.population.as_of - timedelta(days=age)
    return Sentiment(str(segment["sentiment"]), words.day(given), f"{given:%Y-%m-%d}")


def _facts(result: TrainingResult, customer: str, owner: str) -> list[tuple[str, str]]:
    """What is known of a customer apart from scores: name of each fact, and the fact as text."""
    book, currency = result.insights.playbook, result.settings.currency
    row = _row(result.insights.customer_value.customers, customer)
    segment = _row(book.customer_segments, customer)
    sentiment = _sentiment(result, customer)
    opinion = sentiment.name
    if sentiment.day:
        opinion = f"{opinion}: {words.signed(segment['feedback'])} on {sentiment.day}"
        if sentiment.name == "silent":
            opinion += f", older than {result.settings.plays.feedback_days} days"
    share = float(row["margin_share"])
    facts = [
        ("Play", _play(result, customer)),
        ("Sentiment", opinion),
        (
            "Fading",
            "not known" if "usage" in result.data.checks.absent else words.yes_or_no(segment["fading"]),
        ),
        ("Spent so far", words.cell(row["revenue"], words.money(row["revenue"], currency), "unknown").text),
        ("Margin of it", words.percent(share) if math.isfinite(share) else "not known"),
        ("Expected own spend", words.money(row["direct_value"], currency)),
        ("Expected network value", words.money(row["network_value"], currency)),
    ]
    if customer in book.customers.index:
        facts.insert(1, ("What to do", str(book.customers["action"][customer])))
    return facts + ([("Owner", owner)] if owner else []) + result.population.attributes_of(customer)


def _powers(result: TrainingResult, customer: str) -> list[str]:
    """How a customer uses each power, a line each: ``expert: 12 answers to 9 customers``."""
    kinds = result.insights.power_use.kinds
    if kinds.empty:
        return []
    own, lines = kinds[kinds["customer_id"] == customer], []
    for power in POWERS:
        rows = own[own["power"] == power].sort_values("events", ascending=False, kind="stable")
        uses = [
            f"{row['kind']} {words.times(row['events'])}, to {words.plural(int(row['reached']), 'customer')}"
            for row in rows.to_dict("records")
        ]
        lines.append(f"{power.capitalize()}: {'; '.join(uses) or 'not used'}")
    return lines


def _in_probability(reason: Reason, probability: float) -> str:
    """How a reason of the top head moves the probability: what it would be without, and what it is."""
    without = float(expit(logit(min(max(probability, 1e-9), 1 - 1e-9)) - reason.effect))
    moved = "raises" if reason.effect > 0 else "lowers"
    return f"{moved} it from {words.probability(without)} to {words.probability(probability)}"


def total_growth(result: TrainingResult) -> str:
    """How many times the latest known total is expected, and why to believe it; empty where it is alike."""
    closed = result.population.total.closed
    past = [one.realised / one.predicted for one in closed if one.predicted > 0]
    if not past or closed[-1].realised <= 0:
        return ""
    ratio = result.population.total.predicted / closed[-1].realised
    if 1 / MIN_GROWTH <= ratio <= MIN_GROWTH:
        return ""
    realised = statistics.median(past)
    return (
        f"The forecast is {words.decimal(ratio)} times the latest known total. Past totals came to "
        f"{words.percent(realised)} of their forecast, at the median of "
        f"{words.plural(len(past), 'period')}: "
        + ("count on the lower end." if realised < MIN_REALISED_RATIO else "that speaks for growth.")
    )


def growth(result: TrainingResult) -> list[str]:
    """Whether expected value exceeds what was, and whether the evidence is for growth or an over-forecast."""
    sentences, best, currency = [], result.insights.best_periods, result.settings.currency
    if best and best.customers and best.expected:
        text = (
            f"{best.expected} of {words.plural(best.customers, 'customer')} in the top with a past are "
            "expected to exceed the best period that they have had."
        )
        if best.past_expected:
            text += (
                f" In the backtest that was expected {words.plural(best.past_expected, 'time')}, and came "
                f"true {words.plural(best.past_exceeded, 'time')}; {words.percent(best.past_ratio)} of their "
                f"predicted value together was realised. {_growth_or_not(best.past_ratio)}"
            )
        sentences.append(text)
    closed = result.population.total.closed
    if closed and closed[-1].realised > 0:
        latest, expected = closed[-1], result.population.total.predicted
        ratio = expected / latest.realised
        if ratio > MIN_GROWTH or ratio < 1 / MIN_GROWTH:
            past = [one.realised / one.predicted for one in closed if one.predicted > 0]
            realised = statistics.median(past)
            sentences.append(
                f"The total of all customers is {words.decimal(ratio)} times that of the period after "
                f"{words.day(latest.cutoff)}, {words.money(latest.realised, currency)}. At "
                f"{words.plural(len(past), 'earlier cutoff')}, the median of realised ÷ predicted totals was "
                f"{words.decimal(realised)}{_past_growth(result)}. {_growth_or_not(realised)}"
            )
    return sentences


def _past_growth(result: TrainingResult) -> str:
    """How much the realised total had grown from one period to the next, which do not overlap."""
    latest = result.population.total.closed[-1]
    before = [
        one
        for one in result.population.total.closed
        if one.cutoff + result.data.schedule.horizon <= latest.cutoff and one.realised > 0
    ]
    if not before:
        return ""
    grown = words.decimal(latest.realised / before[-1].realised)
    return (
        f"; the latest realised total was {grown} times that of the period after "
        f"{words.day(before[-1].cutoff)}"
    )


def _growth_or_not(realised_ratio: float) -> str:
    """What such a ratio of realised to predicted value says of a forecast that is higher than the past."""
    if realised_ratio < MIN_REALISED_RATIO:
        return "That speaks for an over-forecast: count on the lower ends of the intervals."
    return "That speaks for growth, of the group more than of any single customer."


def _moves(reason: Reason) -> str:
    return f"{'raises' if reason.effect > 0 else 'lowers'} it {words.factor(reason.effect)}"


def _families(totals: dict[str, float]) -> list[Family]:
    largest = max(abs(effect) for effect in totals.values()) or 1.0
    return [
        Family(
            name,
            words.factor(effect),
            "up" if effect > 0 else "down",
            round(100 * abs(effect) / largest, 1),
        )
        for name, effect in sorted(totals.items(), key=lambda item: -abs(item[1]))
    ]


def _amount(amount: float) -> Cell:
    """An amount without its currency, which the table names once."""
    return words.cell(float(amount), words.bare(float(amount)), "too few past cases")


def _caution(result: TrainingResult, rows: list[Customer]) -> str:
    """The caution about the reliability of a single row of the table."""
    rankings = result.evaluation.backtest.rankings
    pooled = rankings[(rankings["cutoff"] == POOLED) & (rankings["ranking"] == MODEL)]
    precision = float(pooled["precision"].iloc[0])
    notice = no_influence_notice(result)
    doubtful = sum((row.any_value.sort or 0) < LIKELY for row in rows)
    caution = "" if notice is None else f"{notice.title} Do not read the order as influence. "
    caution += (
        f"{100 * precision:.0f} of 100 customers that the backtest put in the top realised a place there: "
        "trust the whole list more than any single name on it."
    )
    if doubtful:
        which = f"all {doubtful}" if doubtful == len(rows) else f"{doubtful} of {len(rows)}"
        likely = words.exact_percent(LIKELY)
        caution += f" For {which} customers below it is less than {likely} likely that anything comes."
    return caution
