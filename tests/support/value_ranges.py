"""Heads of a range for a bundle that a test makes up."""

from __future__ import annotations

from dataclasses import replace

import lightgbm as lgb
import numpy as np

from ripple.models import Bundle
from ripple.models.value_range import ValueRange

VALUE_RANGE = ValueRange(
    0.8,
    slope=0.9,
    intercept=0.2,
    edges=(50.0, 200.0),
    quantiles=((-1.0, 0.1, 0.4, 1.2, 2.0), (-0.5, 0.2, 0.5, 0.9, 1.5), (-0.3, 0.0, 0.5, 1.0, 1.2)),
)


def with_ranges(bundle: Bundle, x: np.ndarray, value: np.ndarray) -> Bundle:
    """*bundle* with heads of a range that are fitted to *value*; where it is low, it counts as none."""
    names = bundle.spec.names
    positive = value > np.quantile(value, 0.3)

    def booster(rows: np.ndarray, target: np.ndarray, **parameters: object) -> lgb.Booster:
        data = lgb.Dataset(rows, target, feature_name=names)
        size = {"num_leaves": 5, "num_threads": 1, "seed": 1, "verbose": -1}
        text = lgb.train(size | parameters, data, num_boost_round=20).model_to_string()
        return lgb.Booster(model_str=text)

    low, high = (
        booster(x[positive], np.log(value[positive] / bundle.spec.level), objective="quantile", alpha=alpha)
        for alpha in (0.1, 0.9)
    )
    spec = replace(
        bundle.spec,
        interval=None,
        value_range=VALUE_RANGE,
        range_levels=(float(np.log(bundle.spec.level)),) * 2,
    )
    return replace(bundle, spec=spec, ranges=(booster(x, positive * 1.0, objective="binary"), low, high))
