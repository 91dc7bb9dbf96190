"""The slices of the backtest: metrics of the model for groups of customers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from ripple.training.evaluation.slices import COLD_START, EVERYBODY, UNEVEN, uneven
from ripple.training.report.plots import trust_plots
from ripple.training.report.text import words
from ripple.training.report.text.words import Cell
from ripple.training.result import TrainingResult

NO_VALUE = "nobody of this kind had any network value"
UNCALIBRATED = "no interval had been calibrated yet"


def slices_section(result: TrainingResult) -> dict[str, Any]:
    """A figure and a table with one row per kind; without rows where the backtest has none."""
    slices = result.evaluation.backtest.slices
    if slices.empty:
        return {
            "rows": [],
            "plot": "",
            "finding": "Not evaluated: this run keeps no numbers by kind of customer",
        }
    evaluated = slices[(slices["slice"] != EVERYBODY) & (slices["predicted_share"] > 0)]
    return {
        "finding": _finding(slices, evaluated),
        "newest": _newest_customers(slices, result.evaluation.backtest.best_baseline),
        "plot": trust_plots.ratios(list(evaluated["slice"]), evaluated["predicted_share"].to_numpy())
        if len(evaluated)
        else "",
        "rule": result.evaluation.backtest.best_baseline,
        "rows": [_row(row) for _, row in slices.iterrows()],
    }


def _finding(slices: pd.DataFrame, evaluated: pd.DataFrame) -> str:
    if not len(evaluated):
        return f"Nothing was realised in {words.plural(len(slices), 'kind')} of customers"
    off = len(uneven(evaluated))
    worst = evaluated.loc[np.abs(np.log(evaluated["predicted_share"])).idxmax()]
    return (
        f"{off} of {words.plural(len(evaluated), 'kind')} of customers have a predicted value more than "
        f"{UNEVEN:g} times, or less than 1/{UNEVEN:g}, of the realised value; the worst is "
        f"“{worst['slice']}” with {words.decimal(worst['predicted_share'])} times"
    )


def _newest_customers(slices: pd.DataFrame, rule: str) -> str:
    """Capture among customers who joined after the training data of the backtest."""
    newest = slices[slices["slice"] == COLD_START]
    if newest.empty or not math.isfinite(newest["capture"].iloc[0]):
        return ""
    model, of_rule = float(newest["capture"].iloc[0]), float(newest["rule_capture"].iloc[0])
    return (
        f"Ripple captures {words.percent(model)}, “{rule}” {words.percent(of_rule)}, of the value in the top "
        "of the customers who joined after the last training cutoff."
    )


def _row(row: pd.Series) -> tuple[str, list[Cell]]:
    shares = ((name, NO_VALUE) for name in ("top_share", "true_top_share"))
    captures = ((name, NO_VALUE) for name in ("capture", "rule_capture"))
    return str(row["slice"]), [
        Cell(words.count(row["customers"]), float(row["customers"])),
        *(words.cell(row[name], words.percent(row[name]), why) for name, why in shares),
        words.cell(row["predicted_share"], words.decimal(row["predicted_share"]), NO_VALUE),
        words.cell(row["coverage"], words.percent(row["coverage"]), UNCALIBRATED),
        *(words.cell(row[name], words.percent(row[name]), why) for name, why in captures),
    ]
