"""A linear model of amounts, which learns more steadily than trees from the same few customers."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import TweedieRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from threadpoolctl import threadpool_limits

RIDGE_PENALTY = 0.1
"""The factor of the squared coefficients in what is minimised."""
MAX_STANDARD_DEVIATIONS = 12.0
"""The distance from the mean at which standardised features are clipped."""


def fit(x: np.ndarray, amounts: np.ndarray, weights: np.ndarray, power: float) -> Pipeline:
    """A Tweedie regression with log link and ridge penalty on the signed logarithms of features.

    Undefined values stand at the median and have an indicator of their own.

    Args:
        x: rows × features.
        amounts: the target of each row, at least 0 and on average about 1.
        weights: the sample weight of each row.
        power: the power of the variance (`Model.tweedie_power`).
    """
    model = make_pipeline(
        FunctionTransformer(_signed_log),
        SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
        StandardScaler(),
        FunctionTransformer(
            np.clip, kw_args={"a_min": -MAX_STANDARD_DEVIATIONS, "a_max": MAX_STANDARD_DEVIATIONS}
        ),
        TweedieRegressor(power=power, alpha=RIDGE_PENALTY, link="log", solver="newton-cholesky"),
    )
    # sums of several threads differ in their last bits from run to run
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # what it came to by then serves as well
        return model.fit(x, amounts, tweedieregressor__sample_weight=weights)


def predict_log(model: Pipeline, x: np.ndarray) -> np.ndarray:
    """The logarithm of the amount that *model* predicts for each row."""
    regressor = model[-1]
    with threadpool_limits(1):
        return np.asarray(model[:-1].transform(x) @ regressor.coef_ + regressor.intercept_)


def _signed_log(x: np.ndarray) -> np.ndarray:
    return np.sign(x) * np.log1p(np.abs(x))
