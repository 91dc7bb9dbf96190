"""Rolling-origin backtest with embargo: at every evaluation cutoff, do only what could have been done then.

For a cutoff E the heads are fitted on cutoffs whose windows had closed by E, and calibrated on predictions
that equally honest heads had made at cutoffs closed by E. What is shipped is the same procedure, standing at
the end of the data.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
from sklearn.isotonic import IsotonicRegression

from ripple.errors import InputError
from ripple.settings import Settings
from ripple.training.estimators.heads import Calibration, Heads, Outcome, calibrate, fit, outcome, target
from ripple.training.evaluation import metrics
from ripple.training.evaluation.baselines import baselines
from ripple.training.evaluation.cutoff_evaluation import MODEL, Backtest, CutoffEvaluation, evaluate, numbers
from ripple.training.evaluation.slices import slices
from ripple.training.examples.cutoffs import Schedule
from ripple.training.examples.examples import Examples
from ripple.training.examples.feature_sequence import Rows

logger = logging.getLogger(__name__)

CALIBRATION_CUTOFFS = 3


@dataclass
class RollingOriginBacktester:
    """Fits and calibrates as of any moment, remembering what it has already fitted."""

    examples: Mapping[datetime, Examples]
    schedule: Schedule
    settings: Settings
    log_level: int = logging.INFO
    """The level at which progress is logged."""
    _outcomes: dict[datetime, Outcome] = field(default_factory=dict)
    _heads: dict[datetime, Heads] = field(default_factory=dict)

    def has_training_labels(self, moment: datetime) -> bool:
        """Whether anybody is credited with anything at a cutoff closed by *moment*."""
        return any(self.credited(cutoff) for cutoff in self.schedule.training_for(moment))

    def credited(self, cutoff: datetime) -> bool:
        """Whether anybody is credited with anything in the window of *cutoff*."""
        return bool((self.examples[cutoff].labels["network_value"] > 0).any())

    def heads(self, moment: datetime, asked: Rows | None = None) -> Heads:
        """Heads fitted on all cutoffs closed by *moment*, for those who are there at that moment.

        Args:
            asked: their features, where *moment* is no cutoff.
        """
        if moment not in self._heads:
            closed = [self.examples[cutoff] for cutoff in self.schedule.training_for(moment)]
            if moment in self.examples:
                asked = self.examples[moment].rows
            self._heads[moment] = fit(closed, self.settings, asked)
        return self._heads[moment]

    def outcome(self, cutoff: datetime) -> Outcome:
        """What heads fitted as of *cutoff* predicted there."""
        if cutoff not in self._outcomes:
            count = len(self.schedule.training_for(cutoff))
            logger.log(
                self.log_level,
                f"backtest {cutoff:%Y-%m-%d}: fitting on {count} closed cutoff{'s' * (count != 1)}",
            )
            self._outcomes[cutoff] = outcome(self.heads(cutoff), self.examples[cutoff], self.settings)
        return self._outcomes[cutoff]

    def judged(self, cutoff: datetime) -> Outcome:
        """The same predictions beside all that has become known since."""
        value = target(self.examples[cutoff].realised, self.settings)
        return replace(
            self.outcome(cutoff), value=value, at_top=metrics.members(value, self.settings.top_share)
        )

    def cross_customer_predictions(self, cutoff: datetime) -> np.ndarray:
        """Expected value of each customer at *cutoff* by heads that were taught by other customers alone.

        The halves go by who came first, so that names do not matter.
        """
        teachers = [self.examples[earlier] for earlier in self.schedule.training_for(cutoff)]
        asked = self.examples[cutoff]
        half = numbers([one.rows.index for one in (*teachers, asked)])
        predicted = np.full(len(asked.rows), np.nan)
        for own in (0, 1):
            others = [one.where(number % 2 != own) for one, number in zip(teachers, half[:-1], strict=True)]
            mine = half[-1] % 2 == own
            predicted[mine] = fit(others, self.settings).predict_value(asked.where(mine).features)
        return predicted

    def rules(self, cutoff: datetime) -> dict[str, np.ndarray]:
        """Score of every customer at *cutoff* by each simple rule."""
        return baselines(self.examples[cutoff].features, self.examples[cutoff].credited)

    def baseline_probabilities(self, cutoff: datetime) -> dict[str, np.ndarray]:
        """The rules' scores at *cutoff* as probabilities of being at the top.

        By isotonic regression (Zadrozny & Elkan 2002) on the cutoffs on which the heads are calibrated.
        """
        closed = self._closed(cutoff)
        known = [(self.rules(earlier), self.outcome(earlier).at_top) for earlier in closed]
        found = {}
        for name, score in self.rules(cutoff).items():
            past = [(own[name], at_top) for own, at_top in known if name in own]
            if past:
                scaled = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip")
                scaled.fit(*(np.concatenate(part).astype(np.float64) for part in zip(*past, strict=True)))
                found[name] = scaled.predict(score)
        return found

    def calibration(self, moment: datetime) -> Calibration | None:
        """Calibration from the latest cutoffs closed by *moment* at which heads could be fitted.

        None if there are none, or nobody is credited with anything in their windows.
        """
        closed = self._closed(moment)
        if not any(self.credited(cutoff) for cutoff in closed):
            return None
        return calibrate([self.outcome(cutoff) for cutoff in closed], self.settings)

    def _closed(self, moment: datetime) -> list[datetime]:
        return [
            cutoff
            for cutoff in self.schedule.all
            if cutoff + self.schedule.horizon <= moment and self.has_training_labels(cutoff)
        ][-CALIBRATION_CUTOFFS:]


def backtest(backtester: RollingOriginBacktester) -> Backtest:
    """Judge the procedure and every baseline at the evaluation cutoffs.

    Raises:
        InputError: at none of them is there credit both to learn from and to be judged by.
    """
    return evaluate([_judged(backtester, cutoff) for cutoff in _judgeable(backtester)], backtester.settings)


def _judged(backtester: RollingOriginBacktester, cutoff: datetime) -> CutoffEvaluation:
    asked, found = backtester.examples[cutoff], backtester.judged(cutoff)
    calibration, baseline_probabilities = (
        backtester.calibration(cutoff),
        backtester.baseline_probabilities(cutoff),
    )
    if calibration is not None:
        baseline_probabilities[MODEL] = calibration.probability(found.log_odds)
    taught = backtester.examples[backtester.schedule.training_for(cutoff)[-1]].rows.index
    return CutoffEvaluation(
        f"{cutoff:%Y-%m-%d}",
        asked.rows.index,
        found,
        {MODEL: found.predicted} | backtester.rules(cutoff),
        calibration,
        baseline_probabilities,
        dict(slices(asked.features, asked.attributes, ~asked.rows.index.isin(taught))),
        backtester.cross_customer_predictions(cutoff),
    )


def _judgeable(backtester: RollingOriginBacktester) -> list[datetime]:
    chosen = []
    for cutoff in backtester.schedule.evaluation:
        if backtester.has_training_labels(cutoff) and backtester.credited(cutoff):
            chosen.append(cutoff)
        else:
            logger.info(f"backtest {cutoff:%Y-%m-%d}: left out, no credit to learn or judge from")
    if not chosen:
        raise InputError(
            "Every label is zero: no evaluation cutoff has customers credited with revenue of others both "
            "before and after it. Check that interactions hold referrals, or ties between customers who buy "
            "the same products."
        )
    return chosen
