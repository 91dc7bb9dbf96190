"""The head of direct value: trees and BG/NBD with Gamma–Gamma, joined in a geometric mean.

The trees learn from the same features as the other heads and from what the purchase process expects. The
level is that of the process, which knows that customers leave, times how far that was off in closed windows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import lightgbm as lgb
import numpy as np
import pandas as pd

from ripple.settings import Lifetime, Settings
from ripple.training.estimators.boosting import (
    LabelledExamples,
    lightgbm_dataset,
    lightgbm_parameters,
    train,
    tweedie_objective,
)
from ripple.training.estimators.purchase_process import PurchaseProcess, fit_purchase_process
from ripple.training.examples.examples import Examples
from ripple.training.examples.targets import direct_value_target

PROCESS_WEIGHT = 0.3
"""The weight of the purchase process in the geometric mean with the trees.

Chosen in closed windows of CDNOW, where .2 to .5 do about as well.
"""
MIN_DEVIATION = 0.2
"""The least standard deviation, on the log scale, that totals of one window are taken to have around a level
that stays the same: a season moves them as much."""
DAYS_PER_YEAR = 365.25


@dataclass(frozen=True)
class DirectValueHead:
    """Trees, and the purchase process if there are enough repeat buyers to fit one.

    Attributes:
        trees: a booster with log link, whose columns are features and forecasts of the process.
        process: None where there are too few repeat buyers; the trees then predict alone.
        level: mean spend of a customer in the latest closed window, in currency: the level without a process.
        correction: factor by which realised totals are expected to differ from those of the process.
        horizon_days: days ahead that are predicted.
    """

    trees: lgb.Booster
    process: PurchaseProcess | None
    level: float
    correction: float
    horizon_days: int

    def predict_value(self, features: pd.DataFrame, history: pd.DataFrame) -> np.ndarray:
        """Expected spend of all customers of one moment over the horizon, in currency.

        Args:
            features: one row per customer.
            history: their purchases up to the same moment; see `training.examples.purchase_histories`.
        """
        if self.process is None:
            relative = self._trees(features)
            return self.level * relative
        forecast = self.process.forecast(history, self.horizon_days).reindex(features.index)
        relative, spend = self._trees(features.join(forecast)), forecast["expected_spend"].to_numpy()
        known = np.isfinite(spend)
        joined = relative.copy()
        if known.any():
            # both as multiples of the mean of those whose process is known, so that neither sets the level
            by_trees, by_process = (part[known] / part[known].mean() for part in (relative, spend))
            joined[known] = by_trees ** (1 - PROCESS_WEIGHT) * by_process**PROCESS_WEIGHT
            joined[known] *= relative[known].sum() / joined[known].sum()
        return joined * self.correction * np.nansum(spend) / joined.sum()

    def lifetime_spend(
        self, near: np.ndarray, index: pd.Index, history: pd.DataFrame, lifetime: Lifetime
    ) -> np.ndarray:
        """Expected spend over the horizon of *lifetime*, in currency, discounted to today.

        Later spend is to that of the first horizon, which is *near* for the customers of *index*, as the
        process expects it. Without a process only the first horizon counts.
        """
        edges = [*range(0, lifetime.horizon_days, self.horizon_days), lifetime.horizon_days]
        middles = np.add(edges[1:], edges[:-1]) / 2
        discount = (1 + lifetime.discount_rate) ** -(middles / DAYS_PER_YEAR)
        if self.process is None:
            return near * discount[0] * min(1.0, edges[1] / self.horizon_days)
        totals = {
            days: self.process.expected_spend(history, days).reindex(index).to_numpy()
            for days in {*edges[1:], self.horizon_days}
        }
        cumulative = np.array([np.zeros(len(index)), *(totals[days] for days in edges[1:])])
        discounted = discount @ np.diff(cumulative, axis=0)
        first = totals[self.horizon_days]
        # customers whose process is unknown are taken to go on like all others together
        known = np.isfinite(discounted) & np.isfinite(first)
        overall = discounted[known].sum() / first[known].sum() if known.any() else discount[0]
        return near * np.where(known, discounted / np.where(known, first, 1.0), overall)

    def _trees(self, features: pd.DataFrame) -> np.ndarray:
        x = features[self.trees.feature_name()].to_numpy(np.float64)
        return np.asarray(self.trees.predict(x))


def fit_direct_value(
    examples: Sequence[Examples],
    histories: Mapping[datetime, pd.DataFrame],
    known: pd.DataFrame,
    settings: Settings,
) -> DirectValueHead | None:
    """The head fitted on all rows of *examples*, oldest cutoff first; None if nobody spent anything.

    Args:
        histories: the purchases of every customer before the cutoff of each of *examples*.
        known: the same at the moment for which the head is fitted; the process is fitted to it.
    """
    labelled = [(one, direct_value_target(one.labels)) for one in examples]
    labelled = [(one, amounts) for one, amounts in labelled if amounts.sum() > 0]
    if not labelled:
        return None
    level, correction = float(labelled[-1][1].mean()), 1.0
    process = fit_purchase_process(known)
    if process is not None:
        forecasts = [process.forecast(histories[one.cutoff], settings.horizon_days) for one, _ in labelled]
        correction = level_correction(
            [one.cutoff for one, _ in labelled],
            [
                math.log(amounts.sum() / forecast["expected_spend"].sum())
                for (_, amounts), forecast in zip(labelled, forecasts, strict=True)
                if forecast["expected_spend"].sum() > 0
            ],
            timedelta(days=settings.horizon_days),
        )
        labelled = [
            (replace(one, rows=one.rows.with_columns(forecast)), amounts)
            for (one, amounts), forecast in zip(labelled, forecasts, strict=True)
        ]
    return DirectValueHead(_fit_trees(labelled, settings), process, level, correction, settings.horizon_days)


def _fit_trees(labelled: Sequence[LabelledExamples], settings: Settings) -> lgb.Booster:
    # habits of buying change slowly: every closed window counts alike
    steady = settings.model.model_copy(update={"half_life_horizons": math.inf})
    settings = settings.model_copy(update={"model": steady})
    shared = lightgbm_parameters(settings, sum(len(one.rows) for one, _ in labelled))
    data = lightgbm_dataset(labelled, shared, settings)
    return train(tweedie_objective(settings) | shared, data, settings.model.trees)


def level_correction(cutoffs: Sequence[datetime], log_ratios: Sequence[float], horizon: timedelta) -> float:
    """The factor between realised and expected totals that may be expected of the next window.

    It is the mean of the *log_ratios*, realised ÷ expected at closed *cutoffs*, shrunk to no correction by
    how far it may be chance (the positive-part estimator of James & Stein 1961). Windows that overlap count
    in part.
    """
    if not log_ratios:
        return 1.0
    windows = min(len(log_ratios), (cutoffs[-1] - cutoffs[0] + horizon) / horizon)
    mean = float(np.mean(log_ratios))
    deviation = max(MIN_DEVIATION, float(np.std(log_ratios)))
    return math.exp(mean * max(0.0, 1 - deviation**2 / (windows * mean**2))) if mean else 1.0
