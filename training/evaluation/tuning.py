"""Hyperparameter search for the heads, on cutoffs that had closed before the first evaluation cutoff.

So the backtest evaluates the chosen parameters out of sample like any others. Trials are stored: a search
that was killed, or is to have more trials, continues where it stopped.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ripple.errors import InputError
from ripple.extras import missing_extras
from ripple.settings import Model, Settings
from ripple.training.evaluation.backtest import RollingOriginBacktester
from ripple.training.evaluation.metrics import capture

if TYPE_CHECKING:
    import optuna

logger = logging.getLogger(__name__)

FILE = "tuning.db"
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
    """One choice of parameters and its mean capture over cutoffs; None where it was pruned."""

    number: int
    parameters: dict[str, Any]
    capture: float | None


def tune(backtester: RollingOriginBacktester, trials: int, identity: str) -> tuple[Settings, list[Trial]]:
    """The settings with the best parameters found in *trials* trials, of which the first is the present ones.

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
        trial_settings = _with(settings, _suggested(trial))
        candidate = replace(
            backtester, settings=trial_settings, log_level=logging.DEBUG, _held_out={}, _heads={}
        )
        captures: list[float] = []
        for step, cutoff in enumerate(cutoffs):
            held_out = candidate.held_out_predictions(cutoff)
            shares = [min(multiple * settings.top_share, 0.5) for multiple in TOP_SHARE_MULTIPLES]
            captures.append(
                sum(capture(held_out.predicted, held_out.realised, share) for share in shares) / len(shares)
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
    return _with(settings, study.best_params), [
        Trial(trial.number, dict(trial.params), trial.value if trial.state.name == "COMPLETE" else None)
        for trial in _finished(study)
    ]


def _cutoffs(backtester: RollingOriginBacktester) -> list[datetime]:
    schedule = backtester.schedule
    first = schedule.evaluation[0]
    cutoffs = [
        cutoff
        for cutoff in schedule.grid
        if cutoff + schedule.horizon <= first
        and backtester.has_training_labels(cutoff)
        and backtester.has_credit(cutoff)
    ][-MAX_CUTOFFS:]
    if not cutoffs:
        raise InputError(
            "There is nothing to tune on: no cutoff that could be learnt for had closed by "
            f"{first:%Y-%m-%d}, the first at which the model is evaluated. Bring more history, or ask for "
            "fewer cutoffs.evaluate."
        )
    return cutoffs


def _finished(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    return [trial for trial in study.get_trials(deepcopy=False) if trial.state.name in ("COMPLETE", "PRUNED")]


def _suggested(trial: optuna.Trial) -> dict[str, Any]:
    return {
        **{
            name: trial.suggest_int(name, low, high, log=log)
            for name, (low, high, log) in INTEGER_RANGES.items()
        },
        **{
            name: trial.suggest_float(name, low, high, log=log)
            for name, (low, high, log) in REAL_RANGES.items()
        },
    }


def _with(settings: Settings, parameters: dict[str, Any]) -> Settings:
    model = Model(**settings.model.model_dump() | parameters)
    return settings.model_copy(update={"model": model})
