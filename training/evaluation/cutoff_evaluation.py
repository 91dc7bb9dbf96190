"""What became of predictions at closed cutoffs: all metrics and simple rules in one table, with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ripple.settings import Settings
from ripple.training.estimators.heads import Calibration, Outcome
from ripple.training.evaluation import metrics
from ripple.training.evaluation.slices import Slice, summed

MODEL = "Ripple"


@dataclass(frozen=True)
class CutoffEvaluation:
    """Everything about one closed cutoff, by customer.

    Attributes:
        customers: who they are.
        found: what the model foresaw, and what came true.
        scores: score of each by every ranking, the model's own as `MODEL`.
        calibration: None where nothing had closed to calibrate on.
        baseline_probabilities: probabilities of being at the top by every ranking that has some.
        kinds: mask of every kind of customer, by name; see `ripple.training.evaluation.slices`.
        cross_customer_predictions: expected value by heads fitted on other customers alone, in currency; None
            where they were not fitted.
    """

    cutoff: str
    customers: pd.Index
    found: Outcome
    scores: Mapping[str, np.ndarray]
    calibration: Calibration | None
    baseline_probabilities: Mapping[str, np.ndarray]
    kinds: Mapping[str, np.ndarray]
    cross_customer_predictions: np.ndarray | None = None


@dataclass(frozen=True)
class Backtest:
    """What judging the model and every rule at closed cutoffs found.

    Attributes:
        rankings: one row per cutoff and ranking (the model and every baseline) with the metrics of
            `evaluation.metrics.ranking`, the Brier score of its probabilities (a rule's after isotonic
            regression), the bounds of the 95 % interval of its capture, and the lead of the model over it
            with its own bounds; and one per ranking with cutoff "pooled", the mean over cutoffs. Intervals
            are by paired bootstrap over customers.
        heads: one row per cutoff: total predicted ÷ realised, interval coverage (and that of the decile of
            prediction with the least), reliability of the probabilities, Brier score and that of the base
            rate, the noise ceiling (Spearman of the last label against this one), capture among customers
            who taught nothing, and how far the two heads agree (Spearman).
        deciles: mean predicted and realised value and coverage by decile, over all cutoffs.
        best_baseline: name of the rule with the highest pooled capture.
        lead: pooled capture of the model minus that of the best baseline, with the bounds of its 95 %
            paired bootstrap interval over customers.
        slices: one row per kind of customer: see `ripple.training.evaluation.slices.summed`.
    """

    rankings: pd.DataFrame
    heads: pd.DataFrame
    deciles: pd.DataFrame
    best_baseline: str
    lead: tuple[float, float, float]
    slices: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def calibration(self) -> dict[str, float]:
        """How well level, interval and probabilities held, where others had closed to calibrate on.

        `predicted_share` is that of the middle one: where history was still short at an early cutoff, its
        level tells nothing of today's. `coverage`, `brier` and `brier_base_rate` are means. All are nan where
        there is no such cutoff.
        """
        known = self.heads.dropna(subset=["predicted_share"])
        means = {name: float(known[name].mean()) for name in ("coverage", "brier", "brier_base_rate")}
        return {"predicted_share": float(known["predicted_share"].median()), **means}

    def headline(self) -> dict[str, float]:
        """Capture of the model and of the best rule, the lead with its bounds, and `calibration`, by name."""
        lead, low, high = self.lead
        return {
            "capture": self.capture(MODEL),
            "best_baseline_capture": self.capture(self.best_baseline),
            "lead": lead,
            "lead_low": low,
            "lead_high": high,
            **self.calibration,
        }

    def capture(self, ranking: str) -> float:
        """Pooled capture of *ranking*."""
        return self.capture_interval(ranking)[0]

    def capture_interval(self, ranking: str) -> tuple[float, float, float]:
        """Pooled capture of *ranking* with its 95 % bounds."""
        rankings = self.rankings
        row = rankings[(rankings["cutoff"] == "pooled") & (rankings["ranking"] == ranking)].iloc[0]
        return float(row["capture"]), float(row["capture_low"]), float(row["capture_high"])


def evaluate(judged: Sequence[CutoffEvaluation], settings: Settings) -> Backtest:
    """Bring together what was found at each cutoff, oldest first."""
    share = settings.top_share
    resampled = metrics.bootstrap_captures(
        [one.scores for one in judged],
        [one.found.value for one in judged],
        numbers([one.customers for one in judged]),
        share,
        settings.seed,
    )
    rows = []
    for i, one in enumerate(judged):
        drawn = {name: captures[:, i] for name, captures in resampled.items()}
        for name, score in one.scores.items():
            row = metrics.ranking(score, one.found.value, share)
            brier = (
                metrics.brier(one.baseline_probabilities[name], one.found.at_top)
                if name in one.baseline_probabilities
                else np.nan
            )
            rows.append(
                {"cutoff": one.cutoff, "ranking": name, **row, "brier": brier, **_bounds(drawn, name)}
            )
    table = pd.DataFrame(rows)
    pooled = _pooled(table)
    means = {name: captures.mean(axis=1) for name, captures in resampled.items()}
    pooled = pooled.assign(**pd.DataFrame([_bounds(means, name) for name in pooled["ranking"]]))
    whole = pd.concat([table, pooled], ignore_index=True)
    own = whole[whole["ranking"] == MODEL].set_index("cutoff")["capture"]
    whole["lead"] = whole["cutoff"].map(own) - whole["capture"]
    captures = pooled.set_index("ranking")["capture"]
    best = str(captures.drop(MODEL).sort_values(ascending=False).index[0])
    against = whole[(whole["cutoff"] == "pooled") & (whole["ranking"] == best)].iloc[0]
    return Backtest(
        whole,
        pd.DataFrame([_heads(one, share) for one in judged]),
        pd.concat(map(_deciles, judged)).groupby("decile", as_index=False).mean(),
        best,
        (float(against["lead"]), float(against["lead_low"]), float(against["lead_high"])),
        summed([_slices(one, best, share) for one in judged]),
    )


def _pooled(table: pd.DataFrame) -> pd.DataFrame:
    """Means over cutoffs of the rankings there are at all of them: no rule is judged on its best days."""
    everywhere = table.groupby("ranking")["cutoff"].transform("count") == table["cutoff"].nunique()
    means = table[everywhere].groupby("ranking", as_index=False).mean(numeric_only=True)
    return means.assign(cutoff="pooled")


def _bounds(captures: Mapping[str, np.ndarray], name: str) -> dict[str, float]:
    """95 % bounds of the capture of ranking *name*, and of the model's lead over it."""
    found = {"capture": captures[name], "lead": captures[MODEL] - captures[name]}
    return {
        f"{what}_{end}": float(np.nanquantile(values, quantile)) if np.isfinite(values).any() else np.nan
        for what, values in found.items()
        for end, quantile in (("low", 0.025), ("high", 0.975))
    }


def _heads(one: CutoffEvaluation, share: float) -> dict[str, str | float]:
    found, calibration = one.found, one.calibration
    base_rate = np.full(len(found.at_top), found.at_top.mean())
    last = one.scores.get("last label")
    judged: dict[str, str | float] = {
        "cutoff": one.cutoff,
        "customers": float(len(found.value)),
        "realised": float(found.value.sum()),
        "predicted_share": np.nan,
        "coverage": np.nan,
        "least_coverage": np.nan,
        "reliability_slope": np.nan,
        "brier": np.nan,
        "brier_base_rate": metrics.brier(base_rate, found.at_top),
        "noise_ceiling": np.nan if last is None else metrics.rank_correlation(last, found.value),
        "capture_unseen": (
            np.nan
            if one.cross_customer_predictions is None
            else metrics.capture(one.cross_customer_predictions, found.value, share)
        ),
        "agreement": metrics.rank_correlation(found.predicted, found.log_odds),
    }
    if calibration is None:
        return judged
    low, high = calibration.interval.bounds(found.predicted)
    probability = one.baseline_probabilities[MODEL]
    return judged | {
        "predicted_share": float(found.predicted.sum() / found.value.sum()),
        "coverage": metrics.coverage(found.value, low, high),
        "least_coverage": float(metrics.coverage_by_decile(found.predicted, found.value, low, high).min()),
        "reliability_slope": metrics.reliability_slope(probability, found.at_top),
        "brier": metrics.brier(probability, found.at_top),
    }


def _deciles(one: CutoffEvaluation) -> pd.DataFrame:
    found = metrics.deciles(one.found.predicted, one.found.value)
    if one.calibration is None:
        return found.assign(coverage=np.nan)
    low, high = one.calibration.interval.bounds(one.found.predicted)
    return found.assign(coverage=metrics.coverage_by_decile(one.found.predicted, one.found.value, low, high))


def _slices(one: CutoffEvaluation, best: str, share: float) -> dict[str, Slice]:
    scores = {"capture": one.scores[MODEL], "rule_capture": one.scores[best]}
    return {name: _slice(one, mask, scores, share) for name, mask in one.kinds.items() if mask.any()}


def _slice(one: CutoffEvaluation, mask: np.ndarray, scores: Mapping[str, np.ndarray], share: float) -> Slice:
    value = one.found.value
    inside = np.zeros(len(value), dtype=bool)
    if one.calibration is not None:
        low, high = one.calibration.interval.bounds(one.found.predicted)
        inside = (value >= low) & (value <= high)
    return Slice(
        customers=int(mask.sum()),
        realised=float(value[mask].sum()),
        predicted=float(one.found.predicted[mask].sum()),
        chosen=int(metrics.top(one.found.predicted, share)[mask].sum()),
        at_top=int(one.found.at_top[mask].sum()),
        calibrated=int(mask.sum()) if one.calibration else 0,
        inside=int(inside[mask].sum()),
        captures={name: metrics.capture(score[mask], value[mask], share) for name, score in scores.items()},
    )


def numbers(customers: Sequence[pd.Index]) -> list[np.ndarray]:
    """The number of each customer, the same at every cutoff; by who appears first, not by name."""
    everybody = pd.Index(np.concatenate(customers)).unique()
    return [everybody.get_indexer(index) for index in customers]
