"""Hyperparameter search for the heads, on cutoffs that had closed before the first evaluation cutoff.

So the backtest evaluates the chosen parameters out of sample like any others. Trials are stored: a search
that was killed, or is to have more trials, continues where it stopped.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ripple.errors import InputError
from ripple.extras import missing_extras, require
from ripple.settings import Model, Settings
from ripple.training.evaluation.backtest import RollingOriginBacktester
from ripple.training.evaluation.bootstrap import (
    observed_captures,
    percentile_bounds,
    ranked_cutoffs,
    resampled_captures,
)
from ripple.training.evaluation.metrics import capture
from ripple.training.evaluation.prediction_table import CUTOFF
from ripple.training.examples.cutoffs import Schedule

if TYPE_CHECKING:
    import optuna

logger = logging.getLogger(__name__)

FILE = "tuning.db"
FIRST = 1
"""The number of the first trial, that of the present parameters."""
MAX_CUTOFFS = 4
"""The number of latest cutoffs that a trial is evaluated at, at most."""
TOP_SHARE_MULTIPLES = (1, 2, 4)
"""The multiples of the top share over which capture is averaged: at one share it depends on few customers."""
MIN_TRIALS_BEFORE_PRUNING = 5
"""The number of trials that are completed before any may be pruned."""
INTEGER_RANGES = {
    "trees": (50, 600, True),
    "leaves": (4, 11, False),
    "depth": (2, 6, False),
    "min_rows_per_leaf": (20, 500, True),
}
REAL_RANGES = {
    "learning_rate": (0.01, 0.1, True),
    "tweedie_power": (1.0, 1.6, False),
    "half_life_horizons": (0.25, 2.0, True),
}
"""The parameters that are searched: lowest, highest, and whether on a log scale.

The number of leaves is bounded because the cost of SHAP values grows with it.
"""


@dataclass(frozen=True)
class Trial:
    """One choice of parameters and its mean capture over cutoffs; None where it was pruned.

    Attributes:
        number: from 1, in the order in which trials ended; the first has the present parameters.
    """

    number: int
    parameters: dict[str, Any]
    capture: float | None


@dataclass(frozen=True)
class Search:
    """The trials of a search, and whether the best of them is shown to capture more than the first.

    Attributes:
        best: number of the trial with the highest capture.
        difference, low, high: its capture minus that of the first trial, with the bounds of the 95 % paired
            bootstrap interval over customers; 0 where the first is the best.
    """

    trials: tuple[Trial, ...]
    best: int
    difference: float
    low: float
    high: float

    @property
    def adopted(self) -> bool:
        """Whether the parameters of the best trial are used: its interval lies above zero."""
        return self.low > 0

    @property
    def text(self) -> str:
        """The outcome in a sentence."""
        number = len(self.trials)
        if self.best == FIRST:
            return f"The present parameters, trial {FIRST} of {number}, are the best and stay."
        best, first = self.trials[self.best - FIRST], self.trials[0]
        return (
            f"Trial {self.best} of {number} captures {best.capture:.3f} where the present parameters, trial "
            f"{FIRST}, capture {first.capture:.3f}: {self.difference:+.3f} (95 % interval {self.low:+.3f} to "
            f"{self.high:+.3f}), so "
            + (
                "its parameters are used."
                if self.adopted
                else "it is not shown to be better, and these stay."
            )
        )

    def record(self) -> dict[str, Any]:
        """The outcome as plain data, without the trials."""
        return {
            "best": self.best,
            "difference": self.difference,
            "low": self.low,
            "high": self.high,
            "adopted": self.adopted,
        }


def tune(backtester: RollingOriginBacktester, trials: int, identity: str) -> tuple[Settings, Search]:
    """The settings to train with after *trials* trials, of which the first is the present parameters.

    The best of many trials is partly the luckiest, so its parameters replace the present ones only if its
    capture is shown to be higher.

    Args:
        identity: digest of all that the examples follow from; trials are stored under it, in the home of the
            settings.

    Raises:
        InputError: Optuna is not installed, or too little had closed before the first evaluation cutoff.
    """
    try:
        import optuna
    except ImportError as error:
        raise missing_extras("tune") from error
    settings, cutoffs = backtester.settings, _cutoffs(backtester)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    settings.home.mkdir(parents=True, exist_ok=True)
    study = optuna.create_study(
        storage=f"sqlite:///{settings.home / FILE}",
        study_name=f"{identity}, from {cutoffs[0]:%Y-%m-%d} to {cutoffs[-1]:%Y-%m-%d}",
        direction="maximize",
        pruner=optuna.pruners.MedianPruner(n_startup_trials=MIN_TRIALS_BEFORE_PRUNING),
        load_if_exists=True,
    )
    finished = _finished(study)
    study.sampler = optuna.samplers.TPESampler(seed=settings.seed + len(finished))
    if not finished:
        study.enqueue_trial({name: getattr(settings.model, name) for name in (*INTEGER_RANGES, *REAL_RANGES)})

    def objective(trial: optuna.Trial) -> float:
        trial_settings = _with(settings, _suggested(trial, settings.model))
        candidate = backtester.with_settings(trial_settings, logging.DEBUG)
        captures: list[float] = []
        for step, cutoff in enumerate(cutoffs):
            held_out = candidate.held_out_predictions(cutoff)
            captures.append(
                sum(capture(held_out.predicted, held_out.realised, share) for share in _shares(settings))
                / len(TOP_SHARE_MULTIPLES)
            )
            trial.report(sum(captures) / len(captures), step)
            if trial.should_prune():
                raise optuna.TrialPruned
        return sum(captures) / len(captures)

    def log_progress(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        outcome = "given up" if trial.value is None else f"captures {trial.value:.3f}"
        logger.info(f"trial {len(_finished(study))} of {trials}: {outcome}; the best {study.best_value:.3f}")

    if len(finished) < trials:
        study.optimize(objective, n_trials=trials - len(finished), callbacks=[log_progress])
    searched = tuple(
        Trial(number, dict(trial.params), trial.value if trial.state.name == "COMPLETE" else None)
        for number, trial in enumerate(_finished(study)[:trials], FIRST)
    )
    search = _tested(backtester, searched, cutoffs)
    logger.info(search.text)
    return (_with(settings, searched[search.best - FIRST].parameters) if search.adopted else settings), search


def _tested(
    backtester: RollingOriginBacktester, trials: tuple[Trial, ...], cutoffs: Sequence[datetime]
) -> Search:
    """The best of *trials* compared with the first, the customers of *cutoffs* being resampled."""
    settings = backtester.settings
    best = max(trials, key=lambda trial: -math.inf if trial.capture is None else trial.capture)
    if best.number == FIRST:
        return Search(trials, FIRST, 0.0, 0.0, 0.0)
    fitted = [
        backtester.with_settings(_with(settings, trial.parameters), logging.DEBUG)
        for trial in (best, trials[0])
    ]
    predictions = pd.concat([_predictions(fitted, cutoff) for cutoff in cutoffs], ignore_index=True)
    observed, resampled = [], []
    for share in _shares(settings):
        ranked = ranked_cutoffs(predictions, ["best", "first"], share)
        observed.append(observed_captures(ranked).mean(axis=0))
        # the same seed resamples the same customers for every share
        resampled.append(resampled_captures(ranked, settings.seed).mean(axis=1))
    captures, samples = np.mean(observed, axis=0), np.mean(resampled, axis=0)
    low, high = percentile_bounds(samples[:, 0] - samples[:, 1])
    return Search(trials, best.number, float(captures[0] - captures[1]), low, high)


def _predictions(fitted: Sequence[RollingOriginBacktester], cutoff: datetime) -> pd.DataFrame:
    """What the parameters of the best and of the first trial predict for the customers of *cutoff*."""
    best, first = (one.held_out_predictions(cutoff) for one in fitted)
    return pd.DataFrame(
        {
            CUTOFF: pd.Timestamp(cutoff),
            "customer_id": fitted[0].examples[cutoff].rows.index.to_numpy(),
            "realised": best.realised,
            "best": best.predicted,
            "first": first.predicted,
        }
    )


def _shares(settings: Settings) -> list[float]:
    """The shares of customers at the top over which capture is averaged."""
    return [min(multiple * settings.top_share, 0.5) for multiple in TOP_SHARE_MULTIPLES]


def validate_tunable(schedule: Schedule) -> None:
    """Raise an InputError where no trial could be evaluated, whatever the labels are.

    Raises:
        InputError: Optuna is not installed, or no cutoff that has an earlier one to learn from had closed by
            the first evaluation cutoff.
    """
    require("tune")
    if not _closed_by_first_evaluation(schedule):
        raise _nothing_to_tune_on(schedule)


def _closed_by_first_evaluation(schedule: Schedule) -> list[datetime]:
    """The cutoffs that something had closed before, and that had closed by the first evaluation cutoff."""
    closed = schedule.training_for(schedule.evaluation[0])
    return [cutoff for cutoff in closed if schedule.training_for(cutoff)]


def _nothing_to_tune_on(schedule: Schedule) -> InputError:
    return InputError(
        "There is nothing to tune on: no cutoff that could be learnt for had closed by "
        f"{schedule.evaluation[0]:%Y-%m-%d}, the first at which the model is evaluated. Bring more history, "
        "or ask for fewer cutoffs.evaluate."
    )


def _cutoffs(backtester: RollingOriginBacktester) -> list[datetime]:
    cutoffs = [
        cutoff
        for cutoff in _closed_by_first_evaluation(backtester.schedule)
        if backtester.has_training_labels(cutoff) and backtester.has_credit(cutoff)
    ][-MAX_CUTOFFS:]
    if not cutoffs:
        raise _nothing_to_tune_on(backtester.schedule)
    return cutoffs


def _finished(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    return [trial for trial in study.get_trials(deepcopy=False) if trial.state.name in ("COMPLETE", "PRUNED")]


def _suggested(trial: optuna.Trial, present: Model) -> dict[str, Any]:
    """The parameters of *trial*; each range reaches to the *present* value, where that lies outside."""

    def bounds(name: str, low: Any, high: Any) -> tuple[Any, Any]:
        value = getattr(present, name)
        return min(low, value), max(high, value)

    return {
        **{
            name: trial.suggest_int(name, *bounds(name, low, high), log=log)
            for name, (low, high, log) in INTEGER_RANGES.items()
        },
        **{
            name: trial.suggest_float(name, *bounds(name, low, high), log=log)
            for name, (low, high, log) in REAL_RANGES.items()
        },
    }


def _with(settings: Settings, parameters: dict[str, Any]) -> Settings:
    model = Model(**settings.model.model_dump() | parameters)
    return settings.model_copy(update={"model": model})
