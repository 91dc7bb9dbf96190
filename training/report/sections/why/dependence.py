"""Partial dependence of the score on the strongest features, by SHAP, with a caption in plain words.

The caption is made from the mean effect in bins of the feature: whether it rises or falls, where it crosses
from lowering to raising the score (with a 95 % bootstrap interval over customers), how many of the models of
the backtest agree, and how much of the effect depends on other features.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from markupsafe import Markup

from ripple.models.bundle import FeatureSpec, Spec
from ripple.models.reasons import in_words, value_in_words
from ripple.training.evaluation.bootstrap import draws
from ripple.training.report.plots import reason_plots
from ripple.training.report.sections.why.explanation import Sampled, direction
from ripple.training.report.text import words

MAX_FEATURES, BINS = 4, 12
MIN_EXPLAINED = 0.7
"""The share of the variance of an effect explained by its own feature, below which another is named."""


@dataclass(frozen=True)
class Curve:
    """Mean effect of a feature in bins of its value.

    Attributes:
        at, effect: median of the feature and mean effect in each bin, on the log scale, in ascending order.
        direction: as `ripple.training.report.sections.why.explanation.direction` names it.
        crossing: value at which the mean effect first crosses zero, and its 95 % bounds; nan if it does not.
        explained: share of the variance of the effect that lies between the bins.
        integer: whether the feature has whole numbers only.
    """

    at: np.ndarray
    effect: np.ndarray
    direction: str
    crossing: tuple[float, float, float]
    explained: float
    integer: bool


@dataclass(frozen=True)
class Dependence:
    """The plot and caption of a feature, and the mean factors at its lowest and at its highest values."""

    name: str
    low: str
    high: str
    caption: str
    plot: Markup


def dependence_section(sampled: Sampled, earlier: Mapping[str, np.ndarray], seed: int) -> list[Dependence]:
    """The `MAX_FEATURES` strongest features that have more than one value.

    Args:
        earlier: effects on the same customers under the models of evaluated cutoffs.
    """
    dependences: list[Dependence] = []
    for i in sampled.strongest:
        known = ~np.isnan(sampled.x[:, i])
        if len(np.unique(sampled.x[known, i])) < 2 or len(dependences) == MAX_FEATURES:
            continue
        x, effect = sampled.x[known, i], sampled.value[known, i]
        shape = curve(x, effect, seed)
        feature = sampled.bundle.spec.features[i]
        unit = sampled.bundle.spec.currency if feature.unit == "currency" else feature.unit
        caption = " ".join(
            filter(
                None,
                (
                    _shape_text(sampled.named(i), shape, sampled.bundle.spec, feature),
                    _agreement_text(x, shape.direction, [values[known, i] for values in earlier.values()]),
                    _interaction_text(sampled, i, known, shape),
                ),
            )
        )
        plot = reason_plots.dependence(
            x, effect, shape.at, shape.effect, f"{sampled.named(i)} ({unit})", caption
        )
        factors = words.factor(shape.effect[0]), words.factor(shape.effect[-1])
        dependences.append(Dependence(sampled.named(i), *factors, caption, plot))
    return dependences


def curve(x: np.ndarray, effect: np.ndarray, seed: int) -> Curve:
    """The mean *effect* by value of *x*, both one entry per customer, none undefined."""
    # edges are values that occur, so that no bin is empty; where many share the lowest, that is a bin alone
    lowest = x == x.min()
    above = x[~lowest] if lowest.mean() > 1 / BINS and not lowest.all() else x
    edges = np.unique(np.quantile(above, np.arange(BINS) / BINS, method="higher"))
    edges = edges[edges > x.min()]
    bins = np.searchsorted(edges, x, side="right")
    size = len(edges) + 1
    at = pd.Series(x).groupby(bins).median().to_numpy()

    def means(times: np.ndarray) -> np.ndarray:
        count = np.bincount(bins, times, size)
        total = np.bincount(bins, times * effect, size)
        return np.divide(total, count, out=np.full(size, np.nan), where=count > 0)

    mean = means(np.ones(len(x)))
    crossings = np.array([_crossing(at, means(drawn)) for drawn in draws(len(x), seed)])
    crossings = crossings[np.isfinite(crossings)]
    low, high = np.quantile(crossings, (0.025, 0.975)) if len(crossings) else (math.nan, math.nan)
    total = float(((effect - effect.mean()) ** 2).sum())
    within = float(((effect - mean[bins]) ** 2).sum())
    return Curve(
        at,
        mean,
        direction(x, effect),
        (_crossing(at, mean), float(low), float(high)),
        1 - within / total if total > 0 else 1.0,
        bool((x == np.round(x)).all()),
    )


def _crossing(at: np.ndarray, effect: np.ndarray) -> float:
    """The value at which *effect* first crosses zero, interpolated between bins; nan where it does not."""
    known = np.isfinite(effect)
    at, effect = at[known], effect[known]
    indices = np.flatnonzero(np.sign(effect[:-1]) * np.sign(effect[1:]) < 0)
    if not len(indices):
        return math.nan
    i = indices[0]
    return float(at[i] + (at[i + 1] - at[i]) * -effect[i] / (effect[i + 1] - effect[i]))


def _shape_text(name: str, shape: Curve, spec: Spec, feature: FeatureSpec) -> str:
    low, high = shape.effect[0], shape.effect[-1]
    if feature.unit == "flag":
        return f"{words.factor(high)} on the score with “{name}”, {words.factor(low)} without."
    first, last = (value_in_words(spec, feature.name, float(shape.at[end])) for end in (0, -1))
    ends = f"from {words.factor(low)} at {first} to {words.factor(high)} at {last}"
    if feature.name in spec.category_by_feature:
        return f"The score differs by {name}: {ends}."
    text = {
        "more raises": f"The more {name}, the higher the score: {ends}.",
        "more lowers": f"The more {name}, the lower the score: {ends}.",
    }.get(shape.direction, f"The score neither clearly rises nor falls with {name}: {ends}.")
    crossing = shape.crossing[0]
    if not np.isfinite(shape.crossing).all():
        return text
    at, first, last = (
        in_words(float(round(number) if shape.integer else f"{number:.3g}"), feature.unit, spec.currency)
        for number in shape.crossing
    )
    verb = "raise" if shape.effect[np.searchsorted(shape.at, crossing) :][0] > 0 else "lower"
    interval = f" (95{words.NO_BREAK_SPACE}% interval {first.split()[0]} to {last})" if first != last else ""
    return f"{text} It begins to {verb} the score at about {at}{interval}."


def _agreement_text(x: np.ndarray, today: str, earlier: list[np.ndarray]) -> str:
    """The number of models of evaluated cutoffs that have the direction of *today*."""
    if not earlier or today == "none seen":
        return ""
    same = sum(direction(x, effect) == today for effect in earlier)
    return f"{same} of {words.plural(len(earlier), 'model')} of the backtest have the same direction."


def _interaction_text(sampled: Sampled, i: int, known: np.ndarray, shape: Curve) -> str:
    """The feature that correlates most with what the curve does not explain; "" if it explains enough."""
    if shape.explained >= MIN_EXPLAINED:
        return ""
    x, effect = sampled.x[known, i], sampled.value[known, i]
    residual = pd.Series(effect - np.interp(x, shape.at, shape.effect))
    others = pd.DataFrame(sampled.x[known]).drop(columns=i)
    others = others.loc[:, others.nunique() > 1]
    correlations = others.corrwith(residual, method="spearman").abs()
    if correlations.dropna().empty:
        return ""
    return (
        f"{words.percent(1 - shape.explained)} of the differences in its effect depend on other features, "
        f"first of all on {sampled.named(int(str(correlations.idxmax())))}."
    )
