"""Direct value: what customers will spend themselves, predicted by a head of its own.

The usual model of repeat purchases, BG/NBD with Gamma–Gamma (Fader, Hardie & Lee 2005), uses only the times
and amounts of a customer's orders. This head learns from the same rows of features as the other two, at the
cost of one more booster, and is evaluated in the same rolling backtest as the simplest baseline there is:
a customer will spend what they spent in the period before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import lightgbm as lgb
import numpy as np
import pandas as pd

from ripple.features.dataset import Dataset
from ripple.features.expressions import sum_or_zero
from ripple.settings import Settings
from ripple.training.estimators.boosting import (
    lightgbm_dataset,
    lightgbm_parameters,
    train,
    tweedie_objective,
)
from ripple.training.evaluation import metrics
from ripple.training.evaluation.backtest import RollingOriginBacktester
from ripple.training.evaluation.bootstrap import customer_count, estimate_with_bounds, ranked_cutoffs
from ripple.training.evaluation.prediction_table import CUTOFF
from ripple.training.examples.examples import Examples, frame
from ripple.training.examples.targets import direct_value_target

PREDICTED, LAST_PERIOD = "predicted", "last_period"
"""The columns of the predictions by the head, and of what was spent in the period before."""


@dataclass(frozen=True)
class DirectValueHead:
    """A booster with a log link, and the currency per unit of its output."""

    booster: lgb.Booster
    scale: float

    def predict_value(self, features: pd.DataFrame) -> np.ndarray:
        """Expected spend over the horizon of every row, in currency."""
        x = features[self.booster.feature_name()].to_numpy(np.float64)
        return self.scale * np.asarray(self.booster.predict(x))


@dataclass(frozen=True)
class DirectValue:
    """The expected spend of customers, and the evaluation of such predictions.

    Attributes:
        expected: over the horizon from the end of the data, in currency, by customer_id.
        predictions: one row per evaluation cutoff and customer, in the order of `out_of_sample`: `cutoff`,
            `customer_id`, `predicted`, `last_period` (spent in the horizon before the cutoff), `realised`.
        metrics: one row per cutoff for the head and one for the baseline, `ranking`, with the metrics of
            `ripple.training.evaluation.metrics.ranking` at `share`, and `total`, predicted ÷ realised.
        lead: capture of the head minus that of the baseline, pooled, with its 95 % interval over customers.
        share: of the customers who are the top.
    """

    expected: pd.Series
    predictions: pd.DataFrame
    metrics: pd.DataFrame
    lead: tuple[float, float, float]
    share: float


def fit_direct_value(examples: Sequence[Examples], settings: Settings) -> DirectValueHead | None:
    """The head fitted on all rows of *examples*, oldest cutoff first; None if nobody spent anything."""
    labelled = [(one, direct_value_target(one.labels)) for one in examples]
    labelled = [(one, amounts) for one, amounts in labelled if amounts.sum() > 0]
    if not labelled:
        return None
    shared = lightgbm_parameters(settings, sum(len(one.rows) for one, _ in labelled))
    data = lightgbm_dataset(labelled, shared, settings)
    booster = train(tweedie_objective(settings) | shared, data, settings.model.trees)
    return DirectValueHead(booster, float(labelled[-1][1].mean()))


def direct_value(
    backtester: RollingOriginBacktester, dataset: Dataset, cutoffs: Sequence[datetime], current: pd.DataFrame
) -> DirectValue:
    """Predict direct value at the evaluation *cutoffs* and, from *current* features, at the end of the data.

    Args:
        cutoffs: oldest first; at each, the head is fitted to what had closed by then.
        current: features of every customer at the end of the data, indexed by customer_id.
    """
    settings = backtester.settings
    predictions = pd.concat(
        [_predictions_at(backtester, dataset, cutoff) for cutoff in cutoffs], ignore_index=True
    )
    share = settings.plays.direct_share
    ranked = ranked_cutoffs(predictions, [PREDICTED, LAST_PERIOD], share)
    lead = estimate_with_bounds(
        lambda counts: float(np.mean([-np.diff(cutoff.captures(counts))[0] for cutoff in ranked])),
        customer_count(ranked),
        settings.seed,
    )
    expected = _predict(backtester, datetime.max, current)
    return DirectValue(
        pd.Series(expected, current.index), predictions, _metrics(predictions, share), lead, share
    )


def _predict(backtester: RollingOriginBacktester, moment: datetime, features: pd.DataFrame) -> np.ndarray:
    training = [backtester.examples[cutoff] for cutoff in backtester.schedule.training_for(moment)]
    head = fit_direct_value(training, backtester.settings)
    return np.zeros(len(features)) if head is None else head.predict_value(features)


def _predictions_at(backtester: RollingOriginBacktester, dataset: Dataset, cutoff: datetime) -> pd.DataFrame:
    examples = backtester.examples[cutoff]
    orders = dataset.tables.before(cutoff).orders_in(cutoff - backtester.schedule.horizon, cutoff)
    spent = frame(orders.group_by("customer_id").aggregate(direct_value=sum_or_zero(orders.revenue)))
    index = examples.rows.index
    return pd.DataFrame(
        {
            CUTOFF: pd.Timestamp(cutoff),
            "customer_id": index.to_numpy(),
            PREDICTED: _predict(backtester, cutoff, examples.features),
            LAST_PERIOD: direct_value_target(spent.reindex(index).fillna(0.0)),
            "realised": direct_value_target(examples.realised),
        }
    )


def _metrics(predictions: pd.DataFrame, share: float) -> pd.DataFrame:
    rows = []
    for cutoff, one in predictions.groupby(CUTOFF, sort=True):
        realised = one["realised"].to_numpy()
        for name in (PREDICTED, LAST_PERIOD):
            score = one[name].to_numpy()
            total = float(score.sum() / realised.sum()) if realised.sum() > 0 else np.nan
            row = metrics.ranking(score, realised, share)
            rows.append({CUTOFF: cutoff, "ranking": name, "total": total, **row})
    return pd.DataFrame(rows)
