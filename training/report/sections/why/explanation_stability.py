"""Stability of reasons: today's customers explained by the models that the backtest trained."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from ripple.training.report.plots import reason_plots
from ripple.training.report.sections.why.explanation import Sampled, by_family, shares
from ripple.training.report.text import words
from ripple.training.report.text.words import Cell
from ripple.training.result import TrainingResult

REASONS = 3
"""The number of strongest reasons of a customer that are compared."""


def explanation_stability_section(result: TrainingResult, sampled: Sampled) -> dict[str, Any]:
    """One row per evaluated cutoff, and importance by family over time; no rows where none is stored."""
    earlier = result.evaluation.earlier_effects
    if not earlier:
        return {
            "rows": [],
            "plot": "",
            "finding": "Not measured: this run keeps no reasons of earlier models",
        }
    rows = [_row(day, effects, sampled) for day, effects in earlier.items()]
    first, families = rows[-1]["first"], rows[-1]["family"]
    days = [datetime.fromisoformat(day) for day in earlier]
    over_time = pd.DataFrame(
        {
            words.short_day(day): by_family(sampled.bundle, shares(effects))
            for day, effects in zip(
                [*days, result.population.as_of], [*earlier.values(), sampled.value], strict=True
            )
        }
    ).fillna(0.0)
    return {
        "finding": (
            f"{first.text} of customers ({words.interval(*_interval(first, sampled))}) have the same "
            "strongest reason as today under the model of the latest backtest period, "
            f"{rows[-1]['cutoff'].text}; {families.text} have the same family"
        ),
        "rows": rows,
        "plot": reason_plots.over_time(
            over_time.loc[over_time.iloc[:, -1].sort_values(ascending=False).index]
        ),
    }


def _row(day: str, effects: np.ndarray, sampled: Sampled) -> dict[str, Cell]:
    now, then = (
        np.argsort(-np.abs(values), axis=1, kind="stable")[:, :REASONS] for values in (sampled.value, effects)
    )
    family = np.array([feature.family for feature in sampled.bundle.spec.features])
    common_reasons = np.mean(
        [len(set(today) & set(earlier)) for today, earlier in zip(now.tolist(), then.tolist(), strict=True)]
    )
    ranks = pd.Series(shares(effects)).corr(pd.Series(shares(sampled.value)), method="spearman")
    when = datetime.fromisoformat(day)
    return {
        "cutoff": Cell(words.day(when), when.timestamp()),
        "first": _share((now[:, 0] == then[:, 0]).mean()),
        "family": _share((family[now[:, 0]] == family[then[:, 0]]).mean()),
        "kept": Cell(f"{common_reasons:.1f} of {REASONS}", round(float(common_reasons), 4)),
        "ranks": words.cell(float(ranks), words.decimal(float(ranks)), "all features move the score equally"),
    }


def _share(share: float) -> Cell:
    return Cell(words.percent(share), float(share))


def _interval(share: Cell, sampled: Sampled) -> tuple[float, float]:
    return words.wilson_interval(round((share.sort or 0.0) * len(sampled.x)), len(sampled.x))
