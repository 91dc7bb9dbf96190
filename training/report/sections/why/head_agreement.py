"""Where the two heads differ: features that weigh differently, and customers on whom they disagree."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ripple.training.evaluation.head_agreement import disagreements, rank_agreement
from ripple.training.report.plots import reason_plots
from ripple.training.report.sections.why.explanation import Sampled, direction, shares
from ripple.training.report.text import words
from ripple.training.report.text.words import Cell
from ripple.training.result import TrainingResult

FEATURES, CUSTOMERS = 10, 10


def agreement(result: TrainingResult, sampled: Sampled) -> dict[str, Any]:
    """The features that weigh most differently, and the customers who are a gamble."""
    value, top = shares(sampled.value), shares(sampled.top)
    order = np.argsort(-np.abs(value - top), kind="stable")[:FEATURES]
    names = [sampled.named(int(i)) for i in order]
    first = order[0]
    gambles = disagreements(result.scores, result.settings.top_share)
    return {
        "finding": (
            f"{_alike(rank_agreement(result.scores))}; they differ most on {names[0]}, which carries "
            f"{words.percent(value[first], 1)} of the movement of the amount and "
            f"{words.percent(top[first], 1)} "
            "of that of the odds"
        ),
        "plot": reason_plots.pairs(names, value[order], top[order]),
        "rows": [
            (
                sampled.named(int(i)),
                Cell(words.percent(value[i], 1), float(value[i])),
                Cell(words.percent(top[i], 1), float(top[i])),
                direction(sampled.x[:, i], sampled.value[:, i]),
                direction(sampled.x[:, i], sampled.top[:, i]),
            )
            for i in order
        ],
        "number": len(gambles),
        "gambles": [
            (
                str(name),
                Cell(
                    words.money(row["network_value"], result.settings.currency),
                    float(row["network_value"]),
                ),
                Cell(words.count(row["value_rank"]), float(row["value_rank"])),
                Cell(words.percent(row["top_probability"], 1), float(row["top_probability"])),
                Cell(words.count(row["probability_rank"]), float(row["probability_rank"])),
            )
            for name, row in gambles.head(CUSTOMERS).iterrows()
        ],
    }


def _alike(correlation: float) -> str:
    if math.isnan(correlation):
        return "One of the two heads puts all customers equal"
    how = "much" if correlation > 0.8 else "somewhat" if correlation > 0.5 else "hardly"
    return f"The two heads rank customers {how} alike (Spearman {words.decimal(correlation)})"
