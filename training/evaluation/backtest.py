"""Rolling-origin backtest with embargo: at every evaluation cutoff, do only what could have been done then.

For a cutoff E the heads are fitted on cutoffs whose windows had closed by E, and calibrated on out-of-sample
predictions that heads fitted in the same way had made at cutoffs closed by E. The model that is registered
comes from the same procedure at the end of the data.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property, partial

import numpy as np
from sklearn.isotonic import IsotonicRegression

from ripple.features.definition import BusinessMetric
from ripple.progress import stage
from ripple.settings import Settings
from ripple.training.estimators.calibration import CALIBRATION_CUTOFFS, Calibration, calibrate
from ripple.training.estimators.heads import Heads, fit, fit_value
from ripple.training.estimators.held_out import HeldOutPredictions, predict_held_out
from ripple.training.estimators.in_threads import in_threads
from ripple.training.estimators.total_forecast import ClosedTotal, TotalForecast, forecast_total
from ripple.training.evaluation.baselines import baselines
from ripple.training.evaluation.bootstrap import customer_codes
from ripple.training.evaluation.cutoff_evaluation import MODEL, Backtest, CutoffEvaluation, evaluate
from ripple.training.evaluation.slices import slice_masks
from ripple.training.examples.cutoffs import Schedule
from ripple.training.examples.examples import Examples
from ripple.training.examples.feature_sequence import Rows
from ripple.training.examples.membership import top_members
from ripple.training.examples.preconditions import NoCreditError
from ripple.training.examples.targets import network_value_target

logger = logging.getLogger(__name__)

MAX_CELLS_IN_THREADS = 300_000_000
"""The number of cells of training rows, of which LightGBM keeps a byte each, up to which the heads of several
moments are fitted at the same time; those of more rows keep all cores busy one after the other."""


@dataclass
class RollingOriginBacktester:
    """Fits and calibrates as of any moment, and caches what it has fitted.

    Attributes:
        examples: features and labels at every cutoff of `schedule`.
        log_level: the level at which progress is logged.
    """

    examples: Mapping[datetime, Examples]
    schedule: Schedule
    settings: Settings
    log_level: int = logging.INFO
    _held_out: dict[datetime, HeldOutPredictions] = field(default_factory=dict)
    _heads: dict[datetime, Heads] = field(default_factory=dict)

    def with_settings(self, settings: Settings, log_level: int | None = None) -> RollingOriginBacktester:
        """One of the same examples under other *settings*, which has fitted nothing yet."""
        level = self.log_level if log_level is None else log_level
        return RollingOriginBacktester(self.examples, self.schedule, settings, level)

    def has_training_labels(self, moment: datetime) -> bool:
        """Whether anybody is credited with anything at a cutoff closed by *moment*."""
        return any(self.has_credit(cutoff) for cutoff in self.schedule.training_for(moment))

    def has_credit(self, cutoff: datetime) -> bool:
        """Whether anybody is credited with anything in the window of *cutoff*."""
        return bool((self.examples[cutoff].labels["network_value"] > 0).any())

    @cached_property
    def evaluable_cutoffs(self) -> list[datetime]:
        """The evaluation cutoffs with credit both to learn from and to be evaluated by.

        Raises:
            NoCreditError: there are none.
        """
        cutoffs = []
        for cutoff in self.schedule.evaluation:
            if self.has_training_labels(cutoff) and self.has_credit(cutoff):
                cutoffs.append(cutoff)
            else:
                logger.info(f"backtest {cutoff:%Y-%m-%d}: left out, no credit to train on or evaluate with")
        if not cutoffs:
            raise NoCreditError(
                "Every label is zero: no evaluation cutoff has customers credited with revenue of others "
                "both before and after it. Check that interactions hold referrals, or ties between customers "
                "who buy the same products."
            )
        return cutoffs

    def heads(self, moment: datetime, inference_rows: Rows | None = None) -> Heads:
        """Heads fitted on all cutoffs closed by *moment*, for the customers of that moment.

        Args:
            inference_rows: the features of these customers, where *moment* is no cutoff.
        """
        if moment not in self._heads:
            closed = [self.examples[cutoff] for cutoff in self.schedule.training_for(moment)]
            if moment in self.examples:
                inference_rows = self.examples[moment].rows
            count = f"{len(closed)} closed cutoff{'s' * (len(closed) != 1)}"
            logger.log(
                self.log_level,
                f"heads as of {moment:%Y-%m-%d}: fitting on {count}",
                extra=stage("fits", len(self._heads), len(self.schedule.all) + 1),
            )
            self._heads[moment] = fit(closed, self.settings, inference_rows)
        return self._heads[moment]

    def fit_all(self, end: datetime, inference_rows: Rows) -> None:
        """Fit the heads of every cutoff and of the *end* of the data, several at the same time.

        Args:
            inference_rows: the features of the customers of *end*.
        """
        # those with the most rows first, so that no core waits for them at the end
        moments = [
            moment for moment in (end, *reversed(self.schedule.all)) if self.has_training_labels(moment)
        ]
        fits = [partial(self.heads, moment, inference_rows) for moment in moments]
        if sum(len(one.rows) * len(one.rows.names) for one in self.examples.values()) > MAX_CELLS_IN_THREADS:
            for fit_heads in fits:
                fit_heads()
        else:
            in_threads(fits)

    def held_out_predictions(self, cutoff: datetime) -> HeldOutPredictions:
        """Predictions at *cutoff* by heads fitted as of then, with labels as known when its window closed."""
        if cutoff not in self._held_out:
            self._held_out[cutoff] = predict_held_out(
                self.heads(cutoff), self.examples[cutoff], self.settings
            )
        return self._held_out[cutoff]

    def evaluation_predictions(self, cutoff: datetime) -> HeldOutPredictions:
        """The same predictions, with labels as known by the end of the data."""
        realised = network_value_target(self.examples[cutoff].realised, self.settings)
        at_top = top_members(realised, self.settings.top_share)
        return replace(self.held_out_predictions(cutoff), realised=realised, at_top=at_top)

    def cross_customer_predictions(self, cutoff: datetime) -> np.ndarray:
        """Expected value of each customer at *cutoff* by heads that were fitted only to other customers.

        Customers are split into two halves by who appears first, so that ids do not matter.
        """
        training = [self.examples[earlier] for earlier in self.schedule.training_for(cutoff)]
        examples = self.examples[cutoff]
        *training_codes, codes = customer_codes([one.rows.index for one in (*training, examples)])

        def predict_half(half: int) -> np.ndarray:
            others = [one.where(own % 2 != half) for one, own in zip(training, training_codes, strict=True)]
            return fit_value(others, self.settings).predict(examples.where(codes % 2 == half).features)

        predicted = np.empty(len(examples.rows))
        for half, values in enumerate(in_threads([partial(predict_half, half) for half in (0, 1)])):
            predicted[codes % 2 == half] = values
        return predicted

    def baseline_scores(self, cutoff: datetime) -> dict[str, np.ndarray]:
        """The score of every customer at *cutoff* by each baseline."""
        return baselines(self.examples[cutoff].features, self.examples[cutoff].credited)

    def baseline_probabilities(self, cutoff: datetime) -> dict[str, np.ndarray]:
        """The baselines' scores at *cutoff* as probabilities of being at the top.

        By isotonic regression (Zadrozny & Elkan 2002) on the cutoffs on which the heads are calibrated.
        """
        history = [
            (self.baseline_scores(earlier), self.held_out_predictions(earlier).at_top)
            for earlier in self._closed_cutoffs(cutoff)[-CALIBRATION_CUTOFFS:]
        ]
        probabilities = {}
        for name, score in self.baseline_scores(cutoff).items():
            past = [(scores[name], at_top) for scores, at_top in history if name in scores]
            if past:
                isotonic = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip")
                isotonic.fit(*(np.concatenate(part).astype(np.float64) for part in zip(*past, strict=True)))
                probabilities[name] = isotonic.predict(score)
        return probabilities

    def calibration(self, moment: datetime) -> Calibration | None:
        """The calibration from the cutoffs closed by *moment* at which heads could be fitted.

        It is None if there are none, or if nobody is credited with anything in their windows.
        """
        closed = self._closed_cutoffs(moment)
        if not any(self.has_credit(cutoff) for cutoff in closed[-CALIBRATION_CUTOFFS:]):
            return None
        return calibrate([self.held_out_predictions(cutoff) for cutoff in closed], self.settings)

    def total_forecast(self, moment: datetime, predicted: np.ndarray) -> TotalForecast:
        """The total of the values *predicted* at *moment*, by the totals of cutoffs closed by then."""
        closed = []
        for cutoff in self._closed_cutoffs(moment):
            held_out = self.held_out_predictions(cutoff)
            closed.append(
                ClosedTotal(cutoff, float(held_out.predicted.sum()), float(held_out.realised.sum()))
            )
        model = self.settings.model
        return forecast_total(
            float(predicted.sum()), closed, self.schedule.horizon, model.interval, model.half_life_horizons
        )

    def _closed_cutoffs(self, moment: datetime) -> list[datetime]:
        return [
            cutoff
            for cutoff in self.schedule.all
            if cutoff + self.schedule.horizon <= moment and self.has_training_labels(cutoff)
        ]


def backtest(backtester: RollingOriginBacktester, business: Sequence[BusinessMetric] = ()) -> Backtest:
    """Evaluate the procedure and every baseline at the evaluation cutoffs, also by a user's own metrics.

    Raises:
        NoCreditError: none of them has credit both to learn from and to be evaluated by.
    """
    cutoffs = backtester.evaluable_cutoffs
    count = f"{len(cutoffs)} cutoff{'s' * (len(cutoffs) != 1)}"
    logger.info(f"evaluating the model and the baselines at {count}", extra=stage("evaluation"))
    *earlier, latest = [_evaluation(backtester, cutoff) for cutoff in cutoffs]
    # two fits of their own, so at one cutoff only
    latest = replace(latest, cross_customer_predictions=backtester.cross_customer_predictions(cutoffs[-1]))
    return evaluate([*earlier, latest], backtester.settings, business)


def _evaluation(backtester: RollingOriginBacktester, cutoff: datetime) -> CutoffEvaluation:
    examples, held_out = backtester.examples[cutoff], backtester.evaluation_predictions(cutoff)
    calibration = backtester.calibration(cutoff)
    probabilities = backtester.baseline_probabilities(cutoff)
    if calibration is not None:
        probabilities[MODEL] = calibration.probability(held_out.log_odds)
    trained_on = backtester.examples[backtester.schedule.training_for(cutoff)[-1]].rows.index
    return CutoffEvaluation(
        f"{cutoff:%Y-%m-%d}",
        examples.rows.index,
        held_out,
        {MODEL: held_out.predicted} | backtester.baseline_scores(cutoff),
        None if calibration is None else calibration.ranges(held_out),
        probabilities,
        dict(slice_masks(examples.features, examples.attributes, ~examples.rows.index.isin(trained_on))),
        total=backtester.total_forecast(cutoff, held_out.predicted),
    )
