"""LightGBM as every head uses it: parameters, weighted data sets, and training that repeats to the byte."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import lightgbm as lgb
import numpy as np

from ripple.settings import Settings
from ripple.training.examples.examples import Examples

MIN_LEAVES = 50
"""The number of smallest leaves that there are always enough training rows for."""

LabelledExamples = tuple[Examples, np.ndarray]
"""The examples of one cutoff and the amount to predict for each of their rows."""


def lightgbm_parameters(settings: Settings, rows: int) -> dict[str, Any]:
    """The LightGBM parameters that all heads share when they are trained on so many *rows*."""
    model = settings.model
    return {
        "learning_rate": model.learning_rate,
        "num_leaves": model.leaves,
        "max_depth": model.depth,
        "min_data_in_leaf": min(model.min_rows_per_leaf, max(1, rows // MIN_LEAVES)),
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "feature_fraction": 0.5,
        "lambda_l2": 5.0,
        "extra_trees": model.extra_trees,
        "seed": settings.seed,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }


def tweedie_objective(settings: Settings) -> dict[str, Any]:
    """The objective of a head that predicts an amount: Tweedie with log link (Jørgensen 1987)."""
    return {"objective": "tweedie", "tweedie_variance_power": settings.model.tweedie_power}


def lightgbm_dataset(
    labelled: Sequence[LabelledExamples], parameters: dict[str, Any], settings: Settings
) -> lgb.Dataset:
    """The binned rows of *labelled*, oldest cutoff first, with the amounts of `relative_amounts`."""
    amounts, weights = relative_amounts(labelled, settings)
    names = labelled[0][0].rows.names
    return lgb.Dataset(
        [examples.rows for examples, _ in labelled],
        amounts,
        weight=weights,
        feature_name=names,
        params=parameters,
    )


def relative_amounts(
    labelled: Sequence[LabelledExamples], settings: Settings, stride: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Amounts divided by the mean of their cutoff, which must not be zero, and the weight of each.

    Weights halve with every `model.half_life_horizons` horizons of age.

    Args:
        stride: of every cutoff, only each *stride*-th row is taken.
    """
    relative = [amounts[::stride] / amounts.mean() for _, amounts in labelled]
    latest = labelled[-1][0]
    weights = [
        np.full(len(amounts), _recency_weight(examples, latest, settings))
        for amounts, (examples, _) in zip(relative, labelled, strict=True)
    ]
    return np.concatenate(relative), np.concatenate(weights)


def _recency_weight(examples: Examples, latest: Examples, settings: Settings) -> float:
    age = (latest.cutoff - examples.cutoff).days / settings.horizon_days
    return float(0.5 ** (age / settings.model.half_life_horizons))


def train(parameters: dict[str, Any], data: lgb.Dataset, trees: int) -> lgb.Booster:
    """A booster that follows only from its data and parameters."""
    text = lgb.train(parameters, data, num_boost_round=trees).model_to_string()
    # the text records the training parameters, number of threads included; without them the same data give
    # the same bytes on any machine
    return lgb.Booster(model_str=re.sub(r"\nparameters:.*end of parameters\n", "\n", text, flags=re.DOTALL))
