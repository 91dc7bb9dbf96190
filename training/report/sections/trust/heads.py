"""The models at every cutoff: total and its interval, coverage, Brier score, in numbers and plain words."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

import pandas as pd

from ripple.training.report.sections.trust.backtest import UNCALIBRATED
from ripple.training.report.text import words
from ripple.training.report.text.words import Cell
from ripple.training.result import TrainingResult

NOTHING = "nothing was realised in this period"


def heads_section(result: TrainingResult) -> dict[str, Any]:
    """One row per cutoff: the interval of the total; total, coverage and Brier score also in words."""
    table = result.evaluation.backtest.heads
    nominal = result.settings.model.interval
    rows = [_row(row, nominal, result.settings.currency) for _, row in table.iterrows()]
    return {
        "rows": rows,
        "finding": _finding(rows[-1], words.exact_percent(nominal)),
        "nominal": words.exact_percent(nominal),
    }


def _finding(latest: dict[str, Any], nominal: str) -> str:
    when = f"At the latest cutoff, {latest['cutoff'].text}"
    if latest["coverage"][0].missing:
        return f"{when}, amounts and probabilities could not be evaluated: {UNCALIBRATED}"
    return (
        f"{when}, the predicted total was {latest['total'][1]}, the {nominal} intervals were "
        f"{latest['coverage'][1]} ({latest['coverage'][0].text} inside), and the probabilities were "
        f"{latest['brier'][1]}"
    )


def _row(row: pd.Series, nominal: float, currency: str) -> dict[str, Any]:
    return {
        "cutoff": Cell(words.day(when := datetime.fromisoformat(str(row["cutoff"]))), when.timestamp()),
        "customers": Cell(words.count(row["customers"]), float(row["customers"])),
        "realised": Cell(
            words.money(row["realised"], currency),
            float(row["realised"]),
            low=words.finite(row["total_low"]),
            high=words.finite(row["total_high"]),
        ),
        "interval": _interval(float(row["total_low"]), float(row["total_high"]), currency),
        "total": _total(float(row["predicted_share"]), float(row["realised"])),
        "coverage": _coverage(float(row["coverage"]), nominal),
        "brier": _brier(float(row["brier"]), float(row["brier_base_rate"])),
    }


def _interval(low: float, high: float, currency: str) -> Cell:
    amounts = words.money_between(low, high, currency).removesuffix(words.NO_BREAK_SPACE + currency)
    return words.cell(low, amounts, UNCALIBRATED)


def _total(share: float, realised: float) -> tuple[Cell, str]:
    why = NOTHING if realised <= 0 else UNCALIBRATED
    shown = words.cell(share, f"{share:.2f}", why)
    if not math.isfinite(share):
        return shown, shown.text
    if abs(share - 1) < 0.05:
        return shown, "within 5\u00a0% of the realised total"
    if share >= 2:
        return shown, f"{share:.1f} times the realised total"
    if share < 0.5:
        return shown, f"{words.percent(share)} of the realised total"
    return shown, f"{words.percent(abs(share - 1))} too {'high' if share > 1 else 'low'}"


def _coverage(coverage: float, nominal: float) -> tuple[Cell, str]:
    shown = words.cell(coverage, words.percent(coverage), UNCALIBRATED)
    if not math.isfinite(coverage):
        return shown, shown.text
    if abs(coverage - nominal) < 0.05:
        return shown, "about right"
    if coverage > nominal:
        return shown, "too wide"
    return shown, "too narrow"


def _brier(brier: float, base: float) -> tuple[Cell, str]:
    """The Brier score, and that of the base rate for everybody; the words give the skill score."""
    shown = words.cell(brier, f"{brier:.4f} / {base:.4f}", UNCALIBRATED)
    if not math.isfinite(brier) or base <= 0:
        return shown, shown.text
    skill = 1 - brier / base
    if skill > 0.005:
        return shown, f"{words.percent(skill)} better than the same probability for everybody"
    if skill < -0.005:
        return shown, f"{words.percent(-skill)} worse than the same probability for everybody"
    return shown, "no better than the same probability for everybody"
