"""Direct value: what customers will spend themselves, foreseen by a head of its own and judged like the rest.

The usual model of repeat purchases, BG/NBD with Gamma–Gamma (Fader, Hardie & Lee 2005), knows of a customer
only when and for how much they ordered. This head learns from the same rows of features as the other two, at
the cost of one more booster, and is judged in the same rolling backtest beside the simplest rule there is:
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
from ripple.training.estimators.heads import binned, parameters, train, tweedie
from ripple.training.evaluation import bootstrap, metrics
from ripple.training.evaluation.backtest import RollingOriginBacktester
from ripple.training.evaluation.out_of_sample import CUTOFF
from ripple.training.examples.examples import Examples, frame

MODEL, RULE = "predicted", "last_period"
"""Columns of the predictions: the head's, and what was spent in the period before."""


@dataclass(frozen=True)
class DirectHead:
    """A booster with a log link, and the currency per unit of its output."""

    booster: lgb.Booster
    scale: float

    def predict_value(self, features: pd.DataFrame) -> np.ndarray:
        """Expected spend over the horizon of every row, in currency."""
        x = features[self.booster.feature_name()].to_numpy(np.float64)
        return self.scale * np.asarray(self.booster.predict(x))


@dataclass(frozen=True)
class Direct:
    """What customers are expected to spend, and how such forecasts have done.

    Attributes:
        expected: over the horizon from the end of the data, in currency, by customer_id.
        predictions: one row per judged cutoff and customer, in the order of `out_of_sample`: `cutoff`,
            `customer_id`, `predicted`, `last_period` (spent in the horizon before the cutoff), `realised`.
        judged: one row per cutoff for the head and one for the rule, `ranking`, with the metrics of
            `ripple.training.evaluation.metrics.ranking` at `share`, and `total`, predicted ÷ realised.
        lead: capture of the head less that of the rule, pooled, with its 95 % interval over customers.
    """

    expected: pd.Series
    predictions: pd.DataFrame
    judged: pd.DataFrame
    lead: tuple[float, float, float]
    share: float


def fit_direct(examples: Sequence[Examples], settings: Settings) -> DirectHead | None:
    """The head fitted on all rows of *examples*, oldest cutoff first; None if nobody spent anything."""
    pairs = [(one, spent(one.labels)) for one in examples]
    pairs = [(one, value) for one, value in pairs if value.sum() > 0]
    if not pairs:
        return None
    shared = parameters(settings, sum(len(one.rows) for one, _ in pairs))
    booster = train(tweedie(settings) | shared, binned(pairs, shared, settings), settings.model.trees)
    return DirectHead(booster, float(pairs[-1][1].mean()))


def spent(labels: pd.DataFrame) -> np.ndarray:
    """Direct value in *labels*; more refunded than bought counts as nothing."""
    return np.maximum(labels["direct_value"].to_numpy(np.float64), 0.0)


def direct(
    backtester: RollingOriginBacktester, dataset: Dataset, cutoffs: Sequence[datetime], current: pd.DataFrame
) -> Direct:
    """Foresee direct value at the judged *cutoffs* and, from *current* features, at the end of the data.

    Args:
        cutoffs: oldest first; at each, the head is taught by what had closed by then.
        current: features of every customer at the end of the data, indexed by customer_id.
    """
    settings = backtester.settings
    found = pd.concat([_at(backtester, dataset, cutoff) for cutoff in cutoffs], ignore_index=True)
    share = settings.plays.direct_share
    places = bootstrap.ranked(found, [MODEL, RULE], share)
    lead = bootstrap.with_interval(
        places,
        settings.seed,
        lambda drawn: float(np.mean([-np.diff(place.captures(drawn))[0] for place in places])),
    )
    expected = _foreseen(backtester, datetime.max, current)
    return Direct(pd.Series(expected, current.index), found, _judged(found, share), lead, share)


def _foreseen(backtester: RollingOriginBacktester, moment: datetime, features: pd.DataFrame) -> np.ndarray:
    teachers = [backtester.examples[cutoff] for cutoff in backtester.schedule.training_for(moment)]
    head = fit_direct(teachers, backtester.settings)
    return np.zeros(len(features)) if head is None else head.predict_value(features)


def _at(backtester: RollingOriginBacktester, dataset: Dataset, cutoff: datetime) -> pd.DataFrame:
    asked = backtester.examples[cutoff]
    inside = dataset.tables.before(cutoff).orders_in(cutoff - backtester.schedule.horizon, cutoff)
    before = frame(inside.group_by("customer_id").aggregate(direct_value=sum_or_zero(inside.revenue)))
    index = asked.rows.index
    return pd.DataFrame(
        {
            CUTOFF: pd.Timestamp(cutoff),
            "customer_id": index.to_numpy(),
            MODEL: _foreseen(backtester, cutoff, asked.features),
            RULE: spent(before.reindex(index).fillna(0.0)),
            "realised": spent(asked.realised),
        }
    )


def _judged(found: pd.DataFrame, share: float) -> pd.DataFrame:
    rows = []
    for cutoff, one in found.groupby(CUTOFF, sort=True):
        value = one["realised"].to_numpy()
        for name in (MODEL, RULE):
            score = one[name].to_numpy()
            total = float(score.sum() / value.sum()) if value.sum() > 0 else np.nan
            row = metrics.ranking(score, value, share)
            rows.append({CUTOFF: cutoff, "ranking": name, "total": total, **row})
    return pd.DataFrame(rows)
