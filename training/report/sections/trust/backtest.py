"""The backtest: capture and other metrics of the model and of simple rules, as tables and figures."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from ripple.training.evaluation.cutoff_evaluation import MODEL
from ripple.training.report.plots import figures
from ripple.training.report.text import words
from ripple.training.report.text.evaluated_cutoffs import cutoff_key, evaluated_cutoffs
from ripple.training.report.text.words import Cell
from ripple.training.result import TrainingResult

POOLED = "pooled"
RULES = {
    MODEL: "the model",
    "last label": "network value credited in the previous period",
    "own revenue": "what the customer has spent so far",
    "number of referrals": "how many customers they referred",
    "revenue of own referrals": "what the customers they referred have spent",
    "degree": "how many customers they are in contact with",
    "weighted degree": "how often and how lately they are in contact with customers",
    "PageRank": "how many customers they are in contact with, the well connected counting more",
    "RFM": "recency, frequency and amount of their orders",
    "time-decayed credit": "what their contacts bought after them in the previous period",
}
NO_VALUE = "nobody had any network value in this period"
ALL_EQUAL = "all customers have the same value"
METRICS = {
    "precision": ("Precision", NO_VALUE),
    "pr_auc": ("PR-AUC", NO_VALUE),
    "gini": ("Gini", NO_VALUE),
    "spearman": ("Spearman", ALL_EQUAL),
}
"""The name of each metric in the glossary and the reason why it can be undefined, by column."""
UNDEFINED = "the metric is undefined in one of the periods"
SAME_FOR_ALL = "the rule has the same value for everybody here"
UNCALIBRATED = "no earlier period with network value had closed for calibration"


def backtest_section(result: TrainingResult) -> dict[str, Any]:
    """Capture by cutoff, other metrics as means over the cutoffs, and calibration by decile."""
    order = _order(result)
    captures = _captures(result, order)
    numbers = captures.to_numpy(dtype=float)
    backtest = result.evaluation.backtest
    wins, periods = _wins(captures, backtest.best_baseline)
    table = _pooled(result)
    metrics = METRICS | {metric.name: (metric.name, UNDEFINED) for metric in backtest.business}
    pooled = {name: {metric: float(table[metric][name]) for metric in metrics} for name in order}
    return {
        "finding": (
            f"Ripple’s top {words.exact_percent(result.settings.top_share)} captured "
            f"{words.estimate(*backtest.capture_interval(MODEL))} of the possible network value, "
            f"“{backtest.best_baseline}” "
            f"{words.estimate(*backtest.capture_interval(backtest.best_baseline))}; "
            f"Ripple was ahead in {wins} of {words.plural(periods, 'period')}"
        ),
        "cutoffs": [words.day(cutoff) for cutoff in evaluated_cutoffs(result)],
        "captures": [
            (
                name,
                RULES.get(name, ""),
                _capture_cells(row, numbers[0]),
                _intervals(table.loc[[name]].iloc[0], name),
            )
            for name, row in zip(order, numbers, strict=True)
        ],
        "metrics": [name for name, _ in METRICS.values()],
        "business": [(metric.name, metric.description) for metric in backtest.business],
        "pooled": [(name, RULES.get(name, ""), _metric_cells(pooled[name], metrics)) for name in order],
        "pooled_finding": _pooled_finding(pooled),
        "capture_plot": figures.capture(
            captures, table.loc[order, ["capture_low", "capture_high"]].to_numpy(dtype=float), MODEL
        ),
        "calibration_plot": figures.calibration(result.evaluation.backtest.deciles, result.settings.currency),
        "calibration_finding": _calibration_finding(result),
        "model": MODEL,
    }


def _order(result: TrainingResult) -> list[str]:
    """The model, then the rules by capture, the best first."""
    pooled = _pooled(result)["capture"].drop(MODEL)
    return [MODEL, *pooled.sort_values(ascending=False, kind="stable").index]


def _pooled(result: TrainingResult) -> pd.DataFrame:
    rankings = result.evaluation.backtest.rankings
    return rankings[rankings["cutoff"] == POOLED].set_index("ranking")


def _captures(result: TrainingResult, order: list[str]) -> pd.DataFrame:
    """Capture with one row per ranking and one column per cutoff, the mean last."""
    wide = result.evaluation.backtest.rankings.groupby(["ranking", "cutoff"])["capture"].mean().unstack()
    columns = [cutoff_key(cutoff) for cutoff in evaluated_cutoffs(result)]
    return wide.reindex(index=order, columns=[*columns, POOLED])


def _capture_cells(row: np.ndarray, of_model: np.ndarray) -> list[Cell]:
    """Captures of a ranking; without one, there was no value if the model has none either."""
    return [
        words.cell(share, words.percent(share), SAME_FOR_ALL if math.isfinite(model) else NO_VALUE)
        for share, model in zip(row.tolist(), of_model.tolist(), strict=True)
    ]


def _intervals(row: pd.Series, name: str) -> list[Cell]:
    """The interval of the mean capture, the lead of the model, and the interval of the lead."""

    def interval(metric: str, as_text: Callable[[float], str]) -> Cell:
        low, high = float(row[f"{metric}_low"]), float(row[f"{metric}_high"])
        return words.between(low, high, f"{as_text(low)} to {as_text(high)}", NO_VALUE)

    if name == MODEL:
        no_lead = Cell("–", None)
        return [interval("capture", words.percent), no_lead, no_lead]
    return [
        interval("capture", words.percent),
        words.cell(row["lead"], words.signed_points(row["lead"]), NO_VALUE),
        interval("lead", words.signed_points),
    ]


def _metric_cells(row: dict[str, float], metrics: dict[str, tuple[str, str]]) -> list[Cell]:
    return [
        words.cell(
            row[metric],
            words.percent(row[metric]) if metric == "precision" else words.decimal(row[metric]),
            why,
        )
        for metric, (_, why) in metrics.items()
    ]


def _wins(captures: pd.DataFrame, best: str) -> tuple[int, int]:
    """The number of periods in which the model captured more than the best rule, and of those with value."""
    periods = captures.drop(columns=POOLED)
    model, rule = periods.loc[[MODEL]].to_numpy(), periods.loc[[best]].fillna(0.0).to_numpy()
    return int((model > rule).sum()), int(np.isfinite(model).sum())


def _pooled_finding(pooled: dict[str, dict[str, float]]) -> str:
    ahead, behind = [], []
    for metric, (name, _) in METRICS.items():
        known = {ranking: row[metric] for ranking, row in pooled.items() if math.isfinite(row[metric])}
        model = known.pop(MODEL, math.nan)
        if math.isnan(model) or not known:
            continue
        best = max(known, key=lambda ranking: known[ranking])
        if model > known[best]:
            ahead.append(name)
        else:
            behind.append(f"{name} (best: “{best}”)")
    parts = [f"ahead of every rule on {words.joined(ahead)}"] if ahead else []
    parts += [f"not ahead on {words.joined(behind)}"] if behind else []
    return f"By {len(METRICS)} other metrics, Ripple is {' and '.join(parts)}." if parts else ""


def _calibration_finding(result: TrainingResult) -> str:
    deciles, currency = result.evaluation.backtest.deciles, result.settings.currency
    highest = deciles.iloc[-1]
    predicted, realised = float(highest["predicted"]), float(highest["realised"])
    finding = (
        f"On average over {words.plural(len(evaluated_cutoffs(result)), 'backtest period')}, the "
        f"10{words.NO_BREAK_SPACE}% of customers with the highest predictions had a predicted value of "
        f"{words.money(predicted, currency)} each and a realised value of {words.money(realised, currency)}"
    )
    heads = result.evaluation.backtest.heads
    far_off = heads[(heads["predicted_share"] > 2) | (heads["predicted_share"] < 0.5)]
    if len(far_off):
        days = [words.day(datetime.fromisoformat(cutoff)) for cutoff in far_off["cutoff"]]
        finding += (
            f". Totals were far off at {words.joined(days)} (see the next table), which affects this mean"
        )
    return finding
