"""How the model would have done: the backtest as tables, pictures and plain sentences."""

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
from ripple.training.report.text.evaluated_cutoffs import judged, key
from ripple.training.report.text.words import Cell
from ripple.training.result import TrainingResult

POOLED = "pooled"
RULES = {
    MODEL: "the model",
    "last label": "network value credited in the period before",
    "own revenue": "what the customer has spent",
    "number of referrals": "how many customers they brought in",
    "revenue of own referrals": "what those they brought in have spent",
    "degree": "how many customers they reach",
    "weighted degree": "the same, frequent and recent contact counting more",
    "PageRank": "the same, and what those they reach reach in turn",
    "RFM": "recency, frequency and amount of their orders",
    "time-decayed credit": "what those they had reached bought after them in the period before",
}
NO_VALUE = "nobody had any network value in this period"
ALL_EQUAL = "all customers are equal"
METRICS = {
    "precision": ("Precision", NO_VALUE),
    "pr_auc": ("PR-AUC", NO_VALUE),
    "gini": ("Gini", NO_VALUE),
    "spearman": ("Spearman", ALL_EQUAL),
}
"""Column of the rankings → its name in the glossary, and why it can be undefined."""
SAYS_NOTHING = "the rule puts all customers equal here"
UNCALIBRATED = "no earlier period with network value had closed to calibrate on"


def judgement(result: TrainingResult) -> dict[str, Any]:
    """Rankings by cutoff and pooled, calibration by decile, and the two heads in words."""
    order = _order(result)
    captures = _captures(result, order)
    numbers = captures.to_numpy(dtype=float)
    wins, looks = _wins(captures, result.backtest.best_baseline)
    table = _pooled(result)
    pooled = {name: {metric: float(table[metric][name]) for metric in METRICS} for name in order}
    return {
        "finding": (
            f"Ripple’s top {words.share_name(result.settings.top_share)} captured "
            f"{words.estimate(*result.backtest.capture_interval(MODEL))} of the network value it could "
            "have, against "
            f"{words.estimate(*result.backtest.capture_interval(result.backtest.best_baseline))} for "
            f"“{result.backtest.best_baseline}”; it was ahead of that rule in {wins} of "
            f"{words.plural(looks, 'period')}"
        ),
        "cutoffs": [words.day(cutoff) for cutoff in judged(result)],
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
        "pooled": [(name, RULES.get(name, ""), _metric_cells(pooled[name])) for name in order],
        "pooled_finding": _pooled_finding(pooled),
        "capture_plot": figures.capture(
            captures, table.loc[order, ["capture_low", "capture_high"]].to_numpy(dtype=float), MODEL
        ),
        "calibration_plot": figures.calibration(result.backtest.deciles, result.settings.currency),
        "calibration_finding": _calibration_finding(result),
        "model": MODEL,
    }


def _order(result: TrainingResult) -> list[str]:
    """The model, then the rules, the best first."""
    pooled = _pooled(result)["capture"].drop(MODEL)
    return [MODEL, *pooled.sort_values(ascending=False, kind="stable").index]


def _pooled(result: TrainingResult) -> pd.DataFrame:
    rankings = result.backtest.rankings
    return rankings[rankings["cutoff"] == POOLED].set_index("ranking")


def _captures(result: TrainingResult, order: list[str]) -> pd.DataFrame:
    """Capture, one row per ranking, one column per cutoff and the pooled one last."""
    wide = result.backtest.rankings.groupby(["ranking", "cutoff"])["capture"].mean().unstack()
    columns = [key(cutoff) for cutoff in judged(result)]
    return wide.reindex(index=order, columns=[*columns, POOLED])


def _capture_cells(row: np.ndarray, of_model: np.ndarray) -> list[Cell]:
    """Where the model too has no number there was no value; where only the rule has none, it said nothing."""
    return [
        words.cell(share, words.percent(share), SAYS_NOTHING if math.isfinite(own) else NO_VALUE)
        for share, own in zip(row.tolist(), of_model.tolist(), strict=True)
    ]


def _intervals(row: pd.Series, name: str) -> list[Cell]:
    """The interval of the mean capture; how far the model is ahead, and the interval of that."""

    def span(what: str, said: Callable[[float], str], why: str) -> Cell:
        low, high = float(row[f"{what}_low"]), float(row[f"{what}_high"])
        return words.cell(low, f"{said(low)} to {said(high)}", why)

    if name == MODEL:
        itself = Cell("–", None)
        return [span("capture", words.percent, NO_VALUE), itself, itself]
    return [
        span("capture", words.percent, NO_VALUE),
        words.cell(row["lead"], words.signed_points(row["lead"]), NO_VALUE),
        span("lead", words.signed_points, NO_VALUE),
    ]


def _metric_cells(row: dict[str, float]) -> list[Cell]:
    return [
        words.cell(
            row[metric],
            words.percent(row[metric]) if metric == "precision" else words.decimal(row[metric]),
            why,
        )
        for metric, (_, why) in METRICS.items()
    ]


def _wins(captures: pd.DataFrame, best: str) -> tuple[int, int]:
    """In how many periods the model captured more than the best rule, and in how many there was any value."""
    periods = captures.drop(columns=POOLED)
    own, rival = periods.loc[[MODEL]].to_numpy(), periods.loc[[best]].fillna(0.0).to_numpy()
    return int((own > rival).sum()), int(np.isfinite(own).sum())


def _pooled_finding(pooled: dict[str, dict[str, float]]) -> str:
    ahead, behind = [], []
    for metric, (name, _) in METRICS.items():
        known = {ranking: row[metric] for ranking, row in pooled.items() if math.isfinite(row[metric])}
        own = known.pop(MODEL, math.nan)
        if math.isnan(own) or not known:
            continue
        best = max(known, key=lambda ranking: known[ranking])
        if own > known[best]:
            ahead.append(name)
        else:
            behind.append(f"{name} (best: “{best}”)")
    parts = [f"ahead of every rule on {words.listed(ahead)}"] if ahead else []
    parts += [f"not ahead on {words.listed(behind)}"] if behind else []
    return f"By the other {len(METRICS)} yardsticks, Ripple is {' and '.join(parts)}." if parts else ""


def _calibration_finding(result: TrainingResult) -> str:
    deciles, currency = result.backtest.deciles, result.settings.currency
    highest = deciles.iloc[-1]
    predicted, realised = float(highest["predicted"]), float(highest["realised"])
    finding = (
        f"The tenth of customers with the highest predictions was expected to bring "
        f"{words.money(predicted, currency)} each and brought {words.money(realised, currency)}"
    )
    heads = result.backtest.heads
    wild = heads[(heads["predicted_share"] > 2) | (heads["predicted_share"] < 0.5)]
    if len(wild):
        days = [words.day(datetime.fromisoformat(cutoff)) for cutoff in wild["cutoff"]]
        finding += (
            f". The level was far off at {words.listed(days)} (see the next table), which weighs on this mean"
        )
    return finding
