"""The customers at the head of the list, each with the reasons for its score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ripple.models.reasons import family_totals, reasons
from ripple.training.evaluation.cutoff_evaluation import MODEL
from ripple.training.insights.customer_histories import listed
from ripple.training.report.plots.waterfall import Waterfall, waterfall
from ripple.training.report.sections.answer.customer_history import Past, past
from ripple.training.report.sections.trust.backtest import POOLED
from ripple.training.report.sections.trust.placebos import absence
from ripple.training.report.text import words
from ripple.training.report.text.words import Cell
from ripple.training.result import TrainingResult

FIRST = 25
"""Customers that are shown before anybody asks for more."""
VALUE_REASONS = 5
TOP_REASONS = 3


@dataclass(frozen=True)
class Customer:
    """A row of the table and what opens below it."""

    id: str
    rank: Cell
    value: Cell
    low: Cell
    high: Cell
    probability: Cell
    member: bool
    reason: str
    reasons: list[str]
    top_reasons: list[str]
    waterfall: Waterfall
    families: list[Family]
    past: Past


@dataclass(frozen=True)
class Family:
    """All reasons of one family together: a factor on the score, and how long its bar is, in percent."""

    name: str
    factor: str
    direction: str
    width: float


def customers(result: TrainingResult) -> dict[str, Any]:
    """The customers listed one by one, the highest expected network value first."""
    scores = listed(result.scores)
    bundle, currency = result.bundle, result.settings.currency
    x = bundle.matrix(result.features.loc[scores.index])
    _, base = bundle.contributions("value", x)
    of_value, of_top = reasons(bundle, "value", x, 0), reasons(bundle, "top", x, TOP_REASONS)
    families = family_totals(bundle, "value", x)
    rows = [
        Customer(
            str(name),
            Cell(words.count(score["rank"]), float(score["rank"])),
            _money(score["network_value"], currency),
            _money(score["network_value_low"], currency),
            _money(score["network_value_high"], currency),
            Cell(words.percent(score["top_probability"]), float(score["top_probability"])),
            bool(score["top_member"]),
            of_value[i][0].text,
            [reason.text for reason in of_value[i][:VALUE_REASONS]],
            [reason.text for reason in of_top[i]],
            waterfall(float(base[i]), of_value[i], bundle.spec),
            _families(families[i]),
            past(result, str(name), [reason.feature for reason in of_value[i]]),
        )
        for i, (name, score) in enumerate(scores.iterrows())
    ]
    total = scores["network_value"].sum()
    share = total / result.scores["network_value"].sum()
    return {
        "rows": rows,
        "first": FIRST,
        "members": int(result.scores["top_member"].sum()),
        "finding": (
            f"The first {len(rows)} customers are expected to bring {words.money(total, currency)}, "
            f"{words.percent(share)} of all expected network value; the first of them, {rows[0].id}, "
            f"{rows[0].value.text}"
        ),
        "caution": _caution(result, rows),
        "interval": words.share_name(bundle.spec.interval.coverage),
    }


def _families(totals: dict[str, float]) -> list[Family]:
    most = max(abs(effect) for effect in totals.values()) or 1.0
    return [
        Family(
            name,
            words.factor(effect),
            "up" if effect > 0 else "down",
            round(100 * abs(effect) / most, 1),
        )
        for name, effect in sorted(totals.items(), key=lambda one: -abs(one[1]))
    ]


def _money(amount: float, currency: str) -> Cell:
    return words.cell(float(amount), words.money(float(amount), currency), "too few past cases")


def _caution(result: TrainingResult, rows: list[Customer]) -> str:
    """How far a single line of the table may be trusted."""
    rankings = result.backtest.rankings
    own = rankings[(rankings["cutoff"] == POOLED) & (rankings["ranking"] == MODEL)]
    precision = float(own["precision"].iloc[0])
    at_zero = sum(row.low.sort == 0 for row in rows)
    caution = (
        "" if absence(result) is None else "No influence was found: do not read the order as influence. "
    )
    caution += (
        f"Trust the list more than any one name on it: in the backtest, {100 * precision:.0f} of 100 "
        "customers put in the top truly belonged there."
    )
    if at_zero:
        which = "every customer" if at_zero == len(rows) else f"{at_zero} of the customers"
        caution += f" For {which} below, the interval reaches down to 0: no network value at all is possible."
    return caution
