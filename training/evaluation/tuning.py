"""Searches the parameters of the heads, on cutoffs that had closed before the first one that is judged.

So what the backtest says of the chosen parameters is as honest as of any others. Trials are kept: a search
that was killed, or asked for more, goes on where it stopped.
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
CUTOFFS = 4
"""The latest that serve, at most."""
SHARES = (1, 2, 4)
"""Capture is averaged over so many times the top share: of the top share alone it hangs on few customers."""
UNPRUNED = 5
"""Trials before any is given up early."""
WHOLE = {
    "trees": (50, 600, True),
    "leaves": (4, 11, False),
    "depth": (2, 6, False),
    "min_rows_per_leaf": (20, 500, True),
}
REAL = {
    "learning_rate": (0.01, 0.1, True),
    "tweedie_power": (1.0, 1.6, False),
    "half_life_horizons": (0.25, 2.0, True),
}
"""What is searched: from, to, and whether by the logarithm. With more leaves reasons would cost much more."""


@dataclass(frozen=True)
class Trial:
    """One choice of parameters, and how it did: mean capture over cutoffs; None where it was given up."""

    number: int
    parameters: dict[str, Any]
    capture: float | None


def tune(backtester: RollingOriginBacktester, trials: int, identity: str) -> tuple[Settings, list[Trial]]:
    """The settings with the best parameters found in *trials* trials, of which the first is the present ones.

    Args:
        identity: digest of all that the examples follow from; trials are kept by it, in the settings' home.

    Raises:
        InputError: Optuna is not installed, or too little had closed before the first judged cutoff.
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
        pruner=optuna.pruners.MedianPruner(n_startup_trials=UNPRUNED),
        load_if_exists=True,
    )
    done = _done(study)
    study.sampler = optuna.samplers.TPESampler(seed=settings.seed + len(done))
    if not done:
        study.enqueue_trial({name: getattr(settings.model, name) for name in (*WHOLE, *REAL)})

    def objective(trial: optuna.Trial) -> float:
        chosen = _with(settings, _drawn(trial))
        asked = replace(backtester, settings=chosen, log_level=logging.DEBUG, _outcomes={}, _heads={})
        captured: list[float] = []
        for step, cutoff in enumerate(cutoffs):
            found = asked.outcome(cutoff)
            shares = [min(times * settings.top_share, 0.5) for times in SHARES]
            captured.append(
                sum(capture(found.predicted, found.value, share) for share in shares) / len(shares)
            )
            trial.report(sum(captured) / len(captured), step)
            if trial.should_prune():
                raise optuna.TrialPruned
        return sum(captured) / len(captured)

    def told(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        found = "given up" if trial.value is None else f"captures {trial.value:.3f}"
        logger.info(f"trial {len(_done(study))} of {trials}: {found}; the best {study.best_value:.3f}")

    if len(done) < trials:
        study.optimize(objective, n_trials=trials - len(done), callbacks=[told])
    return _with(settings, study.best_params), [
        Trial(trial.number, dict(trial.params), trial.value if trial.state.name == "COMPLETE" else None)
        for trial in _done(study)
    ]


def _cutoffs(backtester: RollingOriginBacktester) -> list[datetime]:
    plan = backtester.schedule
    first = plan.evaluation[0]
    found = [
        cutoff
        for cutoff in plan.grid
        if cutoff + plan.horizon <= first
        and backtester.has_training_labels(cutoff)
        and backtester.credited(cutoff)
    ][-CUTOFFS:]
    if not found:
        raise InputError(
            "There is nothing to tune on: no cutoff that could be learnt for had closed by "
            f"{first:%Y-%m-%d}, the first at which the model is judged. Bring more history, or ask for fewer "
            "cutoffs.evaluate."
        )
    return found


def _done(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    return [trial for trial in study.get_trials(deepcopy=False) if trial.state.name in ("COMPLETE", "PRUNED")]


def _drawn(trial: optuna.Trial) -> dict[str, Any]:
    return {
        **{name: trial.suggest_int(name, low, high, log=log) for name, (low, high, log) in WHOLE.items()},
        **{name: trial.suggest_float(name, low, high, log=log) for name, (low, high, log) in REAL.items()},
    }


def _with(settings: Settings, parameters: dict[str, Any]) -> Settings:
    model = Model(**settings.model.model_dump() | parameters)
    return settings.model_copy(update={"model": model})
