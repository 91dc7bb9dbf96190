"""The forecast against known truth: what the model foresees of the next window, beside simple rules.

At each evaluation cutoff the model has learnt from labels of windows closed by then, and is held against the
expected leave-one-out value of the window that follows, plus recorded referral value. The same heads, told
the latent traits and taught by expected values rather than labels, are the ceiling: what this way of learning
could reach if nothing were hidden and no label were noisy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import pandas as pd

from ripple import simulation
from ripple.features.dataset import Dataset
from ripple.features.validation.checks import Report
from ripple.training.estimators.heads import fit
from ripple.training.evaluation import metrics
from ripple.training.evaluation.backtest import RollingOriginBacktester
from ripple.training.evaluation.cutoff_evaluation import MODEL
from ripple.training.examples.cutoffs import schedule
from ripple.training.examples.examples import Examples, examples_at
from ripple.training.examples.feature_sequence import Rows

TOLD, TAUGHT, CEILING = "told the traits", "taught expectations", "the ceiling"
KNOWING = [TOLD, TAUGHT, CEILING]
"""Models that know what no table shows: the latent traits, expected values for labels, or both."""
ROUNDS = 200


@dataclass(frozen=True)
class Forecast:
    """How the rankings of the next window do in a world, over its evaluation cutoffs."""

    rankings: pd.DataFrame
    """By ranking: capture, capture_cold (of customers who had joined by no cutoff learnt from), spearman; of
    the model alone total_ratio, coverage of its interval and least_coverage (that of the worst decile)."""
    resamples: pd.DataFrame
    """Capture of each ranking (columns), mean over cutoffs, in resamples of customers (rows)."""


def foresee(dataset: Dataset, checks: Report, history: simulation.History, redraws: int) -> Forecast:
    """Rank the customers at every evaluation cutoff and hold the rankings against what was to be expected."""
    settings = dataset.settings
    plan = schedule(checks.start, simulation.END, settings)
    examples = {cutoff: examples_at(dataset, cutoff) for cutoff in plan.all}
    backtester = RollingOriginBacktester(examples, plan, settings)
    expected = {
        cutoff: expected_values(history, cutoff, cutoff + plan.horizon, redraws).reindex(one.rows.index)
        for cutoff, one in examples.items()
    }
    told = {cutoff: _told(one, simulation.traits(history)) for cutoff, one in examples.items()}
    knowing = {TOLD: told, TAUGHT: _taught(examples, expected), CEILING: _taught(told, expected)}
    rows, scores = [], []
    for cutoff in plan.evaluation:
        teachers, asked = plan.training_for(cutoff), told[cutoff].features
        scores.append({MODEL: backtester.outcome(cutoff).predicted} | backtester.rules(cutoff))
        for name, known in knowing.items():
            heads = fit([known[earlier] for earlier in teachers], settings, known[cutoff].rows)
            scores[-1][name] = heads.predict_value(asked)
        value = expected[cutoff].to_numpy()
        cold = ~asked.index.isin(examples[teachers[-1]].rows.index)
        for row in _judged(scores[-1], value, cold, settings.top_share):
            rows.append(row | (_covered(backtester, cutoff) if row["ranking"] == MODEL else {}))
    everybody = pd.Index(np.concatenate([examples[cutoff].rows.index for cutoff in plan.evaluation]))
    everybody = everybody.unique()
    resampled = metrics.bootstrap_captures(
        scores,
        [expected[cutoff].to_numpy() for cutoff in plan.evaluation],
        [everybody.get_indexer(examples[cutoff].rows.index) for cutoff in plan.evaluation],
        settings.top_share,
        settings.seed,
        ROUNDS,
    )
    means = {name: captures.mean(axis=1) for name, captures in resampled.items()}
    return Forecast(
        pd.DataFrame(rows).groupby("ranking", sort=False).mean(),
        pd.DataFrame(means),
    )


def expected_values(
    history: simulation.History, start: datetime, end: datetime, redraws: int
) -> pd.Series[float]:
    """Expected leave-one-out influence, to which recorded referral value is added."""
    expected = simulation.expected_leave_one_out(history, start, end, redraws, history.seed)
    return expected["influence_value"] + simulation.referral_value(history, start, end)["referral_value"]


def interval(resamples: pd.DataFrame, rival: str) -> tuple[float, float]:
    """95 % bounds of the model's lead in capture over *rival*."""
    low, high = (resamples[MODEL] - resamples[rival]).quantile([0.025, 0.975])
    return float(low), float(high)


def _told(one: Examples, traits: pd.DataFrame) -> Examples:
    """The same with what no table shows: traits, and the influence that they add up to."""
    own = traits.reindex(one.rows.index).astype(np.float64)
    pull = np.exp(0.7 * own["power"])
    extra = own.assign(pull=pull, pull_on_all=pull * own["ties"])
    return replace(one, rows=Rows.of(pd.concat([one.features, extra.add_prefix("latent_")], axis=1)))


def _taught(
    examples: Mapping[datetime, Examples], expected: Mapping[datetime, pd.Series[float]]
) -> dict[datetime, Examples]:
    """The same with expected values for labels."""
    return {
        # what a customer takes from others, by being first, is no label that Poisson knows
        cutoff: replace(one, labels=one.labels.assign(network_value=expected[cutoff].clip(lower=0)))
        for cutoff, one in examples.items()
    }


def _covered(backtester: RollingOriginBacktester, cutoff: datetime) -> dict[str, object]:
    found, calibration = backtester.judged(cutoff), backtester.calibration(cutoff)
    if calibration is None:
        return {}
    low, high = calibration.interval.bounds(found.predicted)
    return {
        "coverage": metrics.coverage(found.value, low, high),
        "least_coverage": float(metrics.coverage_by_decile(found.predicted, found.value, low, high).min()),
    }


def _judged(
    scores: dict[str, np.ndarray], value: np.ndarray, cold: np.ndarray, share: float
) -> Iterator[dict[str, object]]:
    for name, score in scores.items():
        yield {
            "ranking": name,
            "capture": metrics.capture(score, value, share),
            "capture_cold": metrics.capture(score[cold], value[cold], share),
            "spearman": metrics.rank_correlation(score, value),
            "total_ratio": float(score.sum() / value.sum()) if name == MODEL else np.nan,
        }
