"""Direct value: what customers will spend themselves, over the horizon and over a lifetime.

It has a head of its own (`estimators.direct_value_head`), evaluated in the same rolling backtest as the other
two, against BG/NBD with Gamma–Gamma alone, the usual model of repeat purchases, and against the simplest
baseline there is: a customer will spend what they spent in the period before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

import numpy as np
import pandas as pd

from ripple.features.dataset import Dataset
from ripple.features.expressions import sum_or_zero
from ripple.settings import Lifetime
from ripple.training.estimators.direct_value_head import DirectValueHead, fit_direct_value
from ripple.training.estimators.in_threads import in_threads
from ripple.training.evaluation import metrics
from ripple.training.evaluation.backtest import RollingOriginBacktester
from ripple.training.evaluation.bootstrap import customer_count, estimate_with_bounds, ranked_cutoffs
from ripple.training.evaluation.prediction_table import CUTOFF
from ripple.training.examples.examples import frame
from ripple.training.examples.purchase_histories import purchase_history
from ripple.training.examples.targets import direct_value_target

PREDICTED, PROCESS, LAST_PERIOD = "predicted", "purchase_process", "last_period"
"""The columns of the predictions by the head, by BG/NBD with Gamma–Gamma alone, and of what was spent in the
period before."""
RANKINGS = (PREDICTED, PROCESS, LAST_PERIOD)


@dataclass(frozen=True)
class DirectValue:
    """The expected spend of customers, and the evaluation of such predictions.

    Attributes:
        expected: over the horizon from the end of the data, in currency, by customer_id.
        predictions: one row per evaluation cutoff and customer, in the order of `out_of_sample`: `cutoff`,
            `customer_id`, `predicted`, `purchase_process` (0 where it is undefined), `last_period` (spent in
            the horizon before the cutoff), `realised`.
        metrics: one row per cutoff and column of predictions, `ranking`, with the metrics of
            `ripple.training.evaluation.metrics.ranking` at `share`, and `total`, predicted ÷ realised.
        lead: capture of the head minus that of `last_period`, pooled, with its 95 % interval over customers.
        share: of the customers who are the top.
        lifetime: expected spend over the horizon of lifetime value, discounted, in currency, by customer_id.
        lifetime_metrics: the same as `metrics`, of undiscounted spend from a cutoff to the end of the data,
            for cutoffs after which there are more than the `days` of one horizon; the baseline is the last
            period continued.
    """

    expected: pd.Series
    predictions: pd.DataFrame
    metrics: pd.DataFrame
    lead: tuple[float, float, float]
    share: float
    lifetime: pd.Series
    lifetime_metrics: pd.DataFrame = field(default_factory=pd.DataFrame)


def direct_value(
    backtester: RollingOriginBacktester,
    dataset: Dataset,
    cutoffs: Sequence[datetime],
    current: pd.DataFrame,
    end: datetime,
) -> DirectValue:
    """Predict direct value at the evaluation *cutoffs* and, from *current* features, at the *end*.

    Args:
        backtester: examples, cutoffs and settings.
        dataset: the open dataset.
        cutoffs: oldest first; at each, the head is fitted to what had closed by then.
        current: features of every customer at the end of the data, indexed by customer_id.
        end: the end of the data.
    """
    return _Forecaster(backtester, dataset, end).direct_value(cutoffs, current)


@dataclass
class _Forecaster:
    """Fits heads as of any moment, and keeps the purchase histories that it has read."""

    backtester: RollingOriginBacktester
    dataset: Dataset
    end: datetime
    _histories: dict[datetime, pd.DataFrame] = field(default_factory=dict)

    def direct_value(self, cutoffs: Sequence[datetime], current: pd.DataFrame) -> DirectValue:
        settings = self.backtester.settings
        share, moments = settings.plays.direct_share, [self.end, *cutoffs]
        for moment in moments:  # before the fits, as one connection serves one thread
            for known in (moment, *self.backtester.schedule.training_for(moment)):
                self._history(known)
        head, *earlier = in_threads([partial(self._head, moment) for moment in moments])
        heads = dict(zip(cutoffs, earlier, strict=True))
        predictions = pd.concat([self._predictions(cutoff, head) for cutoff, head in heads.items()])
        predictions = predictions.reset_index(drop=True)
        ranked = ranked_cutoffs(predictions, [PREDICTED, LAST_PERIOD], share)
        lead = estimate_with_bounds(
            lambda counts: float(np.mean([-np.diff(cutoff.captures(counts))[0] for cutoff in ranked])),
            customer_count(ranked),
            settings.seed,
        )
        expected = self._expected(head, current, self.end)
        long = [self._long_metrics(cutoff, head, predictions, share) for cutoff, head in heads.items()]
        return DirectValue(
            pd.Series(expected, current.index),
            predictions,
            pd.concat([_metrics(rows, share) for _, rows in predictions.groupby(CUTOFF, sort=True)]),
            lead,
            share,
            pd.Series(
                self._lifetime(head, expected, current.index, self.end, settings.lifetime), current.index
            ),
            pd.concat(long),
        )

    def _history(self, moment: datetime) -> pd.DataFrame:
        if moment not in self._histories:
            self._histories[moment] = purchase_history(self.dataset, moment)
        return self._histories[moment]

    def _head(self, moment: datetime) -> DirectValueHead | None:
        closed = self.backtester.schedule.training_for(moment)
        examples = [self.backtester.examples[cutoff] for cutoff in closed]
        histories = {cutoff: self._history(cutoff) for cutoff in closed}
        return fit_direct_value(examples, histories, self._history(moment), self.backtester.settings)

    def _expected(self, head: DirectValueHead | None, features: pd.DataFrame, moment: datetime) -> np.ndarray:
        if head is None:
            return np.zeros(len(features))
        return head.predict_value(features, self._history(moment))

    def _lifetime(
        self,
        head: DirectValueHead | None,
        near: np.ndarray,
        index: pd.Index,
        moment: datetime,
        lifetime: Lifetime,
    ) -> np.ndarray:
        return near if head is None else head.lifetime_spend(near, index, self._history(moment), lifetime)

    def _spent(self, start: datetime, end: datetime, index: pd.Index, known: datetime) -> np.ndarray:
        """Spend of each customer in (start, end], by what was known before *known*."""
        orders = self.dataset.tables.before(known).orders_in(start, end)
        spent = frame(orders.group_by("customer_id").aggregate(direct_value=sum_or_zero(orders.revenue)))
        return direct_value_target(spent.reindex(index).fillna(0.0))

    def _predictions(self, cutoff: datetime, head: DirectValueHead | None) -> pd.DataFrame:
        examples, horizon = self.backtester.examples[cutoff], self.backtester.schedule.horizon
        index = examples.rows.index
        by_process = pd.Series(0.0, index)
        if head is not None and head.process is not None:
            spend = head.process.expected_spend(self._history(cutoff), horizon.days)
            by_process = spend.reindex(index).fillna(0.0)
        return pd.DataFrame(
            {
                CUTOFF: pd.Timestamp(cutoff),
                "customer_id": index.to_numpy(),
                PREDICTED: self._expected(head, examples.features, cutoff),
                PROCESS: by_process.to_numpy(),
                LAST_PERIOD: self._spent(cutoff - horizon, cutoff, index, cutoff),
                "realised": direct_value_target(examples.realised),
            }
        )

    def _long_metrics(
        self, cutoff: datetime, head: DirectValueHead | None, predictions: pd.DataFrame, share: float
    ) -> pd.DataFrame:
        horizon, lifetime = self.backtester.schedule.horizon, self.backtester.settings.lifetime
        days = min((self.end - cutoff).days, lifetime.horizon_days)
        if days <= horizon.days:
            return pd.DataFrame()
        rows = predictions[predictions[CUTOFF] == cutoff].set_index("customer_id")
        undiscounted = Lifetime(horizon_days=days, discount_rate=0.0)
        long = {
            CUTOFF: pd.Timestamp(cutoff),
            "realised": self._spent(cutoff, cutoff + timedelta(days=days), rows.index, datetime.max),
            PREDICTED: self._lifetime(head, rows[PREDICTED].to_numpy(), rows.index, cutoff, undiscounted),
            LAST_PERIOD: rows[LAST_PERIOD].to_numpy() * days / horizon.days,
        }
        if head is not None and head.process is not None:
            spend = head.process.expected_spend(self._history(cutoff), days)
            long[PROCESS] = spend.reindex(rows.index).fillna(0.0).to_numpy()
        return _metrics(pd.DataFrame(long), share).assign(days=days)


def _metrics(predictions: pd.DataFrame, share: float) -> pd.DataFrame:
    """The metrics of each ranking of *predictions*, which are of one cutoff."""
    realised = predictions["realised"].to_numpy()
    return pd.DataFrame(
        {
            CUTOFF: predictions[CUTOFF].iloc[0],
            "ranking": name,
            "total": metrics.ratio(float(predictions[name].sum()), float(realised.sum())),
            **metrics.ranking(predictions[name].to_numpy(), realised, share),
        }
        for name in RANKINGS
        if name in predictions and (name != PROCESS or predictions[name].any())
    )
