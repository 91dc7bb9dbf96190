"""How the label and its rivals do against the truth, by several measures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields

import numpy as np
import pandas as pd

from benchmarks.truth.rivals import Rankings
from ripple.training.evaluation import metrics

TRUTH = "the truth itself"
SMALL_DECILE = 0.01
"""The share of the truth of its world below which a decile is shown and has no factor."""


@dataclass(frozen=True)
class Figures:
    """How the label and its rivals do in a world, with one seed or as means over several."""

    rankings: pd.DataFrame
    """A row per ranking: capture, spearman, capture_next, total_ratio, influence_share."""
    totals: pd.DataFrame
    """A row per kind of value: label and truth as shares of revenue, and ratio."""
    deciles: pd.DataFrame
    """A row per decile of the number of targets: maximum, network value and influence by label and truth."""
    baselines: pd.DataFrame
    """A row per baseline of the label: columns as in rankings; empty unless baselines are compared."""
    forecast: pd.DataFrame = field(default_factory=pd.DataFrame)
    """A row per ranking of the next window: see `forecast.Forecast`; empty in a world without influence."""
    resamples: pd.DataFrame = field(default_factory=pd.DataFrame)
    """Capture of these rankings in resamples of customers."""
    first_uses: pd.DataFrame = field(default_factory=pd.DataFrame)
    """One row, of the label of features: see `first_uses.evaluate_first_uses`."""


Runs = Mapping[str, Sequence[Figures]]
"""World → its figures with each seed."""


def compare(
    scores: pd.DataFrame, influence: pd.DataFrame, truth: pd.Series[float], revenue: float, share: float
) -> pd.DataFrame:
    """Capture, rank correlation and totals of each column of *scores*; totals of attributions alone."""
    value = truth.to_numpy()
    rows = {
        name: {
            "capture": metrics.capture(score.to_numpy(), value, share),
            "spearman": metrics.rank_correlation(score.to_numpy(), value),
            "total_ratio": _ratio(score.sum(), value.sum()) if name in influence else math.nan,
            "influence_share": influence[name].sum() / revenue if name in influence else math.nan,
        }
        for name, score in scores.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index")


def totals(label: pd.DataFrame, truth: pd.DataFrame, revenue: float) -> pd.DataFrame:
    """Totals of the label and of the truth, by kind of value, as shares of revenue."""
    kinds = {
        "influence, with generations": "influence_value",
        "influence, one step": "one_step_value",
        "referral": "referral_value",
    }
    rows = {
        kind: {
            "label": label[column].sum() / revenue,
            "truth": truth[column].sum() / revenue,
            "ratio": _ratio(label[column].sum(), truth[column].sum()),
        }
        for kind, column in kinds.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index")


def by_degree(rankings: Rankings, truth: pd.DataFrame) -> pd.DataFrame:
    """Value by label and truth in deciles of the number of targets, the lowest first."""
    targets = rankings.scores["degree"]
    place = np.argsort(np.argsort(targets.to_numpy(), kind="stable"))
    deciles = pd.DataFrame(
        {
            "targets": targets,
            "label": rankings.label["network_value"],
            "truth": truth["network_value"],
            "influence": rankings.label["influence_value"],
            "true_influence": truth["influence_value"],
        }
    ).groupby(place * 10 // len(place) + 1)
    return deciles.agg({"targets": "max"} | dict.fromkeys(deciles.obj.columns.drop("targets"), "sum"))


def mean(runs: Sequence[Figures]) -> Figures:
    """Mean of every figure over seeds; one that a seed does not have is left out."""
    tables = {
        part.name: pd.concat([getattr(run, part.name) for run in runs]).groupby(level=0, sort=False).mean()
        for part in fields(Figures)
    }
    return Figures(**tables)


def bias(deciles: pd.DataFrame) -> pd.DataFrame:
    """*deciles* with label ÷ truth, the share of the truth, and the factor by which the label is off.

    The factor is NaN where the share is below `SMALL_DECILE`.
    """
    share = deciles["truth"] / deciles["truth"].sum()
    ratio = deciles["label"] / deciles["truth"].where(deciles["truth"] > 0)
    factor = ratio.where(ratio >= 1, 1 / ratio.where(ratio > 0)).fillna(math.inf)
    influence = deciles["influence"] / deciles["true_influence"].where(deciles["true_influence"] > 0)
    factor = factor.where(share >= SMALL_DECILE)
    return deciles.assign(share=share, ratio=ratio, influence_ratio=influence, factor=factor)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else math.nan
