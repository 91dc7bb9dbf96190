"""The model card: intended use, data, label, metrics, fairness and limits of a version."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ripple.features.tables.contract import CONTRACT
from ripple.training.evaluation.bootstrap import (
    RankedCutoff,
    customer_count,
    estimate_with_bounds,
    ranked_cutoffs,
)
from ripple.training.evaluation.cutoff_evaluation import MODEL
from ripple.training.evaluation.head_agreement import disagreements, rank_agreement
from ripple.training.evaluation.slices import uneven
from ripple.training.report.sections.answer.limits import limits
from ripple.training.report.sections.trust.placebos import ASSUMPTION
from ripple.training.report.text import words
from ripple.training.result import TrainingResult

TEMPLATE = "model_card.md.j2"
UNKNOWN = "not known"
MAX_DISAGREEMENTS = 10
"""The number of customers that the card lists because the two models disagree about them."""


def model_card(result: TrainingResult) -> str:
    """The card as Markdown, in which no section is ever empty.

    The card is part of the bundle, so it depends on data and settings only: it contains neither the name of
    the run, nor that of the dataset, nor the time of the run.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"day": words.day, "money": words.money, "percent": words.percent}
    settings, spec = result.settings, result.population.bundle.spec
    controls = result.label.controls
    text = environment.get_template(TEMPLATE).render(
        top=words.exact_percent(settings.top_share),
        settings=settings,
        label=spec.label,
        result=result,
        features=len(spec.names),
        tables=[name for name in CONTRACT if name not in result.data.checks.absent],
        cutoffs=result.data.schedule.training_for(result.population.as_of),
        totals=result.label.totals,
        may_be_chance=words.percent(result.label.chance_share),
        robustness=result.label.robustness,
        controls=[finding.text for finding in controls.findings()] if controls else [],
        assumption=ASSUMPTION,
        metrics=_metrics(result),
        rankings=_rankings(result),
        business=[(metric.name, metric.description) for metric in result.evaluation.backtest.business],
        lead=_estimate(result.evaluation.backtest.lead),
        best=result.evaluation.backtest.best_baseline,
        slices=_slices(result.evaluation.backtest.slices),
        uneven_slices=_uneven_slices(result.evaluation.backtest.slices),
        agreement=_number(rank_agreement(result.population.scores)),
        disagreements=_disagreements(result),
        limits=limits(result),
    )
    return text.replace(words.NO_BREAK_SPACE, " ")


def _metrics(result: TrainingResult) -> list[tuple[str, str, str]]:
    """Name, number with its 95 % interval, and meaning of each metric."""
    settings = result.settings
    top = words.exact_percent(settings.top_share)
    rankings = ranked_cutoffs(result.evaluation.predictions, ["predicted"], settings.top_share)

    def estimate(statistic: Any) -> str:
        return _estimate(estimate_with_bounds(statistic, customer_count(rankings), settings.seed))

    return [
        (
            f"Capture at {top}",
            estimate(lambda counts: float(np.mean([ranking.captures(counts)[0] for ranking in rankings]))),
            "realised value of the predicted top ÷ that of the true top, mean over cutoffs",
        ),
        (
            "Predicted ÷ realised",
            estimate(lambda counts: _ratio(rankings, counts, "predicted", "realised")),
            "total over all cutoffs; 1 is perfect",
        ),
        (
            "Coverage",
            estimate(lambda counts: _coverage(rankings, counts)),
            f"share of realised values inside the {settings.model.interval:.0%} interval",
        ),
        (
            f"Expected ÷ true members of the top {top}",
            estimate(lambda counts: _ratio(rankings, counts, "top_probability", "at_top")),
            "sum of probabilities ÷ number of members; 1 is perfect",
        ),
    ]


def _ratio(rankings: list[RankedCutoff], counts: np.ndarray, upper: str, lower: str) -> float:
    """The total of one column ÷ the total of another, over rows where both are known."""
    numerator = denominator = 0.0
    for ranking in rankings:
        above, below = (ranking.rows[name].to_numpy(np.float64) for name in (upper, lower))
        times = counts[ranking.codes] * np.isfinite(above)
        numerator += (times * np.nan_to_num(above)).sum()
        denominator += (times * below).sum()
    return numerator / denominator if denominator > 0 else math.nan


def _coverage(rankings: list[RankedCutoff], counts: np.ndarray) -> float:
    inside = total = 0.0
    for ranking in rankings:
        low, high, value = (ranking.rows[name].to_numpy() for name in ("low", "high", "realised"))
        times = counts[ranking.codes] * np.isfinite(low)
        inside += times[(low <= value) & (value <= high)].sum()
        total += times.sum()
    return inside / total if total else math.nan


def _estimate(bounds: tuple[float, float, float]) -> str:
    """A number with its 95 % interval."""
    if not all(map(math.isfinite, bounds)):
        return UNKNOWN
    value, low, high = bounds
    return f"{value:.3f} ({low:.3f} to {high:.3f})"


def _rankings(result: TrainingResult) -> list[tuple[str, ...]]:
    table = result.evaluation.backtest.rankings
    names = ["capture", "precision", "pr_auc", "gini", "spearman"]
    names += [metric.name for metric in result.evaluation.backtest.business]
    pooled = table[table["cutoff"] == "pooled"].sort_values("capture", ascending=False, kind="stable")
    return [
        (
            f"**{row['ranking']}**" if row["ranking"] == MODEL else row["ranking"],
            *(_number(row[name]) for name in names),
        )
        for row in pooled.to_dict("records")
    ]


def _slices(slices: pd.DataFrame) -> list[tuple[str, ...]]:
    return [
        (
            row["slice"].replace("|", "\\|"),
            words.count(row["customers"]),
            *(_percent(row[name]) for name in ("top_share", "true_top_share")),
            _number(row["predicted_share"]),
            _percent(row["coverage"]),
            *(_number(row[name]) for name in ("capture", "rule_capture")),
        )
        for row in slices.to_dict("records")
    ]


def _uneven_slices(slices: pd.DataFrame) -> list[str]:
    return [
        f"{row['slice']}: {row['predicted_share']:.2f} times the realised value"
        for row in uneven(slices).to_dict("records")
    ]


def _disagreements(result: TrainingResult) -> list[str]:
    """Customers with a high expected value whose probability of being in the top is low."""
    settings = result.settings
    return [
        f"{customer}: expected {words.money(row['network_value'], settings.currency)} (rank "
        f"{row['value_rank']:.0f}), with a probability of {row['top_probability']:.1%} (rank "
        f"{row['probability_rank']:.0f})"
        for customer, row in disagreements(result.population.scores, settings.top_share)
        .head(MAX_DISAGREEMENTS)
        .iterrows()
    ]


def _number(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else UNKNOWN


def _percent(value: float) -> str:
    return words.percent(value) if math.isfinite(value) else UNKNOWN
