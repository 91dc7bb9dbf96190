"""The customers predicted on top, judged by themselves: what past lists held, and how right they were."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ripple.training.evaluation.prediction_table import CUTOFF, evaluated_at
from ripple.training.examples.membership import top_mask
from ripple.training.report.plots.lists import shares_by_cutoff
from ripple.training.report.sections.trust.backtest import UNCALIBRATED
from ripple.training.report.text import words
from ripple.training.report.text.evaluated_cutoffs import cutoff_key
from ripple.training.report.text.words import Cell
from ripple.training.result import TrainingResult

STEADY = 0.1
"""The relative change from the first to the latest cutoff below which a number is called steady."""
NOTHING = "nobody had any network value in this period"


@dataclass(frozen=True)
class JudgedTop:
    """The list of one past cutoff; amounts in currency, shares 0 to 1, nan where a number is not known.

    Attributes:
        customers: how many were predicted on top.
        right: how many of them were truly on top.
        share: what they realised ÷ what all customers realised.
        best_share: what the true top realised ÷ the same.
        rule_share: what the top by the best simple rule realised ÷ the same.
        predicted, realised: their total.
        coverage: the share of them whose realised value lay inside their interval.
        median_predicted, median_realised: of one of them.
    """

    cutoff: datetime
    customers: int
    right: int
    share: float
    best_share: float
    rule_share: float
    predicted: float
    realised: float
    coverage: float
    median_predicted: float
    median_realised: float

    @property
    def ratio(self) -> float:
        """Predicted ÷ realised."""
        return self.predicted / self.realised if self.realised > 0 else math.nan


def judged_tops(result: TrainingResult) -> list[JudgedTop]:
    """The list of each evaluated cutoff, the oldest first."""
    predictions = result.evaluation.predictions
    if predictions.empty:
        return []
    backtest = result.evaluation.backtest
    rule = backtest.rankings[backtest.rankings["ranking"] == backtest.best_baseline]
    rule_captures = rule.set_index("cutoff")["capture"]
    judged = []
    for cutoff in evaluated_at(predictions):
        at = predictions[predictions[CUTOFF] == cutoff]
        top = at[top_mask(at["predicted"].to_numpy(), result.settings.top_share)]
        total, best = float(at["realised"].sum()), float(at.loc[at["at_top"], "realised"].sum())
        known = top["high"].notna()
        inside = (top["low"] <= top["realised"]) & (top["realised"] <= top["high"])
        judged.append(
            JudgedTop(
                cutoff,
                len(top),
                int(top["at_top"].sum()),
                float(top["realised"].sum()) / total if total > 0 else math.nan,
                best / total if total > 0 else math.nan,
                float(rule_captures.get(cutoff_key(cutoff), math.nan)) * best / total
                if total > 0
                else math.nan,
                float(top["predicted"].sum()),
                float(top["realised"].sum()),
                float(inside[known].mean()) if known.any() else math.nan,
                float(top["predicted"].median()),
                float(top["realised"].median()),
            )
        )
    return judged


def top_customers_section(result: TrainingResult) -> dict[str, Any]:
    """A row per past list, a picture, and the trend in words; without rows where no list was evaluated."""
    judged = judged_tops(result)
    if not judged:
        return {
            "finding": "Not evaluated: this run keeps no predictions of past cutoffs",
            "trend": "",
            "plot": "",
            "rows": [],
        }
    latest = judged[-1]
    return {
        "finding": (
            f"{latest.right} of the {latest.customers} customers on the list of {words.day(latest.cutoff)} "
            f"were truly on top, and the list held {_text(latest.share)} of all network value that followed"
        ),
        "trend": trend(judged),
        "plot": shares_by_cutoff(
            [words.short_day(one.cutoff) for one in judged],
            {
                "best possible": [one.best_share for one in judged],
                "this method": [one.share for one in judged],
                "simple rule": [one.rule_share for one in judged],
            },
        ),
        "rows": [_row(one, result.settings.currency) for one in judged],
    }


def trend(judged: list[JudgedTop]) -> str:
    """How the lists changed from the first to the latest cutoff."""
    if len(judged) < 2:
        return "There is only 1 past list, so nobody can say whether lists get better or worse."
    first, latest = judged[0], judged[-1]
    sentences = [
        _changed("The share of network value that the list held", first.share, latest.share, words.percent),
        _changed("Predicted ÷ realised", first.ratio, latest.ratio, words.decimal),
        _changed("The share of values inside their interval", first.coverage, latest.coverage, words.percent),
    ]
    return f"From the first to the latest of {len(judged)} lists: {'; '.join(filter(None, sentences))}."


def _changed(what: str, first: float, latest: float, as_text: Any) -> str:
    if not (math.isfinite(first) and math.isfinite(latest)):
        return ""
    change = abs(latest - first) / max(abs(first), 1e-9)
    verb = "was steady" if change < STEADY else "rose" if latest > first else "fell"
    return f"{what[0].lower()}{what[1:]} {verb}, {as_text(first)} to {as_text(latest)}"


def _text(share: float) -> str:
    return words.percent(share) if math.isfinite(share) else "an unknown share"


def _row(one: JudgedTop, currency: str) -> list[Cell]:
    def share(value: float, why: str = NOTHING) -> Cell:
        return words.cell(value, words.percent(value), why)

    return [
        Cell(words.day(one.cutoff), one.cutoff.timestamp()),
        Cell(f"{one.right} of {one.customers}", float(one.right)),
        share(one.share),
        share(one.rule_share),
        share(one.best_share),
        words.cell(one.ratio, words.decimal(one.ratio), NOTHING),
        share(one.coverage, UNCALIBRATED),
        Cell(words.money(one.median_predicted, currency), one.median_predicted),
        Cell(words.money(one.median_realised, currency), one.median_realised),
    ]
