"""The customers predicted on top, judged by themselves: what past lists held, and how right they were."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ripple.training.evaluation.judged_tops import JudgedTop
from ripple.training.report.plots.lists import shares_by_cutoff
from ripple.training.report.sections.trust.backtest import UNCALIBRATED
from ripple.training.report.text import words
from ripple.training.report.text.words import Cell
from ripple.training.result import TrainingResult

STEADY = 0.1
"""The relative change from the first to the latest cutoff below which a number is called steady."""
NOTHING = "nobody had any network value in this period"


def top_customers_section(result: TrainingResult) -> dict[str, Any]:
    """A row per past list, a picture, and the trend in words; without rows where no list was evaluated."""
    judged = result.judged_tops
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


def trend(judged: Sequence[JudgedTop]) -> str:
    """How the lists changed from the first to the latest cutoff."""
    if len(judged) < 2:
        return "There is only 1 past list, so nobody can say whether lists get better or worse."
    first, latest = judged[0], judged[-1]
    sentences = [
        _changed("the share of network value that the list held", first.share, latest.share, words.percent),
        _changed("predicted ÷ realised", first.ratio, latest.ratio, words.decimal),
        _changed("the share of values inside their interval", first.coverage, latest.coverage, words.percent),
    ]
    return f"From the first to the latest of {len(judged)} lists: {'; '.join(filter(None, sentences))}."


def _changed(what: str, first: float, latest: float, as_text: Any) -> str:
    if not (math.isfinite(first) and math.isfinite(latest)):
        return ""
    change = abs(latest - first) / max(abs(first), 1e-9)
    verb = "was steady" if change < STEADY else "rose" if latest > first else "fell"
    return f"{what} {verb}, {as_text(first)} to {as_text(latest)}"


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
