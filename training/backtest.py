"""Rolling-origin backtest with embargo: at every evaluation cutoff, do only what could have been done then.

For a cutoff E the heads are fitted on cutoffs whose windows had closed by E, and calibrated on predictions
that equally honest heads had made at cutoffs closed by E. What is shipped is the same procedure, standing at
the end of the data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
import pandas as pd

from settings import InputError, Settings
from training import metrics
from training.baselines import baselines
from training.cutoffs import Schedule
from training.examples import Examples
from training.fit import Calibration, Heads, Outcome, calibrate, fit, outcome, target
from training.progress import Say

CALIBRATION_CUTOFFS = 3
MODEL = "Ripple"


@dataclass
class Forecaster:
    """Fits and calibrates as of any moment, remembering what it has already fitted."""

    examples: Mapping[datetime, Examples]
    schedule: Schedule
    settings: Settings
    say: Say
    _outcomes: dict[datetime, Outcome] = field(default_factory=dict)

    def teachable(self, moment: datetime) -> bool:
        """Whether anybody is credited with anything at a cutoff closed by *moment*."""
        return any(self.credited(cutoff) for cutoff in self.schedule.training_for(moment))

    def credited(self, cutoff: datetime) -> bool:
        """Whether anybody is credited with anything in the window of *cutoff*."""
        return bool((self.examples[cutoff].labels["network_value"] > 0).any())

    def heads(self, moment: datetime) -> Heads:
        """Heads fitted on all cutoffs closed by *moment*."""
        return fit([self.examples[cutoff] for cutoff in self.schedule.training_for(moment)], self.settings)

    def outcome(self, cutoff: datetime) -> Outcome:
        """What heads fitted as of *cutoff* predicted there."""
        if cutoff not in self._outcomes:
            count = len(self.schedule.training_for(cutoff))
            self.say(f"backtest {cutoff:%Y-%m-%d}: fitting on {count} closed cutoff{'s' * (count != 1)}")
            self._outcomes[cutoff] = outcome(self.heads(cutoff), self.examples[cutoff], self.settings)
        return self._outcomes[cutoff]

    def judged(self, cutoff: datetime) -> Outcome:
        """The same predictions beside all that has become known since."""
        value = target(self.examples[cutoff].realised, self.settings)
        return replace(
            self.outcome(cutoff), value=value, at_top=metrics.members(value, self.settings.top_share)
        )

    def calibration(self, moment: datetime) -> Calibration | None:
        """Calibration from the latest cutoffs closed by *moment* at which heads could be fitted.

        None if there are none, or nobody is credited with anything in their windows.
        """
        closed = [
            cutoff
            for cutoff in self.schedule.all
            if cutoff + self.schedule.horizon <= moment and self.teachable(cutoff)
        ][-CALIBRATION_CUTOFFS:]
        if not any(self.credited(cutoff) for cutoff in closed):
            return None
        return calibrate([self.outcome(cutoff) for cutoff in closed], self.settings)


@dataclass(frozen=True)
class Backtest:
    """What the backtest found.

    Attributes:
        rankings: one row per cutoff and ranking (the model and every baseline) with the metrics of
            `training.metrics.ranking`, and one per ranking with cutoff "pooled", the mean over cutoffs.
        heads: one row per cutoff: total predicted ÷ realised, interval coverage, Brier score and that of the
            base rate.
        deciles: mean predicted and realised value by decile, over all cutoffs.
        best_baseline: name of the rule with the highest pooled capture.
        lead: pooled capture of the model minus that of the best baseline, with the bounds of its 95 %
            paired bootstrap interval over customers.
    """

    rankings: pd.DataFrame
    heads: pd.DataFrame
    deciles: pd.DataFrame
    best_baseline: str
    lead: tuple[float, float, float]

    def capture(self, ranking: str) -> float:
        """Pooled capture of *ranking*."""
        rankings = self.rankings
        row = rankings[(rankings["cutoff"] == "pooled") & (rankings["ranking"] == ranking)]
        return float(row["capture"].iloc[0])


def backtest(forecaster: Forecaster) -> Backtest:
    """Judge the procedure and every baseline at the evaluation cutoffs.

    Raises:
        InputError: at none of them is there credit both to learn from and to be judged by.
    """
    settings = forecaster.settings
    rankings, heads, deciles = [], [], []
    judged: list[tuple[dict[str, np.ndarray], np.ndarray]] = []
    for cutoff in _judgeable(forecaster):
        found = forecaster.judged(cutoff)
        scores = {MODEL: found.predicted} | baselines(forecaster.examples[cutoff].features)
        judged.append((scores, found.value))
        rankings += [
            {"cutoff": f"{cutoff:%Y-%m-%d}", "ranking": name}
            | metrics.ranking(score, found.value, settings.top_share)
            for name, score in scores.items()
        ]
        calibration = forecaster.calibration(cutoff)
        heads.append({"cutoff": f"{cutoff:%Y-%m-%d}"} | _judge(found, calibration))
        deciles.append(
            metrics.deciles(found.predicted * (calibration.level if calibration else 1.0), found.value)
        )
    table = pd.DataFrame(rankings)
    pooled = _pooled(table)
    captures = pooled.set_index("ranking")["capture"]
    best = str(captures.drop(MODEL).sort_values(ascending=False).index[0])
    low, high = _lead_interval(judged, best, settings)
    return Backtest(
        pd.concat([table, pooled], ignore_index=True),
        pd.DataFrame(heads),
        pd.concat(deciles).groupby("decile", as_index=False).mean(),
        best,
        (float(captures[MODEL] - captures[best]), low, high),
    )


def _judgeable(forecaster: Forecaster) -> list[datetime]:
    chosen = []
    for cutoff in forecaster.schedule.evaluation:
        if forecaster.teachable(cutoff) and forecaster.credited(cutoff):
            chosen.append(cutoff)
        else:
            forecaster.say(f"backtest {cutoff:%Y-%m-%d}: left out, no credit to learn or judge from")
    if not chosen:
        raise InputError(
            "Every label is zero: no evaluation cutoff has customers credited with revenue of others both "
            "before and after it. Check that interactions hold referrals, or ties between customers who buy "
            "the same products."
        )
    return chosen


def _pooled(table: pd.DataFrame) -> pd.DataFrame:
    """Means over cutoffs of the rankings there are at all of them: no rule is judged on its best days."""
    everywhere = table.groupby("ranking")["cutoff"].transform("count") == table["cutoff"].nunique()
    means = table[everywhere].groupby("ranking", as_index=False).mean(numeric_only=True)
    return means.assign(cutoff="pooled")


def _judge(found: Outcome, calibration: Calibration | None) -> dict[str, float]:
    base_rate = np.full(len(found.at_top), found.at_top.mean())
    judged = {
        "customers": float(len(found.value)),
        "realised": float(found.value.sum()),
        "predicted_share": np.nan,
        "coverage": np.nan,
        "brier": np.nan,
        "brier_base_rate": metrics.brier(base_rate, found.at_top),
    }
    if calibration is None:
        return judged
    predicted = found.predicted * calibration.level
    low, high = calibration.interval.around(predicted)
    probability = 1 / (1 + np.exp(-(calibration.slope * found.odds + calibration.intercept)))
    return judged | {
        "predicted_share": float(predicted.sum() / found.value.sum()),
        "coverage": metrics.coverage(found.value, low, high),
        "brier": metrics.brier(probability, found.at_top),
    }


def _lead_interval(
    judged: list[tuple[dict[str, np.ndarray], np.ndarray]], best: str, settings: Settings
) -> tuple[float, float]:
    """95 % bounds of the model's lead over *best*, from the scores and realised values of every cutoff."""
    resampled = [
        metrics.paired_bootstrap(scores[MODEL], scores[best], value, settings.top_share, settings.seed + i)
        for i, (scores, value) in enumerate(judged)
    ]
    low, high = np.nanquantile(np.mean(resampled, axis=0), [0.025, 0.975])
    return float(low), float(high)
