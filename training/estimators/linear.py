"""A linear model of amounts, which the same few customers teach more steadily than trees."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import TweedieRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from threadpoolctl import threadpool_limits

RIDGE = 0.1
FAR = 12.0
"""Standard deviations beyond which a feature says no more."""


def fit(rows: np.ndarray, amount: np.ndarray, weight: np.ndarray, power: float) -> Pipeline:
    """A Tweedie regression with log link and ridge penalty on the logarithms of features.

    Undefined values stand at the median and have an indicator of their own.

    Args:
        rows: rows × features.
        amount: of each row, at least 0 and on average about 1.
        power: of the variance (`Model.tweedie_power`).
    """
    model = make_pipeline(
        FunctionTransformer(_logarithm),
        SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
        StandardScaler(),
        FunctionTransformer(np.clip, kw_args={"a_min": -FAR, "a_max": FAR}),
        TweedieRegressor(power=power, alpha=RIDGE, link="log", solver="newton-cholesky"),
    )
    # sums of several threads differ in their last bits from run to run
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # what it came to by then serves as well
        return model.fit(rows, amount, tweedieregressor__sample_weight=weight)


def logarithm(model: Pipeline, rows: np.ndarray) -> np.ndarray:
    """Of the amount that *model* expects of each row."""
    last = model[-1]
    with threadpool_limits(1):
        return np.asarray(model[:-1].transform(rows) @ last.coef_ + last.intercept_)


def _logarithm(x: np.ndarray) -> np.ndarray:
    return np.sign(x) * np.log1p(np.abs(x))
