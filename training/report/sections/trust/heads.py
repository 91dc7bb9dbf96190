"""The two heads at every cutoff, as a person without statistics would want to be told."""

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


def heads(result: TrainingResult) -> dict[str, Any]:
    """One row per cutoff: total, interval and probability, each as a number and in words."""
    table = result.backtest.heads
    promised = result.settings.model.interval
    rows = [_row(row, promised, result.settings.currency) for _, row in table.iterrows()]
    return {
        "rows": rows,
        "finding": _finding(rows[-1], words.share_name(promised)),
        "promised": words.share_name(promised),
    }


def _finding(latest: dict[str, Any], promised: str) -> str:
    when = f"At the latest cutoff, {latest['cutoff'].text}"
    if latest["coverage"][0].missing:
        return f"{when}, amounts and odds could not be judged: {UNCALIBRATED}"
    return (
        f"{when}, the predicted total was {latest['total'][1]}, the {promised} intervals were "
        f"{latest['coverage'][1]} ({latest['coverage'][0].text} inside), and the probabilities were "
        f"{latest['brier'][1]}"
    )


def _row(row: pd.Series, promised: float, currency: str) -> dict[str, Any]:
    return {
        "cutoff": Cell(words.day(when := datetime.fromisoformat(str(row["cutoff"]))), when.timestamp()),
        "customers": Cell(words.count(row["customers"]), float(row["customers"])),
        "realised": Cell(words.money(row["realised"], currency), float(row["realised"])),
        "total": _total(float(row["predicted_share"]), float(row["realised"])),
        "coverage": _coverage(float(row["coverage"]), promised),
        "brier": _brier(float(row["brier"]), float(row["brier_base_rate"])),
    }


def _total(share: float, realised: float) -> tuple[Cell, str]:
    why = NOTHING if realised <= 0 else UNCALIBRATED
    shown = words.cell(share, f"{share:.2f}", why)
    if not math.isfinite(share):
        return shown, shown.text
    if abs(share - 1) < 0.05:
        return shown, "right within 5\u00a0%"
    if share >= 2:
        return shown, f"{share:.1f} times what came"
    if share < 0.5:
        return shown, f"only {words.percent(share)} of what came"
    return shown, f"{words.percent(abs(share - 1))} too {'high' if share > 1 else 'low'}"


def _coverage(coverage: float, promised: float) -> tuple[Cell, str]:
    shown = words.cell(coverage, words.percent(coverage), UNCALIBRATED)
    if not math.isfinite(coverage):
        return shown, shown.text
    if abs(coverage - promised) < 0.05:
        return shown, "about as wide as promised"
    if coverage > promised:
        return shown, "wider than promised"
    return shown, "too narrow"


def _brier(brier: float, base: float) -> tuple[Cell, str]:
    """Brier score beside that of telling everybody the base rate; the words give the skill score."""
    shown = words.cell(brier, f"{brier:.4f} / {base:.4f}", UNCALIBRATED)
    if not math.isfinite(brier) or base <= 0:
        return shown, shown.text
    skill = 1 - brier / base
    if skill > 0.005:
        return shown, f"{words.percent(skill)} better than giving everyone the same odds"
    if skill < -0.005:
        return shown, f"{words.percent(-skill)} worse than giving everyone the same odds"
    return shown, "no better than giving everyone the same odds"
