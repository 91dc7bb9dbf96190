"""How well the model does among kinds of customers: the slices of the backtest."""

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


def kinds(result: TrainingResult) -> dict[str, Any]:
    """One row per kind; without rows where the backtest has none."""
    slices = result.backtest.slices
    if slices.empty:
        return {"rows": [], "plot": "", "finding": "This run keeps no judgement of kinds of customers"}
    judged = slices[(slices["slice"] != EVERYBODY) & (slices["predicted_share"] > 0)]
    return {
        "finding": _finding(slices, judged),
        "cold": _cold(slices, result.backtest.best_baseline),
        "plot": trust_plots.ratios(list(judged["slice"]), judged["predicted_share"].to_numpy())
        if len(judged)
        else "",
        "rule": result.backtest.best_baseline,
        "rows": [_row(row) for _, row in slices.iterrows()],
    }


def _finding(slices: pd.DataFrame, judged: pd.DataFrame) -> str:
    off = uneven(judged)
    if not len(judged):
        return f"In {words.plural(len(slices), 'kind')} of customers nothing came true to judge by"
    sizes = np.abs(np.log(judged["predicted_share"]))
    worst = judged.loc[sizes.idxmax()]
    how = (
        f"In {len(off)} of {words.plural(len(judged), 'kind')} of customers the predicted value is more than "
        f"{UNEVEN:g} times what came true, or less than 1/{UNEVEN:g} of it"
        if len(off)
        else f"In each of {words.plural(len(judged), 'kind')} of customers predicted and realised value are "
        f"within a factor of {UNEVEN:g}"
    )
    return f"{how}; furthest off among “{worst['slice']}”, {words.decimal(worst['predicted_share'])} times"


def _cold(slices: pd.DataFrame, rule: str) -> str:
    """How the newest customers fare, of whom the models had seen nothing."""
    found = slices[slices["slice"] == COLD_START]
    if found.empty or not math.isfinite(found["capture"].iloc[0]):
        return ""
    own, other = float(found["capture"].iloc[0]), float(found["rule_capture"].iloc[0])
    return (
        f"Among customers who joined after the last cutoff that was learnt from, Ripple captures "
        f"{words.percent(own)} of the value at their top, “{rule}” {words.percent(other)}."
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
