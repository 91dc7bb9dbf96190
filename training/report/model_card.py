"""The model card: what a version is for, what it was made from, how good it is and where it is not."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ripple.features.tables.contract import CONTRACT
from ripple.training.evaluation.bootstrap import Ranked, ranked, with_interval
from ripple.training.evaluation.cutoff_evaluation import MODEL
from ripple.training.evaluation.head_agreement import disagreements, rank_agreement
from ripple.training.evaluation.slices import uneven
from ripple.training.registry.gate import doubtful_share
from ripple.training.report.sections.answer.limits import limits
from ripple.training.report.sections.trust.placebos import ASSUMPTION
from ripple.training.report.text import words
from ripple.training.result import TrainingResult

TEMPLATE = "model_card.md.j2"
UNKNOWN = "not known"
MOST_TOLD = 10


def model_card(result: TrainingResult) -> str:
    """The card as Markdown; every section says something, whatever the run found.

    It is part of the bundle, so it tells only what follows from the data and settings: neither the name of
    the run nor that of the dataset, nor when it was made.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"day": words.day, "money": words.money, "percent": words.percent}
    settings, spec = result.settings, result.bundle.spec
    text = environment.get_template(TEMPLATE).render(
        top=words.share_name(settings.top_share),
        settings=settings,
        label=spec.label,
        result=result,
        features=len(spec.names),
        tables=[name for name in CONTRACT if name not in result.checks.absent],
        cutoffs=result.schedule.training_for(result.as_of),
        totals=result.label_totals,
        doubtful=words.percent(doubtful_share(result)),
        tested=result.robustness,
        assumption=ASSUMPTION,
        metrics=_metrics(result),
        rankings=_rankings(result),
        lead=_told(result.backtest.lead),
        best=result.backtest.best_baseline,
        slices=_slices(result.backtest.slices),
        uneven=_uneven(result.backtest.slices),
        agreement=_number(rank_agreement(result.scores)),
        gambles=_gambles(result),
        limits=limits(result),
    )
    return text.replace(words.SPACE, " ")


def _metrics(result: TrainingResult) -> list[tuple[str, str, str]]:
    """Name, number with its 95 % interval, and meaning of each metric."""
    settings, found = result.settings, result.predictions
    top = words.share_name(settings.top_share)
    places = ranked(found, ["predicted"], settings.top_share)

    def told(statistic: Any) -> str:
        return _told(with_interval(places, settings.seed, statistic))

    return [
        (
            f"Capture at {top}",
            told(lambda drawn: float(np.mean([place.captures(drawn)[0] for place in places]))),
            "value held by the predicted top ÷ value held by the true top, mean over cutoffs",
        ),
        (
            "Predicted ÷ realised",
            told(lambda drawn: _ratio(places, drawn, "predicted", "realised")),
            "total over all cutoffs; 1 is right",
        ),
        (
            "Coverage",
            told(lambda drawn: _coverage(places, drawn)),
            f"share of what came true inside the {settings.model.interval:.0%} interval",
        ),
        (
            f"Expected ÷ true members of the top {top}",
            told(lambda drawn: _ratio(places, drawn, "top_probability", "at_top")),
            "sum of probabilities ÷ number of members; 1 is right",
        ),
    ]


def _ratio(places: list[Ranked], drawn: np.ndarray, upper: str, lower: str) -> float:
    """Total of one column ÷ total of another, over rows where both are known."""
    above = below = 0.0
    for place in places:
        one, other = (place.rows[name].to_numpy(np.float64) for name in (upper, lower))
        times = drawn[place.who] * np.isfinite(one)
        above += (times * np.nan_to_num(one)).sum()
        below += (times * other).sum()
    return above / below if below > 0 else math.nan


def _coverage(places: list[Ranked], drawn: np.ndarray) -> float:
    inside = total = 0.0
    for place in places:
        low, high, value = (place.rows[name].to_numpy() for name in ("low", "high", "realised"))
        times = drawn[place.who] * np.isfinite(low)
        inside += times[(low <= value) & (value <= high)].sum()
        total += times.sum()
    return inside / total if total else math.nan


def _told(found: tuple[float, float, float]) -> str:
    if not all(math.isfinite(number) for number in found):
        return UNKNOWN
    value, low, high = found
    return f"{value:.3f} ({low:.3f} to {high:.3f})"


def _rankings(result: TrainingResult) -> list[tuple[str, ...]]:
    table = result.backtest.rankings
    pooled = table[table["cutoff"] == "pooled"].sort_values("capture", ascending=False, kind="stable")
    return [
        (
            f"**{row['ranking']}**" if row["ranking"] == MODEL else row["ranking"],
            *(_number(row[name]) for name in ("capture", "precision", "pr_auc", "gini", "spearman")),
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


def _uneven(slices: pd.DataFrame) -> list[str]:
    return [
        f"{row['slice']}: {row['predicted_share']:.2f} times what came true"
        for row in uneven(slices).to_dict("records")
    ]


def _gambles(result: TrainingResult) -> list[str]:
    """Customers at the top by expected value, for whom the other head thinks little of their chance."""
    settings = result.settings
    return [
        f"{customer}: expected {words.money(row['network_value'], settings.currency)} (rank "
        f"{row['value_rank']:.0f}), with a probability of {row['top_probability']:.1%} (rank "
        f"{row['probability_rank']:.0f})"
        for customer, row in disagreements(result.scores, settings.top_share).head(MOST_TOLD).iterrows()
    ]


def _number(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else UNKNOWN


def _percent(value: float) -> str:
    return words.percent(value) if math.isfinite(value) else UNKNOWN
