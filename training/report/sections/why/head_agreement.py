"""Agreement of the two models: features with different importance, and customers they disagree about."""

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

MAX_FEATURES, MAX_CUSTOMERS = 10, 10


def head_agreement_section(result: TrainingResult, sampled: Sampled) -> dict[str, Any]:
    """Features whose importance differs most, and customers with high value but low probability."""
    value, top = shares(sampled.value), shares(sampled.top)
    order = np.argsort(-np.abs(value - top), kind="stable")[:MAX_FEATURES]
    names = [sampled.named(int(i)) for i in order]
    first = order[0]
    customers = disagreements(result.population.scores, result.settings.top_share)
    return {
        "finding": (
            f"{_agreement_text(rank_agreement(result.population.scores))}; they differ most on {names[0]}, "
            "with "
            f"{words.percent(value[first], 1)} of the movement of the amount and "
            f"{words.percent(top[first], 1)} of that of the probability"
        ),
        "plot": reason_plots.pairs(names, value[order], top[order], ("amount", "probability")),
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
        "number": len(customers),
        "customers": [
            (
                str(name),
                Cell(
                    words.money(row["network_value"], result.settings.currency),
                    float(row["network_value"]),
                ),
                Cell(words.count(row["value_rank"]), float(row["value_rank"])),
                Cell(words.probability(row["top_probability"]), float(row["top_probability"])),
                Cell(words.count(row["probability_rank"]), float(row["probability_rank"])),
            )
            for name, row in customers.head(MAX_CUSTOMERS).iterrows()
        ],
    }


def _agreement_text(correlation: float) -> str:
    if math.isnan(correlation):
        return "One of the two models has the same value for everybody"
    degree = "very similar" if correlation > 0.8 else "similar" if correlation > 0.5 else "different"
    return f"The two models rank customers in {degree} orders (Spearman {words.decimal(correlation)})"
