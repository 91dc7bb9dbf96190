"""Calibration in the backtest: predicted probabilities and intervals against realised frequencies."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ripple.training.report.plots import trust_plots
from ripple.training.report.sections.trust.backtest import UNCALIBRATED
from ripple.training.report.text import words
from ripple.training.report.text.words import Cell
from ripple.training.result import TrainingResult

BIN_EDGES = (0.0, 0.002, 0.01, 0.03, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0)
MIN_CUSTOMERS = 10
"""The number of customers from which the share of a group is reported in the finding."""


def calibration_section(result: TrainingResult) -> dict[str, Any]:
    """Reliability by group of probability, and coverage of the interval by tenth of prediction."""
    predictions, nominal = result.evaluation.predictions, result.settings.model.interval
    deciles = result.evaluation.backtest.deciles
    has_coverage = "coverage" in deciles and bool(np.isfinite(deciles["coverage"]).any())
    bins = reliability(predictions) if len(predictions) else pd.DataFrame()
    if bins.empty:
        return {
            "finding": f"Probabilities could not be evaluated: {UNCALIBRATED}",
            "plot": "",
            "rows": [],
            "coverage_plot": "",
            "coverage_finding": "",
        }
    base_rate = float(predictions["at_top"].mean())
    return {
        "finding": _finding(bins, result),
        "plot": trust_plots.reliability(bins, base_rate),
        "rows": [_row(row) for _, row in bins.iterrows()],
        "coverage_plot": trust_plots.coverage(deciles, nominal) if has_coverage else "",
        "coverage_finding": _coverage(deciles, nominal) if has_coverage else "",
    }


def reliability(predictions: pd.DataFrame) -> pd.DataFrame:
    """Groups of customers by predicted probability, over all cutoffs, without empty groups.

    Returns:
        `from`, `to`, `customers` and `at_top` (counts; a customer counts once per cutoff), `predicted`
        (mean probability), `realised` (share in the true top) and its Wilson bounds `low` and `high`.
    """
    known = predictions[np.isfinite(predictions["top_probability"])]
    bins = np.clip(
        np.searchsorted(BIN_EDGES, known["top_probability"], side="right") - 1, 0, len(BIN_EDGES) - 2
    )
    rows = []
    for i, group in known.groupby(bins):
        at_top, size = int(group["at_top"].sum()), len(group)
        low, high = words.wilson_interval(at_top, size)
        predicted = float(group["top_probability"].mean())
        counts = {"from": BIN_EDGES[int(i)], "to": BIN_EDGES[int(i) + 1], "customers": size, "at_top": at_top}
        rows.append(counts | {"predicted": predicted, "realised": at_top / size, "low": low, "high": high})
    return pd.DataFrame(rows)


def _finding(bins: pd.DataFrame, result: TrainingResult) -> str:
    large = bins[bins["customers"] >= MIN_CUSTOMERS]
    last = (large if len(large) else bins).iloc[-1]
    misses = bins[(bins["predicted"] < bins["low"]) | (bins["predicted"] > bins["high"])]
    return (
        f"Of customers with a predicted probability of {_range(last)} of being in the top "
        f"{words.exact_percent(result.settings.top_share)}, {words.percent(last['predicted'])} on average, "
        f"{words.estimate(last['realised'], last['low'], last['high'])} were there; predicted and realised "
        f"probabilities agree in {len(bins) - len(misses)} of {words.plural(len(bins), 'group')}"
    )


def _range(row: pd.Series) -> str:
    return f"{words.exact_percent(row['from'])} to {words.exact_percent(row['to'])}"


def _row(row: pd.Series) -> list[Cell]:
    return [
        words.between(float(row["from"]), float(row["to"]), _range(row), "no customers"),
        Cell(words.count(row["customers"]), float(row["customers"])),
        Cell(words.percent(row["predicted"], 1), float(row["predicted"])),
        Cell(words.percent(row["realised"], 1), float(row["realised"])),
        words.between(
            float(row["low"]),
            float(row["high"]),
            f"{words.percent(row['low'], 1)} to {words.percent(row['high'], 1)}",
            "no customers",
        ),
    ]


def _coverage(deciles: pd.DataFrame, nominal: float) -> str:
    lowest = deciles.sort_values("coverage", kind="stable").iloc[0]
    mean = float(deciles["coverage"].mean())
    return (
        f"{words.percent(mean)} of realised values lay inside their {words.exact_percent(nominal)} interval "
        f"over all periods; fewest in tenth {lowest['decile']:.0f} of the predictions, "
        f"{words.percent(lowest['coverage'])}"
    )
