"""The evaluation of the model and of baselines at closed cutoffs: all metrics, with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from ripple.features.definition import BusinessMetric
from ripple.models.value_range import Ranges
from ripple.settings import Settings
from ripple.training.estimators.held_out import HeldOutPredictions
from ripple.training.estimators.total_forecast import TotalForecast
from ripple.training.evaluation import metrics
from ripple.training.evaluation.bootstrap import (
    RankedCutoff,
    customer_codes,
    percentile_bounds,
    resampled_captures,
)
from ripple.training.evaluation.slices import Slice, summed
from ripple.training.examples.membership import top_mask

MODEL = "Ripple"
POOLED = "pooled"


@dataclass(frozen=True)
class CutoffEvaluation:
    """Everything about one closed cutoff, by customer.

    Attributes:
        cutoff: the day, as text.
        customers: their ids.
        held_out: what the model predicted, and what was realised.
        scores: the score of each customer by every ranking, that of the model as `MODEL`.
        ranges: of the value of each customer; None where no cutoff had closed to calibrate on.
        probabilities: the probabilities of being at the top by every ranking that has some.
        slice_masks: the mask of every slice, by name; see `ripple.training.evaluation.slices`.
        cross_customer_predictions: expected value by heads fitted only on other customers, in currency; None
            where they were not fitted.
        total: the total of all customers with its interval, by cutoffs closed before this one; None where
            that was not computed.
    """

    cutoff: str
    customers: pd.Index
    held_out: HeldOutPredictions
    scores: Mapping[str, np.ndarray]
    ranges: Ranges | None
    probabilities: Mapping[str, np.ndarray]
    slice_masks: Mapping[str, np.ndarray]
    cross_customer_predictions: np.ndarray | None = None
    total: TotalForecast | None = None


@dataclass(frozen=True)
class Backtest:
    """The metrics of the model and of every baseline at closed cutoffs.

    Attributes:
        rankings: one row per cutoff and ranking (the model and every baseline) with the metrics of
            `evaluation.metrics.ranking`, the Brier score of its probabilities (a baseline's after isotonic
            regression), the bounds of the 95 % interval of its capture, and the lead of the model over it
            with its own bounds; and one per ranking with cutoff "pooled", the mean over cutoffs. Intervals
            are by paired bootstrap over customers.
        heads: one row per cutoff: total predicted ÷ realised (`predicted_share`), the interval of the total
            in currency (`total_low`, `total_high`; see `estimators.total_forecast`), interval coverage (and
            that of the decile of prediction with the least, of the predicted top, and of the range of what
            comes if any does), the interval score ÷ mean realised value, the calibration slope of the
            probabilities (`reliability_slope`), Brier score and that of the base rate, the persistence of the
            label (`noise_ceiling`: Spearman of the last label against this one), capture by heads fitted on
            other customers (`capture_unseen`), and the agreement of the two heads (Spearman). Columns are
            keys of MLflow metrics, so they keep their names.
        deciles: mean predicted and realised value and coverage by decile, over all cutoffs.
        best_baseline: name of the baseline with the highest pooled capture.
        lead: pooled capture of the model minus that of the best baseline, with the bounds of its 95 %
            paired bootstrap interval over customers.
        slices: one row per slice: see `ripple.training.evaluation.slices.summed`.
        business: the metrics that a user adds, each a column of `rankings`.
    """

    rankings: pd.DataFrame
    heads: pd.DataFrame
    deciles: pd.DataFrame
    best_baseline: str
    lead: tuple[float, float, float]
    slices: pd.DataFrame = field(default_factory=pd.DataFrame)
    business: tuple[BusinessMetric, ...] = ()

    @property
    def calibration(self) -> dict[str, float]:
        """Calibration of level, interval and probabilities, at cutoffs before which others had closed.

        `predicted_share`, total predicted ÷ realised, is the median over cutoffs: where history was still
        short at an early cutoff, its level says nothing of today's. `coverage`, `brier` and `brier_base_rate`
        are means. All are nan where there is no such cutoff.
        """
        calibrated = self.heads.dropna(subset=["predicted_share"])
        means = {name: float(calibrated[name].mean()) for name in ("coverage", "brier", "brier_base_rate")}
        return {"predicted_share": float(calibrated["predicted_share"].median()), **means}

    def headline(self) -> dict[str, float]:
        """Capture of the model and of the best baseline, the lead with its bounds, and `calibration`."""
        lead, low, high = self.lead
        return {
            "capture": self.capture(MODEL),
            "best_baseline_capture": self.capture(self.best_baseline),
            "lead": lead,
            "lead_low": low,
            "lead_high": high,
            **self.calibration,
        }

    def model_metrics(self, cutoff: str) -> dict[str, Any]:
        """The metrics of the model at *cutoff*, a day as text; its lead is that over `best_baseline`."""
        rankings = self.rankings[self.rankings["cutoff"] == cutoff].set_index("ranking")
        lead = rankings.loc[self.best_baseline, ["lead", "lead_low", "lead_high"]]
        heads = self.heads.set_index("cutoff").loc[cutoff]
        return {**rankings.loc[MODEL], **lead, **heads}

    def capture(self, ranking: str) -> float:
        """Pooled capture of *ranking*."""
        return self.capture_interval(ranking)[0]

    def capture_interval(self, ranking: str) -> tuple[float, float, float]:
        """Pooled capture of *ranking* with its 95 % bounds."""
        row = _pooled_row(self.rankings, ranking)
        return float(row["capture"]), float(row["capture_low"]), float(row["capture_high"])


def evaluate(
    cutoffs: Sequence[CutoffEvaluation], settings: Settings, business: Sequence[BusinessMetric] = ()
) -> Backtest:
    """Bring together the evaluations of single *cutoffs*, oldest first; *business* are a user's metrics."""
    share = settings.top_share
    rankings = _rankings(cutoffs, settings, business)
    pooled = rankings[rankings["cutoff"] == POOLED].set_index("ranking")["capture"]
    best = str(pooled.drop(MODEL).sort_values(ascending=False).index[0])
    lead = _pooled_row(rankings, best)
    return Backtest(
        rankings,
        pd.DataFrame([_heads(one, share, settings.model.interval) for one in cutoffs]),
        pd.concat(map(_deciles, cutoffs)).groupby("decile", as_index=False).mean(),
        best,
        (float(lead["lead"]), float(lead["lead_low"]), float(lead["lead_high"])),
        summed([_slices(one, best, share) for one in cutoffs]),
        tuple(business),
    )


def _rankings(
    cutoffs: Sequence[CutoffEvaluation], settings: Settings, business: Sequence[BusinessMetric]
) -> pd.DataFrame:
    """`Backtest.rankings`."""
    names = list(dict.fromkeys(name for one in cutoffs for name in one.scores))
    codes = customer_codes([one.customers for one in cutoffs])
    ranked = [
        RankedCutoff(
            pd.DataFrame({"realised": one.held_out.realised, **one.scores}), own, names, settings.top_share
        )
        for one, own in zip(cutoffs, codes, strict=True)
    ]
    resampled = resampled_captures(ranked, settings.seed)
    table = pd.DataFrame(
        {
            "cutoff": one.cutoff,
            "ranking": name,
            **metrics.ranking(score, one.held_out.realised, settings.top_share),
            "brier": _brier(one, name),
            **{metric.name: metric.compute(score, one.held_out.realised) for metric in business},
            **_bounds(dict(zip(names, resampled[:, i].T, strict=True)), name),
        }
        for i, one in enumerate(cutoffs)
        for name, score in one.scores.items()
    )
    pooled, means = _pooled(table), dict(zip(names, resampled.mean(axis=1).T, strict=True))
    pooled = pooled.assign(**pd.DataFrame([_bounds(means, name) for name in pooled["ranking"]]))
    rankings = pd.concat([table, pooled], ignore_index=True)
    model = rankings[rankings["ranking"] == MODEL].set_index("cutoff")["capture"]
    rankings["lead"] = rankings["cutoff"].map(model) - rankings["capture"]
    return rankings


def _brier(one: CutoffEvaluation, ranking: str) -> float:
    if ranking not in one.probabilities:
        return np.nan
    return metrics.brier(one.probabilities[ranking], one.held_out.at_top)


def _pooled(table: pd.DataFrame) -> pd.DataFrame:
    """Means over cutoffs of the rankings that exist at all of them: none is evaluated on its best days."""
    everywhere = table.groupby("ranking")["cutoff"].transform("count") == table["cutoff"].nunique()
    means = table[everywhere].groupby("ranking", as_index=False).mean(numeric_only=True)
    return means.assign(cutoff=POOLED)


def _pooled_row(rankings: pd.DataFrame, ranking: str) -> pd.Series:
    return rankings[(rankings["cutoff"] == POOLED) & (rankings["ranking"] == ranking)].iloc[0]


def _bounds(captures: Mapping[str, np.ndarray], ranking: str) -> dict[str, float]:
    """95 % bounds of the capture of *ranking*, and of the model's lead over it, from resampled captures."""
    capture_low, capture_high = percentile_bounds(captures[ranking])
    lead_low, lead_high = percentile_bounds(captures[MODEL] - captures[ranking])
    return {
        "capture_low": capture_low,
        "capture_high": capture_high,
        "lead_low": lead_low,
        "lead_high": lead_high,
    }


def _heads(one: CutoffEvaluation, share: float, coverage: float) -> dict[str, str | float]:
    """A row of `Backtest.heads`."""
    held_out, ranges = one.held_out, one.ranges
    predicted, realised, at_top = held_out.predicted, held_out.realised, held_out.at_top
    last_label = one.scores.get("last label")
    row: dict[str, str | float] = {
        "cutoff": one.cutoff,
        "customers": float(len(realised)),
        "realised": float(realised.sum()),
        "predicted_share": np.nan,
        "total_low": np.nan if one.total is None else one.total.low,
        "total_high": np.nan if one.total is None else one.total.high,
        "coverage": np.nan,
        "least_coverage": np.nan,
        "coverage_top": np.nan,
        "coverage_if_any": np.nan,
        "interval_score": np.nan,
        "reliability_slope": np.nan,
        "brier": np.nan,
        "brier_base_rate": metrics.brier(np.full(len(at_top), at_top.mean()), at_top),
        "noise_ceiling": np.nan if last_label is None else metrics.rank_correlation(last_label, realised),
        "capture_unseen": (
            np.nan
            if one.cross_customer_predictions is None
            else metrics.capture(one.cross_customer_predictions, realised, share)
        ),
        "agreement": metrics.rank_correlation(predicted, held_out.log_odds),
    }
    if ranges is None:
        return row
    low, high, any_value, top = ranges.low, ranges.high, realised > 0, top_mask(predicted, share)
    probability = one.probabilities[MODEL]
    return row | {
        "predicted_share": float(predicted.sum() / realised.sum()),
        "coverage": metrics.coverage(realised, low, high),
        "least_coverage": float(metrics.coverage_by_decile(predicted, realised, low, high).min()),
        "coverage_top": metrics.coverage(realised[top], low[top], high[top]),
        "coverage_if_any": metrics.coverage(
            realised[any_value], ranges.any_low[any_value], ranges.any_high[any_value]
        ),
        "interval_score": metrics.interval_score(realised, low, high, coverage) / float(realised.mean()),
        "reliability_slope": metrics.calibration_slope(probability, at_top),
        "brier": metrics.brier(probability, at_top),
    }


def _deciles(one: CutoffEvaluation) -> pd.DataFrame:
    predicted, realised = one.held_out.predicted, one.held_out.realised
    deciles = metrics.deciles(predicted, realised)
    if one.ranges is None:
        return deciles.assign(coverage=np.nan)
    by_decile = metrics.coverage_by_decile(predicted, realised, one.ranges.low, one.ranges.high)
    return deciles.assign(coverage=by_decile)


def _slices(one: CutoffEvaluation, best: str, share: float) -> dict[str, Slice]:
    scores = {"capture": one.scores[MODEL], "rule_capture": one.scores[best]}
    return {name: _slice(one, mask, scores, share) for name, mask in one.slice_masks.items() if mask.any()}


def _slice(one: CutoffEvaluation, mask: np.ndarray, scores: Mapping[str, np.ndarray], share: float) -> Slice:
    predicted, realised = one.held_out.predicted, one.held_out.realised
    inside = np.zeros(len(realised), dtype=bool)
    if one.ranges is not None:
        inside = (realised >= one.ranges.low) & (realised <= one.ranges.high)
    return Slice(
        customers=int(mask.sum()),
        realised=float(realised[mask].sum()),
        predicted=float(predicted[mask].sum()),
        chosen=int(top_mask(predicted, share)[mask].sum()),
        at_top=int(one.held_out.at_top[mask].sum()),
        calibrated=int(mask.sum()) if one.ranges else 0,
        inside=int(inside[mask].sum()),
        captures={
            name: metrics.capture(score[mask], realised[mask], share) for name, score in scores.items()
        },
    )
