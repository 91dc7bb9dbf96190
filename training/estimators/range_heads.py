"""The three heads of a value's range: whether there is any, and a low and a high quantile where there is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
from scipy.special import expit

from ripple.models.value_range import RangeScores, ValueRange, standardised
from ripple.settings import Settings
from ripple.training.estimators.boosting import LabelledExamples, lightgbm_dataset, relative_amounts, train
from ripple.training.estimators.platt import platt

RANGE_PARAMS: dict[str, Any] = {"learning_rate": 0.1}
"""The LightGBM parameters of these heads that differ from those of the others: fewer, larger steps."""
RANGE_TREES = 60
"""The number of trees of each of these heads."""
MIN_ROWS_PER_LEAF = 50
"""The number of rows of a leaf of a quantile head, at least; a fiftieth of its rows if that is less."""
SMOOTHING = 0.3
"""The width of the smooth bend of the quantile loss, in units of the logarithm."""
MIN_HESSIAN = 0.05
"""The least second derivative of the quantile loss, which is flat far from its bend."""
MAX_BANDS = 8
"""The number of bands of predicted value, at most."""
MIN_BAND_ROWS = 50
"""The number of values in a band, at least, that are not zero; there is one band where there are fewer."""
LEVELS = 41
"""The number of levels at which the quantiles of a band are stored."""


@dataclass(frozen=True)
class RangeHeads:
    """Three boosters over the features of the other heads.

    Attributes:
        any: predicts the log-odds that there is any value.
        low, high: predict the logarithm of a quantile of the value where there is any.
        low_level, high_level: the logarithm of the currency that an output of zero of `low` and of `high`
            stands for.
    """

    any: lgb.Booster
    low: lgb.Booster
    high: lgb.Booster
    low_level: float
    high_level: float

    @property
    def boosters(self) -> tuple[lgb.Booster, lgb.Booster, lgb.Booster]:
        """The boosters, in the order of `ripple.models.bundle.RANGE_HEADS`."""
        return self.any, self.low, self.high

    def predict(self, x: np.ndarray) -> RangeScores:
        """The raw output for every row of *x*, quantiles as logarithms of currency."""
        log_odds, low, high = (np.asarray(booster.predict(x, raw_score=True)) for booster in self.boosters)
        return RangeScores(log_odds, low + self.low_level, high + self.high_level)


def fit_range_heads(
    labelled: Sequence[LabelledExamples], data: lgb.Dataset, shared: dict[str, Any], settings: Settings
) -> RangeHeads:
    """Fit the three heads on *labelled*, oldest cutoff first.

    Args:
        data: the binned rows of *labelled*.
        shared: the LightGBM parameters of *data*, monotone constraints included.
    """
    has_value = np.concatenate([value > 0 for _, value in labelled])
    parameters = shared | RANGE_PARAMS
    any_head = train(
        parameters | {"objective": "binary"}, data.set_label(has_value.astype(np.float64)), RANGE_TREES
    )
    positive = [(examples.where(value > 0), value[value > 0]) for examples, value in labelled]
    log_amounts = np.log(relative_amounts(positive, settings)[0])
    parameters["min_data_in_leaf"] = min(MIN_ROWS_PER_LEAF, max(1, len(log_amounts) // MIN_ROWS_PER_LEAF))
    positive_data = lightgbm_dataset(positive, parameters, settings).construct()
    has_features = any(positive_data.feature_num_bin(i) > 1 for i in range(positive_data.num_feature()))
    level, tail = np.log(positive[-1][1].mean()), (1 - settings.model.interval) / 2

    def quantile_head(alpha: float) -> tuple[lgb.Booster, float]:
        start = np.quantile(log_amounts, alpha)
        positive_data.set_label(log_amounts - start)
        head = parameters | {"objective": smooth_pinball(alpha)}
        if not has_features:  # of which there is nothing to constrain, and LightGBM takes no loss of ours
            head |= {"objective": "quantile", "alpha": alpha, "monotone_constraints": None}
        return train(head, positive_data, RANGE_TREES), float(level + start)

    (low, low_level), (high, high_level) = quantile_head(tail), quantile_head(1 - tail)
    return RangeHeads(any_head, low, high, low_level, high_level)


def smooth_pinball(alpha: float) -> Callable[[np.ndarray, lgb.Dataset], tuple[np.ndarray, np.ndarray]]:
    """The quantile loss at level *alpha* with a smooth bend, as LightGBM takes it.

    LightGBM's own has no second derivative and takes no monotone constraints; this one does (Zheng 2011,
    "Gradient descent algorithms for quantile regression with smooth approximation").
    """

    def derivatives(predicted: np.ndarray, data: lgb.Dataset) -> tuple[np.ndarray, np.ndarray]:
        weights = data.get_weight()
        weights = np.ones(len(predicted)) if weights is None else weights
        above = expit((predicted - data.get_label()) / SMOOTHING)
        hessian = np.maximum(above * (1 - above) / SMOOTHING, MIN_HESSIAN)
        return weights * (above - alpha), weights * hessian

    return derivatives


def calibrate_range(
    predicted: np.ndarray,
    scores: RangeScores,
    realised: np.ndarray,
    coverage: float,
) -> ValueRange:
    """Calibrate on held-out predictions at closed cutoffs, one entry per customer and cutoff.

    Args:
        predicted: the predicted value in currency.
        realised: the realised value in currency; some of it is not zero.
    """
    positive = realised > 0
    slope, intercept = platt(scores.log_odds, positive)
    residuals = standardised(np.log(realised[positive]), RangeScores(*(part[positive] for part in scores)))
    bands = int(np.clip(len(residuals) // MIN_BAND_ROWS, 1, MAX_BANDS))
    # edges are predictions themselves, so that no band is empty
    edges = np.unique(np.quantile(predicted[positive], np.arange(1, bands) / bands, method="higher"))
    edges = edges[edges > predicted[positive].min()]
    band = edges.searchsorted(predicted[positive], side="right")
    levels = np.linspace(0, 1, LEVELS)
    quantiles = [tuple(np.quantile(residuals[band == i], levels).tolist()) for i in range(len(edges) + 1)]
    return ValueRange(coverage, slope, intercept, tuple(edges.tolist()), tuple(quantiles))
