"""How the strongest features act: their effect by their value, with a caption in plain words.

The caption follows from the mean effect in bins of the feature: whether it rises or falls, where it crosses
from lowering to raising the score (with a 95 % bootstrap interval over customers), how many of the heads that
the backtest fitted agree, and how much of the effect hangs on other features.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from markupsafe import Markup

from ripple.models.reasons import in_words
from ripple.training.evaluation.metrics import draws
from ripple.training.report.plots import reason_plots
from ripple.training.report.sections.why.explanation import Sampled, direction
from ripple.training.report.text import words

SHOWN, BINS, ROUNDS = 4, 12, 200
ALONE = 0.7
"""Share of the variance of an effect that its own feature explains, below which another one is named."""


@dataclass(frozen=True)
class Curve:
    """Mean effect of a feature in bins of its value.

    Attributes:
        at, effect: median of the feature and mean effect in each bin, on the log scale, in ascending order.
        direction: as `ripple.training.report.sections.why.explanation.direction` names it.
        turn: where the mean effect crosses zero for the first time, with its 95 % bounds; nan if it does not.
        explained: share of the variance of the effect that lies between the bins.
        counted: whether the feature takes whole numbers only.
    """

    at: np.ndarray
    effect: np.ndarray
    direction: str
    turn: tuple[float, float, float]
    explained: float
    counted: bool


@dataclass(frozen=True)
class Dependence:
    """A feature's picture and caption, and the mean factor at its lowest and at its highest values."""

    name: str
    low: str
    high: str
    caption: str
    plot: Markup


def dependence(sampled: Sampled, earlier: Mapping[str, np.ndarray], seed: int) -> list[Dependence]:
    """The `SHOWN` strongest features that have more than one value.

    Args:
        earlier: effects on the same customers by the heads of judged cutoffs.
    """
    found: list[Dependence] = []
    for i in sampled.strongest:
        known = ~np.isnan(sampled.x[:, i])
        if len(np.unique(sampled.x[known, i])) < 2 or len(found) == SHOWN:
            continue
        x, effect = sampled.x[known, i], sampled.value[known, i]
        shape = curve(x, effect, seed)
        feature = sampled.bundle.spec.features[i]
        unit = sampled.bundle.spec.currency if feature.unit == "currency" else feature.unit
        caption = " ".join(
            filter(
                None,
                (
                    _told(sampled.named(i), shape, feature.unit, sampled.bundle.spec.currency),
                    _agreed(x, shape.direction, [one[known, i] for one in earlier.values()]),
                    _with_others(sampled, i, known, shape),
                ),
            )
        )
        picture = reason_plots.dependence(
            x, effect, shape.at, shape.effect, f"{sampled.named(i)} ({unit})", caption
        )
        ends = words.factor(shape.effect[0]), words.factor(shape.effect[-1])
        found.append(Dependence(sampled.named(i), *ends, caption, picture))
    return found


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
        held = np.bincount(bins, times, size)
        total = np.bincount(bins, times * effect, size)
        return np.divide(total, held, out=np.full(size, np.nan), where=held > 0)

    mean = means(np.ones(len(x)))
    turns = np.array([_turn(at, means(drawn)) for drawn in draws(len(x), seed, ROUNDS)])
    turns = turns[np.isfinite(turns)]
    low, high = np.quantile(turns, (0.025, 0.975)) if len(turns) else (math.nan, math.nan)
    total = float(((effect - effect.mean()) ** 2).sum())
    within = float(((effect - mean[bins]) ** 2).sum())
    return Curve(
        at,
        mean,
        direction(x, effect),
        (_turn(at, mean), float(low), float(high)),
        1 - within / total if total > 0 else 1.0,
        bool((x == np.round(x)).all()),
    )


def _turn(at: np.ndarray, effect: np.ndarray) -> float:
    """Where *effect* first crosses zero, between two bins; nan where it does not."""
    known = np.isfinite(effect)
    at, effect = at[known], effect[known]
    crossed = np.flatnonzero(np.sign(effect[:-1]) * np.sign(effect[1:]) < 0)
    if not len(crossed):
        return math.nan
    i = crossed[0]
    return float(at[i] + (at[i + 1] - at[i]) * -effect[i] / (effect[i + 1] - effect[i]))


def _told(name: str, shape: Curve, unit: str, currency: str) -> str:
    low, high = shape.effect[0], shape.effect[-1]
    if unit == "flag":
        return f"The score changes {words.factor(high)} with “{name}”, {words.factor(low)} without."
    ends = (
        f"from {words.factor(low)} at {in_words(float(shape.at[0]), unit, currency)} to "
        f"{words.factor(high)} at "
        f"{in_words(float(shape.at[-1]), unit, currency)}"
    )
    told = {
        "more raises": f"The more {name}, the higher the score: {ends}.",
        "more lowers": f"The more {name}, the lower the score: {ends}.",
    }.get(shape.direction, f"More {name} neither clearly raises nor lowers the score: {ends}.")
    turn = shape.turn[0]
    if not np.isfinite(shape.turn).all():
        return told
    at, first, last = (
        in_words(float(round(number) if shape.counted else f"{number:.3g}"), unit, currency)
        for number in shape.turn
    )
    which = "raise" if shape.effect[np.searchsorted(shape.at, turn) :][0] > 0 else "lower"
    sure = f" (95{words.SPACE}% interval {first.split()[0]} to {last})" if first != last else ""
    return f"{told} It begins to {which} the score at about {at}{sure}."


def _agreed(x: np.ndarray, found: str, earlier: list[np.ndarray]) -> str:
    """How many of the heads of judged cutoffs act in the same direction."""
    if not earlier or found == "none seen":
        return ""
    same = sum(direction(x, effect) == found for effect in earlier)
    which = "all" if same == len(earlier) else f"{same} of"
    return f"The direction is the same in {which} {words.plural(len(earlier), 'model')} of the backtest."


def _with_others(sampled: Sampled, i: int, known: np.ndarray, shape: Curve) -> str:
    """A hint of an interaction: the feature that goes along with what the curve leaves open."""
    if shape.explained >= ALONE:
        return ""
    x, effect = sampled.x[known, i], sampled.value[known, i]
    left = pd.Series(effect - np.interp(x, shape.at, shape.effect))
    others = pd.DataFrame(sampled.x[known]).drop(columns=i)
    others = others.loc[:, others.nunique() > 1]
    along = others.corrwith(left, method="spearman").abs()
    if along.dropna().empty:
        return ""
    return (
        f"The same value can mean different things: {words.percent(1 - shape.explained)} of the differences "
        f"in its effect come from other features, {sampled.named(int(str(along.idxmax())))} first of all."
    )
