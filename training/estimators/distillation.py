"""Distillation: student trees that learn the mean of what trees and a linear model predict.

The two teachers err in different ways, so their mean errs less than either. What it teaches is free of noise:
the student may be larger than its teachers, and may also learn from the rows that are to be predicted
(Buciluă, Caruana & Niculescu-Mizil 2006). Being trees, the student is explained exactly by SHAP values and
keeps monotone constraints.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import lightgbm as lgb
import numpy as np

from ripple.settings import Settings
from ripple.training.estimators import linear
from ripple.training.estimators.boosting import LabelledExamples, relative_amounts, train
from ripple.training.examples.feature_sequence import Rows

LINEAR_WEIGHT = 0.4
"""The weight of the linear model in the mean of the teachers.

More of it serves data with strong influence, less of it data with a weak one.
"""
MAX_TEACHER_ROWS = 100_000
"""The number of training rows, and of inference rows, that the student is taught on at most."""
STUDENT_PARAMS: dict[str, Any] = {
    "objective": "regression",
    "learning_rate": 0.3,
    "num_leaves": 8,
    "max_depth": 5,
    "min_data_in_leaf": 10,
    "bagging_fraction": 1.0,
    "bagging_freq": 0,
    "feature_fraction": 1.0,
    "lambda_l2": 0.0,
    "extra_trees": False,
}
"""The LightGBM parameters of the student, which fits closely because its targets have no noise."""
MAX_TREES = 200
"""The number of trees of the student, at most: further ones follow the teachers more closely, and predict as
well."""
MAX_LOG_WEIGHT = 6.0
"""The bound on the absolute log-prediction that a row's weight grows with."""


def distil(
    trees: lgb.Booster,
    labelled: Sequence[LabelledExamples],
    inference_rows: Rows | None,
    shared: dict[str, Any],
    settings: Settings,
) -> tuple[lgb.Booster, float]:
    """The student of *trees* and of a linear model that is fitted here.

    Args:
        trees: the teacher that is a booster with log link, fitted to *labelled*.
        labelled: the training examples, oldest cutoff first.
        inference_rows: the rows that are to be predicted, where they are known.
        shared: the parameters of *trees*, which `STUDENT_PARAMS` override.

    Returns:
        The student, which predicts the logarithm of the geometric mean of its teachers, and its weighted mean
        prediction on the training rows.
    """
    stride = _stride(sum(len(amounts) for _, amounts in labelled))
    x = np.concatenate([examples.rows[::stride] for examples, _ in labelled])
    amounts, weights = relative_amounts(labelled, settings, stride)
    model = linear.fit(x, amounts, weights, settings.model.tweedie_power)
    teaching_rows = x
    if inference_rows is not None:
        new = inference_rows[:: _stride(len(inference_rows))]
        # a feature that was never known before says nothing but when it became known
        teaching_rows = np.concatenate((x, np.where(np.isnan(x).all(axis=0), np.nan, new)))
    targets = (1 - LINEAR_WEIGHT) * np.asarray(trees.predict(teaching_rows, raw_score=True))
    targets += LINEAR_WEIGHT * linear.predict_log(model, teaching_rows)
    parameters = student_parameters(shared)
    targets = np.round(targets, 6)  # what machines differ by shall not show
    data = lgb.Dataset(
        teaching_rows,
        targets,
        # so that the order at the top, where amounts are large, is kept
        weight=np.exp(np.clip(targets, -MAX_LOG_WEIGHT, MAX_LOG_WEIGHT) / 2),
        feature_name=labelled[0][0].rows.names,
        params=parameters,
    )
    student = train(parameters, data, student_trees(settings))
    return student, float(np.average(np.exp(student.predict(x, raw_score=True)), weights=weights))


def student_parameters(shared: dict[str, Any]) -> dict[str, Any]:
    """The LightGBM parameters of the student of trees with the parameters *shared*."""
    min_rows = min(shared["min_data_in_leaf"], STUDENT_PARAMS["min_data_in_leaf"])
    return shared | STUDENT_PARAMS | {"min_data_in_leaf": min_rows}


def student_trees(settings: Settings) -> int:
    """The number of trees of the student."""
    return min(settings.model.trees, MAX_TREES)


def _stride(rows: int) -> int:
    """The step at which rows are drawn evenly, so that at most `MAX_TEACHER_ROWS` of *rows* remain."""
    return max(1, -(-rows // MAX_TEACHER_ROWS))
