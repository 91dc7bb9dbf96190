"""The customers with the highest expected network value, each with the reasons for its score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ripple.models.reasons import family_totals, reasons
from ripple.training.evaluation.cutoff_evaluation import MODEL
from ripple.training.insights.customer_histories import listed_customers
from ripple.training.report.plots.waterfall import Waterfall, waterfall
from ripple.training.report.sections.answer.customer_history import CustomerHistory, customer_history
from ripple.training.report.sections.trust.backtest import POOLED
from ripple.training.report.sections.trust.placebos import no_influence_notice
from ripple.training.report.text import words
from ripple.training.report.text.words import Cell
from ripple.training.result import OWNER, TrainingResult

ROWS_SHOWN = 25
"""The number of customers that the page shows before the reader asks for more."""
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
    rows = [
        Customer(
            str(name),
            result.population.label(str(name)),
            owners.get(name, ""),
            Cell(words.count(score["rank"]), float(score["rank"])),
            _money(score["network_value"], currency),
            Cell(words.probability(score["any_value_probability"]), float(score["any_value_probability"])),
            _money(score["if_any_value_low"], currency),
            _money(score["if_any_value_high"], currency),
            Cell(words.probability(score["top_probability"]), float(score["top_probability"])),
            bool(score["top_member"]),
            of_value[i][0].text,
            [reason.text for reason in of_value[i][:VALUE_REASONS]],
            [reason.text for reason in of_top[i]],
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
            f"expected from the first {len(rows)} customers; {rows[0].value.text} from the first of them, "
            f"{rows[0].label}"
        ),
        "caution": _caution(result, rows),
        "interval": words.exact_percent(bundle.spec.coverage),
    }


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


def _money(amount: float, currency: str) -> Cell:
    return words.cell(float(amount), words.money(float(amount), currency), "too few past cases")


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
        caution += f" For {which} customers below it is less than {LIKELY:.0%} likely that anything comes."
    return caution
