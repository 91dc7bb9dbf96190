"""Fits the two heads, and calibrates them on closed cutoffs they were not trained on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from ripple.errors import InputError
from ripple.models.bundle import Interval
from ripple.settings import Settings
from ripple.training.estimators import linear
from ripple.training.evaluation.metrics import members
from ripple.training.examples.examples import Examples
from ripple.training.examples.feature_sequence import Rows

MIN_MEMBERS = 10
FEWEST_LEAVES = 50
"""For how many of the smallest leaves there is room, so that little data can be told apart too."""
LINEAR_SHARE = 0.4
"""Weight of the linear model beside trees: more serves strong influence, less a weak one."""
MOST_JOINED = 100_000
"""Of how many rows trees learn what trees and a linear model foresee, drawn evenly where there are more."""
JOINED: dict[str, Any] = {
    "objective": "regression",
    "learning_rate": 0.3,
    "num_leaves": 8,
    "max_depth": 5,
    "min_data_in_leaf": 10,
    "feature_fraction": 1.0,
    "lambda_l2": 0.0,
    "extra_trees": False,
}
"""How such trees are grown: closely, as there is no noise in what they are taught."""
MOST_HEED = 6.0
"""Up to which logarithm of an amount, relative to the mean, a row weighs more; down to its negative, less."""
BANDS = (0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
SLACK = 0.12
"""How much less than promised the interval of a band may cover, where those of others cover more."""


@dataclass(frozen=True)
class Heads:
    """Two boosters, and the level of the first."""

    value: lgb.Booster
    top: lgb.Booster
    names: list[str]
    scale: float
    """Currency per unit of the value head's output, which sets the mean label of the latest closed window."""

    def predict_value(self, features: pd.DataFrame) -> np.ndarray:
        """Expected network value, in currency."""
        return self.scale * np.exp(self.value.predict(self._matrix(features), raw_score=True))

    def predict_log_odds(self, features: pd.DataFrame) -> np.ndarray:
        """Uncalibrated log-odds of being at the top."""
        return np.asarray(self.top.predict(self._matrix(features), raw_score=True))

    def _matrix(self, features: pd.DataFrame) -> np.ndarray:
        return features[self.names].to_numpy(np.float64)


@dataclass(frozen=True)
class Calibration:
    """What turns the output of the heads into intervals and probabilities."""

    slope: float
    intercept: float
    interval: Interval

    def probability(self, log_odds: np.ndarray) -> np.ndarray:
        """Probability of being at the top from uncalibrated log-odds."""
        return expit(self.slope * log_odds + self.intercept)


def winsorised(value: np.ndarray, quantile: float) -> np.ndarray:
    """*value* capped at the *quantile* of its positive entries; 1 leaves it alone."""
    positive = value[value > 0]
    if quantile >= 1 or not len(positive):
        return value
    return np.minimum(value, np.quantile(positive, quantile))


def target(labels: pd.DataFrame, settings: Settings) -> np.ndarray:
    """The network value in *labels*, winsorised as the settings say."""
    return winsorised(labels["network_value"].to_numpy(np.float64), settings.model.winsorise)


def fit(examples: Sequence[Examples], settings: Settings, asked: Rows | None = None) -> Heads:
    """Fit both heads on all rows of *examples*.

    The value head is a Tweedie regression with log link (Jørgensen 1987; zeros and a heavy tail in one
    distribution), by trees and by a linear model, whose mean new trees are taught (see `_joined`); the top
    head is a logistic regression at the natural base rate, membership defined by rank within each cutoff.
    Values are taken relative to their cutoff's mean, so that heads tell customers apart and not one market
    from another; the mean of the latest cutoff then sets the level. Later cutoffs weigh more. Credit earned
    in the past may only raise a score.

    Args:
        asked: features of those who are to be foreseen, if they are known.

    Raises:
        InputError: no customer is credited with anything at any cutoff.
    """
    names = examples[0].rows.names
    values = [target(one.labels, settings) for one in examples]
    pairs = [(one, value) for one, value in zip(examples, values, strict=True) if value.sum() > 0]
    if not pairs:
        raise InputError(
            "Every label is zero: in no window is any customer credited with revenue of others. Check that "
            "interactions hold referrals, or ties between customers who buy the same products."
        )
    at_top = np.concatenate([members(value, settings.top_share) for _, value in pairs])
    rising = {"monotone_constraints": [int(_rises(name)) for name in names]}
    shared = parameters(settings, at_top.size) | rising
    # both heads learn from the same bins, a byte for each cell
    data = binned(pairs, shared, settings)
    grown = train(tweedie(settings) | shared, data, settings.model.trees)
    binary = shared | {"objective": "binary"}
    top = train(binary, data.set_label(at_top.astype(np.float64)), settings.model.trees)
    value, mean = _joined(grown, pairs, asked, shared, settings)
    return Heads(value, top, names, float(pairs[-1][1].mean()) / mean)


def _joined(
    grown: lgb.Booster,
    pairs: Sequence[tuple[Examples, np.ndarray]],
    asked: Rows | None,
    shared: dict[str, Any],
    settings: Settings,
) -> tuple[lgb.Booster, float]:
    """Trees that foresee the geometric mean of what trees and a linear model do, and the mean of that.

    The two err in different ways, so that their mean errs less. What is taught by it is free of noise: trees
    may be larger, and learn from those *asked* about too (distillation: Buciluă, Caruana & Niculescu-Mizil
    2006). As trees they are explained exactly, and keep that past credit may only raise a score.
    """
    every = _every(sum(len(value) for _, value in pairs))
    x = np.concatenate([one.rows[::every] for one, _ in pairs])
    amount, weight = _amounts(pairs, settings, every)
    model = linear.fit(x, amount, weight, settings.model.tweedie_power)
    everybody = x
    if asked is not None:
        new = asked[:: _every(len(asked))]
        # a feature that was never known before says nothing but when it became known
        everybody = np.concatenate((x, np.where(np.isnan(x).all(axis=0), np.nan, new)))
    both = (1 - LINEAR_SHARE) * np.asarray(grown.predict(everybody, raw_score=True))
    both += LINEAR_SHARE * linear.logarithm(model, everybody)
    fewest = min(shared["min_data_in_leaf"], JOINED["min_data_in_leaf"])
    joined = shared | JOINED | {"min_data_in_leaf": fewest}
    both = np.round(both, 6)  # what machines differ by shall not show
    data = lgb.Dataset(
        everybody,
        both,
        # so that the order at the top, where amounts are large, is kept
        weight=np.exp(np.clip(both, -MOST_HEED, MOST_HEED) / 2),
        feature_name=pairs[0][0].rows.names,
        params=joined,
    )
    value = train(joined, data, settings.model.trees)
    return value, float(np.average(np.exp(value.predict(x, raw_score=True)), weights=weight))


def _every(rows: int) -> int:
    """Of so many *rows*, which are drawn for trees to be taught by others."""
    return max(1, -(-rows // MOST_JOINED))


def parameters(settings: Settings, rows: int) -> dict[str, Any]:
    """What all heads have in common, when trained on so many *rows*."""
    model = settings.model
    return {
        "learning_rate": model.learning_rate,
        "num_leaves": model.leaves,
        "max_depth": model.depth,
        "min_data_in_leaf": min(model.min_rows_per_leaf, max(1, rows // FEWEST_LEAVES)),
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


def tweedie(settings: Settings) -> dict[str, Any]:
    """The objective of a head that foresees an amount."""
    return {"objective": "tweedie", "tweedie_variance_power": settings.model.tweedie_power}


def binned(
    pairs: Sequence[tuple[Examples, np.ndarray]], shared: dict[str, Any], settings: Settings
) -> lgb.Dataset:
    """The rows of cutoffs, oldest first, beside amounts relative to their cutoff's mean, which is not 0."""
    relative, weight = _amounts(pairs, settings)
    names = pairs[0][0].rows.names
    return lgb.Dataset(
        [one.rows for one, _ in pairs], relative, weight=weight, feature_name=names, params=shared
    )


def _amounts(
    pairs: Sequence[tuple[Examples, np.ndarray]], settings: Settings, every: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Amounts relative to their cutoff's mean, and how much they weigh, *every* so many rows of a cutoff."""
    relative = [value[::every] / value.mean() for _, value in pairs]
    latest = pairs[-1][0]
    weight = [
        np.full(len(part), _weight(one, latest, settings))
        for part, (one, _) in zip(relative, pairs, strict=True)
    ]
    return np.concatenate(relative), np.concatenate(weight)


def _weight(one: Examples, latest: Examples, settings: Settings) -> float:
    age = (latest.cutoff - one.cutoff).days / settings.horizon_days
    return float(0.5 ** (age / settings.model.half_life_horizons))


def _rises(name: str) -> bool:
    """Whether a feature counts credit earned in the past, of which more never speaks against a customer."""
    return name.startswith("past_") or "referral" in name


def train(parameters: dict[str, Any], data: lgb.Dataset, trees: int) -> lgb.Booster:
    """A booster that follows from its data and parameters alone."""
    text = lgb.train(parameters, data, num_boost_round=trees).model_to_string()
    # the text records the training parameters, number of threads included; without them the same data give
    # the same bytes on any machine
    return lgb.Booster(model_str=re.sub(r"\nparameters:.*end of parameters\n", "\n", text, flags=re.DOTALL))


@dataclass(frozen=True)
class Outcome:
    """Predictions at a cutoff by heads that had not seen it, beside what came true."""

    predicted: np.ndarray
    log_odds: np.ndarray
    value: np.ndarray
    at_top: np.ndarray


def outcome(heads: Heads, examples: Examples, settings: Settings) -> Outcome:
    """What *heads* say of *examples*, and what came true as far as it was known when the window closed."""
    value, features = target(examples.labels, settings), examples.features
    return Outcome(
        heads.predict_value(features),
        heads.predict_log_odds(features),
        value,
        members(value, settings.top_share),
    )


def calibrate(outcomes: Sequence[Outcome], settings: Settings) -> Calibration:
    """Calibrate on closed cutoffs.

    The probability is by Platt (1999), the interval by Mondrian split conformal prediction on realised ÷
    predicted, by band of predicted value. Predictions themselves are left as they are: by how much they were
    off at one cutoff says next to nothing of the next (docs/method.md).
    """
    predicted = np.concatenate([one.predicted for one in outcomes])
    slope, intercept = _platt(
        np.concatenate([one.log_odds for one in outcomes]), np.concatenate([one.at_top for one in outcomes])
    )
    interval = conformal(predicted, np.concatenate([one.value for one in outcomes]), settings.model.interval)
    return Calibration(slope, intercept, interval)


def _platt(log_odds: np.ndarray, at_top: np.ndarray) -> tuple[float, float]:
    """Slope and intercept of the log-odds; the identity where there is too little to fit or no relation."""
    if min(at_top.sum(), (~at_top).sum()) < MIN_MEMBERS:
        return 1.0, 0.0
    fitted = LogisticRegression(C=1e6).fit(log_odds[:, None], at_top)
    slope, intercept = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
    return (slope, intercept) if slope > 0 else (1.0, 0.0)


def conformal(predicted: np.ndarray, value: np.ndarray, coverage: float) -> Interval:
    """Intervals of which *coverage* hold, and of each band at least `SLACK` less.

    Where most values are zero an interval that holds the prediction holds more than its share. Elsewhere it
    is narrower for it, so that the promise is kept on the whole rather than exceeded.
    """
    # edges are predictions themselves, so that no band is empty
    edges = np.unique(np.quantile(predicted, BANDS, method="higher"))
    edges = edges[edges > predicted.min()]
    band = np.searchsorted(edges, predicted, side="right")
    ratios = [np.sort((value / predicted)[band == i]) for i in range(len(edges) + 1)]
    for nominal in np.linspace(coverage - SLACK, coverage, 21):
        low, high = zip(*(_ends(ratio, nominal) for ratio in ratios), strict=True)
        found = Interval(coverage, tuple(edges.tolist()), low, high)
        ends = found.bounds(predicted)
        if ((value >= ends[0]) & (value <= ends[1])).mean() >= coverage:
            break
    return found


def _ends(ratio: np.ndarray, coverage: float) -> tuple[float, float]:
    """Multipliers between which *coverage* of *ratio*, ascending, lies; they hold 1, the prediction itself.

    Both tails are left out alike, unless the lower one is of zeros: then nothing is below, and all that is
    left out is above.
    """
    size = len(ratio)
    tail = (1 - coverage) / 2 * (size + 1)
    low = float(ratio[int(tail) - 1]) if tail >= 1 else 0.0
    if low == 0:
        tail *= 2
    return min(low, 1.0), max(float(ratio[min(size - int(tail), size - 1)]), 1.0)
