"""Whether odds and intervals hold: what was given beside what came true, in the backtest."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ripple.training.report.plots import trust_plots
from ripple.training.report.sections.trust.backtest import UNCALIBRATED
from ripple.training.report.text import words
from ripple.training.report.text.words import Cell
from ripple.training.result import TrainingResult

EDGES = (0.0, 0.002, 0.01, 0.03, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0)
ENOUGH = 10
"""Customers in a group from which on a share is told in a sentence."""


def calibration(result: TrainingResult) -> dict[str, Any]:
    """Reliability of the probability by group of it, and coverage of the interval by tenth of prediction."""
    found, promised = result.predictions, result.settings.model.interval
    deciles = result.backtest.deciles
    covered = "coverage" in deciles and bool(np.isfinite(deciles["coverage"]).any())
    bins = reliability(found) if len(found) else pd.DataFrame()
    if bins.empty:
        return {
            "finding": f"The odds could not be judged: {UNCALIBRATED}",
            "plot": "",
            "rows": [],
            "coverage_plot": "",
            "coverage_finding": "",
        }
    base_rate = float(found["at_top"].mean())
    return {
        "finding": _finding(bins, result),
        "plot": trust_plots.reliability(bins, base_rate),
        "rows": [_row(row) for _, row in bins.iterrows()],
        "coverage_plot": trust_plots.coverage(deciles, promised) if covered else "",
        "coverage_finding": _coverage(deciles, promised) if covered else "",
    }


def reliability(predictions: pd.DataFrame) -> pd.DataFrame:
    """Groups of customers by the probability they were given, over all cutoffs, the empty ones left out.

    Returns:
        `from`, `to`, `customers` and `at_top` (counts; a customer counts at every cutoff), `given` (mean
        probability), `found` (share truly at the top) and its Wilson bounds `low` and `high`.
    """
    known = predictions[np.isfinite(predictions["top_probability"])]
    bins = np.clip(np.searchsorted(EDGES, known["top_probability"], side="right") - 1, 0, len(EDGES) - 2)
    rows = []
    for i, group in known.groupby(bins):
        at_top, size = int(group["at_top"].sum()), len(group)
        low, high = words.wilson(at_top, size)
        given = float(group["top_probability"].mean())
        ends = {"from": EDGES[int(i)], "to": EDGES[int(i) + 1], "customers": size, "at_top": at_top}
        rows.append(ends | {"given": given, "found": at_top / size, "low": low, "high": high})
    return pd.DataFrame(rows)


def _finding(bins: pd.DataFrame, result: TrainingResult) -> str:
    enough = bins[bins["customers"] >= ENOUGH]
    last = (enough if len(enough) else bins).iloc[-1]
    misses = bins[(bins["given"] < bins["low"]) | (bins["given"] > bins["high"])]
    return (
        f"Of customers given {_range(last)} odds of the top "
        f"{words.share_name(result.settings.top_share)}, {words.percent(last['given'])} on average, "
        f"{words.estimate(last['found'], last['low'], last['high'])} truly were there; the odds agree with "
        f"what came true in {len(bins) - len(misses)} of {words.plural(len(bins), 'group')}"
    )


def _range(row: pd.Series) -> str:
    return f"{words.share_name(row['from'])} to {words.share_name(row['to'])}"


def _row(row: pd.Series) -> list[Cell]:
    return [
        Cell(_range(row), float(row["from"])),
        Cell(words.count(row["customers"]), float(row["customers"])),
        Cell(words.percent(row["given"], 1), float(row["given"])),
        Cell(words.percent(row["found"], 1), float(row["found"])),
        Cell(f"{words.percent(row['low'], 1)} to {words.percent(row['high'], 1)}", float(row["low"])),
    ]


def _coverage(deciles: pd.DataFrame, promised: float) -> str:
    least = deciles.sort_values("coverage", kind="stable").iloc[0]
    mean = float(deciles["coverage"].mean())
    return (
        f"Over all periods {words.percent(mean)} of customers lay inside their {words.share_name(promised)} "
        f"interval; fewest in tenth {least['decile']:.0f} of the predictions, "
        f"{words.percent(least['coverage'])}"
    )
