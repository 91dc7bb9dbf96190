"""The forecast against known truth: predictions of the next window by the model and by simple rules.

At each evaluation cutoff the model has learnt from labels of windows closed by then, and is held against the
expected leave-one-out value of the window that follows, plus recorded referral value. The same heads, given
the latent traits as features and expected values rather than labels to learn from, are the ceiling: what this
way of learning could reach if nothing were hidden and no label were noisy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import pandas as pd

from ripple import simulation
from ripple.features.dataset import Dataset
from ripple.features.validation.findings import Report
from ripple.training.estimators.heads import fit_value
from ripple.training.evaluation import metrics
from ripple.training.evaluation.backtest import RollingOriginBacktester
from ripple.training.evaluation.bootstrap import RankedCutoff, customer_codes, resampled_captures
from ripple.training.evaluation.cutoff_evaluation import MODEL
from ripple.training.examples.cutoffs import schedule
from ripple.training.examples.examples import Examples, examples_at
from ripple.training.examples.feature_sequence import Rows
from ripple.training.examples.membership import top_mask

WITH_TRAITS, WITH_EXPECTATIONS, CEILING = "told the traits", "taught expectations", "the ceiling"
ORACLES = [WITH_TRAITS, WITH_EXPECTATIONS, CEILING]
"""The models that know what no table shows: the latent traits, expected values for labels, or both."""


@dataclass(frozen=True)
class Forecast:
    """How the rankings of the next window do in a world, over its evaluation cutoffs."""

    rankings: pd.DataFrame
    """A row per ranking: capture, capture_cold (of newcomers: customers of no training cutoff), spearman; of
    the model also total_ratio, the share of cutoffs at which the interval of the total contained the next
    label's (total_covered), and how well its ranges hold the labels (`_of_intervals`)."""
    resamples: pd.DataFrame
    """Capture of each ranking (columns), mean over cutoffs, in resamples of customers (rows)."""


ExpectedValues = Callable[[datetime], "pd.Series[float]"]
"""Cutoff → `expected_values` of the horizon that follows."""


def evaluate_forecast(
    dataset: Dataset, checks: Report, history: simulation.History, expected_after: ExpectedValues
) -> Forecast:
    """Predict at every evaluation cutoff and hold the rankings against expected values of the next window."""
    settings = dataset.settings
    plan = schedule(checks.start, simulation.END, settings)
    examples = {cutoff: examples_at(dataset, cutoff) for cutoff in plan.all}
    backtester = RollingOriginBacktester(examples, plan, settings)
    expected = {cutoff: expected_after(cutoff).reindex(one.rows.index) for cutoff, one in examples.items()}
    with_traits = {cutoff: _with_traits(one, simulation.traits(history)) for cutoff, one in examples.items()}
    oracles = {
        WITH_TRAITS: with_traits,
        WITH_EXPECTATIONS: _with_expectations(examples, expected),
        CEILING: _with_expectations(with_traits, expected),
    }
    rows, scores = [], []
    for cutoff in plan.evaluation:
        training, features = plan.training_for(cutoff), with_traits[cutoff].features
        scores.append(
            {MODEL: backtester.held_out_predictions(cutoff).predicted} | backtester.baseline_scores(cutoff)
        )
        for name, informed in oracles.items():
            head = fit_value([informed[earlier] for earlier in training], settings, informed[cutoff].rows)
            scores[-1][name] = head.predict(features)
        value = expected[cutoff].to_numpy()
        newcomer = ~features.index.isin(examples[training[-1]].rows.index)
        for row in _rows(scores[-1], value, newcomer, settings.top_share):
            rows.append(
                row | (_of_intervals(backtester, cutoff, newcomer) if row["ranking"] == MODEL else {})
            )
    rankings = list(dict.fromkeys(name for own in scores for name in own))
    codes = customer_codes([examples[cutoff].rows.index for cutoff in plan.evaluation])
    ranked = [
        RankedCutoff(
            pd.DataFrame({"realised": expected[cutoff].to_numpy(), **own}), code, rankings, settings.top_share
        )
        for cutoff, own, code in zip(plan.evaluation, scores, codes, strict=True)
    ]
    resampled = resampled_captures(ranked, settings.seed).mean(axis=1)
    return Forecast(
        pd.DataFrame(rows).groupby("ranking", sort=False).mean(),
        pd.DataFrame(resampled, columns=rankings),
    )


def expected_values(
    history: simulation.History, start: datetime, end: datetime, redraws: int
) -> pd.Series[float]:
    """Expected leave-one-out influence plus recorded referral value, by customer_id."""
    expected = simulation.expected_leave_one_out(history, start, end, redraws, history.seed)
    return expected["influence_value"] + simulation.referral_value(history, start, end)["referral_value"]


def lead_interval(resamples: pd.DataFrame, rival: str) -> tuple[float, float]:
    """95 % bounds of the model's lead in capture over *rival*."""
    low, high = (resamples[MODEL] - resamples[rival]).quantile([0.025, 0.975])
    return float(low), float(high)


def _with_traits(examples: Examples, traits: pd.DataFrame) -> Examples:
    """The same with features that no table shows: traits, and the influence that follows from them."""
    latent = traits.reindex(examples.rows.index).astype(np.float64)
    influence = np.exp(0.7 * latent["power"])
    latent = latent.assign(pull=influence, pull_on_all=influence * latent["ties"]).add_prefix("latent_")
    return replace(examples, rows=Rows.of(pd.concat([examples.features, latent], axis=1)))


def _with_expectations(
    examples: Mapping[datetime, Examples], expected: Mapping[datetime, pd.Series[float]]
) -> dict[datetime, Examples]:
    """The same with expected values for labels."""
    return {
        # who adopts first takes purchases from others: a negative value is no target of a Poisson loss
        cutoff: replace(one, labels=one.labels.assign(network_value=expected[cutoff].clip(lower=0)))
        for cutoff, one in examples.items()
    }


def _of_intervals(
    backtester: RollingOriginBacktester, cutoff: datetime, newcomer: np.ndarray
) -> dict[str, object]:
    """How well the ranges of *cutoff*, and the interval of the total, hold the labels realised after it."""
    held_out, calibration = backtester.evaluation_predictions(cutoff), backtester.calibration(cutoff)
    if calibration is None:
        return {}
    ranges, settings = calibration.ranges(held_out), backtester.settings
    low, high, realised, predicted = ranges.low, ranges.high, held_out.realised, held_out.predicted

    def coverage(mask: np.ndarray) -> float:
        return metrics.coverage(realised[mask], low[mask], high[mask])

    any_value, total = realised > 0, backtester.total_forecast(cutoff, predicted)
    return {
        "total_covered": float(total.low <= realised.sum() <= total.high),
        "coverage": metrics.coverage(realised, low, high),
        "coverage_top": coverage(top_mask(predicted, settings.top_share)),
        "coverage_top_tenth": coverage(top_mask(predicted, 0.1)),
        "coverage_cold": coverage(newcomer),
        "least_coverage": float(metrics.coverage_by_decile(predicted, realised, low, high).min()),
        "coverage_if_any": metrics.coverage(
            realised[any_value], ranges.any_low[any_value], ranges.any_high[any_value]
        ),
        "interval_score": metrics.interval_score(realised, low, high, settings.model.interval)
        / float(realised.mean()),
    }


def _rows(
    scores: dict[str, np.ndarray], value: np.ndarray, newcomer: np.ndarray, share: float
) -> Iterator[dict[str, object]]:
    for name, score in scores.items():
        yield {
            "ranking": name,
            "capture": metrics.capture(score, value, share),
            "capture_cold": metrics.capture(score[newcomer], value[newcomer], share),
            "spearman": metrics.rank_correlation(score, value),
            "total_ratio": float(score.sum() / value.sum()) if name == MODEL else np.nan,
        }
