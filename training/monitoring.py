"""What a version foresaw, held against what came true since it was trained: keep it, or train again.

Wherever a label window has closed since, the version scores the customers of that moment from what was
known then, as it does in service, and is judged like in the backtest: beside every simple rule, by the same
metrics.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import mlflow
import numpy as np
import pandas as pd
from mlflow.entities import Metric
from scipy.special import logit

from ripple.errors import InputError
from ripple.features.dataset import Dataset
from ripple.models.bundle import Bundle, FeatureMismatch
from ripple.settings import Settings
from ripple.training.estimators.heads import Calibration, Outcome, target
from ripple.training.evaluation import metrics
from ripple.training.evaluation.baselines import baselines
from ripple.training.evaluation.cutoff_evaluation import MODEL, Backtest, CutoffEvaluation, evaluate
from ripple.training.evaluation.drift import SCORES, SHIFTED, drift
from ripple.training.evaluation.membership_changes import Scored
from ripple.training.evaluation.slices import slices
from ripple.training.examples.examples import Examples, examples_at, features_at, frame, labels_at
from ripple.training.progress import Say
from ripple.training.registry.gate import Check, against_rules, calibration, reasons_of
from ripple.training.registry.model_versions import Version
from ripple.training.registry.tracking import LONGEST_TAG
from ripple.training.registry.tracking import MODEL as REGISTERED
from ripple.training.result import rows

MOST = 6
"""The latest cutoffs that are judged at most."""
SAME = ("horizon_days", "top_share", "currency", "model.winsorise", "credit.", "kinds.")
"""Settings, or sections of them, that say what is foreseen: by others, what came true is another thing."""
ANSWERED = ("predicted_share", "coverage", "brier", "brier_base_rate")

Verdict = Literal["keep", "retrain", "wait"]


@dataclass(frozen=True)
class Monitored:
    """What became of a version.

    Attributes:
        end: until when the data tell.
        judged: None where no window in which anybody was credited has closed since.
        promised: metrics of its run, by name: `capture` and others of its backtest.
        drift: of features and scores since training, see `ripple.training.evaluation.drift`.
        checks: what speaks for or against keeping it.
        next_close: when the next window closes.
        windows: how many more closed windows a training today could learn from.
        answered: what the service answered, by moment and version, held against the same truth: see
            `answered`.
    """

    version: Scored
    end: datetime
    judged: Backtest | None
    promised: Mapping[str, float]
    drift: pd.DataFrame
    checks: tuple[Check, ...]
    next_close: datetime
    windows: int
    answered: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def verdict(self) -> Verdict:
        """What to do; to wait where no window has closed and nothing speaks against the version."""
        if not all(check.passed for check in self.checks):
            return "retrain"
        return "keep" if self.judged else "wait"

    @property
    def reasons(self) -> list[str]:
        """Sentences for all that speaks against the version; for all checks where nothing does."""
        return reasons_of(self.checks)

    def figures(self) -> dict[str, float]:
        """The latest numbers, by name; those that are undefined are left out."""
        found = {"psi": float(self.drift.loc[SCORES, "psi"].max())}
        if self.judged:
            found |= self.judged.headline()
        return {name: value for name, value in found.items() if math.isfinite(value)}

    def record(self) -> dict[str, Any]:
        """The findings as plain data; what is undefined is null."""
        judged = self.judged
        return {
            "version": self.version.number,
            "trained_until": self.version.as_of.isoformat(),
            "data_end": self.end.isoformat(),
            "verdict": self.verdict,
            "reasons": self.reasons,
            "checks": [asdict(check) for check in self.checks],
            "figures": self.figures(),
            "next_close": self.next_close.isoformat(),
            "windows_to_learn_from": self.windows,
            "best_baseline": judged.best_baseline if judged else None,
            "rankings": rows(judged.rankings) if judged else [],
            "heads": rows(judged.heads) if judged else [],
            "slices": rows(judged.slices) if judged else [],
            "drift": rows(self.drift.rename_axis("name").reset_index()),
            "answered": rows(self.answered),
        }


def monitor(
    dataset: Dataset,
    version: Scored,
    parameters: Mapping[str, str],
    promised: Mapping[str, float],
    say: Say,
    log: pd.DataFrame | None = None,
) -> Monitored:
    """Hold what *version* foresees against what came true since its training data ended.

    Args:
        parameters, promised: parameters and metrics of its run.
        log: what the service answered; see `answered`.

    Raises:
        InputError: the data end before those that it was trained on, lack a feature that it needs, or are set
            to foresee something else.
    """
    settings, start = dataset.settings, version.as_of
    end = settings.until or start
    _refuse_others(version, parameters, settings, end)
    closed, next_close = _closed(start, end, settings)
    known = version.features.index
    found = []
    for cutoff in closed:
        say(f"cutoff {cutoff:%Y-%m-%d}, whose window has closed: features and what came true")
        found.append(_judged(examples_at(dataset, cutoff), version.bundle, known, settings))
    credited = [one for one in found if one.found.at_top.any()]
    judged = evaluate(credited, settings) if credited else None
    say(f"features as of {end:%Y-%m-%d}, to see what has drifted")
    now = frame(features_at(dataset, end))
    moved = drift(version.bundle, version.features, now, _scores(version.bundle, now))
    step = timedelta(days=settings.cutoffs.step_days)
    return Monitored(
        version,
        end,
        judged,
        promised,
        moved,
        tuple(_checks(found, judged, promised, moved, settings)),
        next_close,
        math.ceil((end - start) / step),
        answered(dataset, log, end, say) if log is not None else pd.DataFrame(),
    )


def record_monitoring(client: mlflow.MlflowClient, found: Version, monitored: Monitored) -> None:
    """Keep what became of a version: metrics and the record in its run, what to do as tags of the version."""
    when = int(monitored.end.replace(tzinfo=UTC).timestamp() * 1000)
    days = (monitored.end - monitored.version.as_of).days
    figures = [Metric(f"monitor.{name}", value, when, days) for name, value in monitored.figures().items()]
    client.log_batch(found.run_id, metrics=figures)
    client.log_dict(found.run_id, monitored.record(), f"monitor/{monitored.end:%Y-%m-%d}.json")
    tags = {
        "monitor": monitored.verdict,
        "monitor.until": f"{monitored.end:%Y-%m-%d}",
        "monitor.reasons": " ".join(monitored.reasons)[:LONGEST_TAG],
    }
    for name, value in tags.items():
        client.set_model_version_tag(REGISTERED, found.number, name, value)


def answered(dataset: Dataset, log: pd.DataFrame, end: datetime, say: Say) -> pd.DataFrame:
    """What the service answered about customers, held against what came true of them.

    Who is asked about is not drawn at random: there is no capture, and totals are of these customers alone.

    Args:
        log: one row per customer, `as_of` and `model_version`, as `serving.prediction_log.read_log` reads it.

    Returns:
        One row per `as_of` whose window has closed by *end* (at most the latest `MOST`) and `model_version`:
        `customers`, and `ANSWERED` as in `ripple.training.evaluation.cutoff_evaluation.Backtest`.
    """
    settings = dataset.settings
    horizon = timedelta(days=settings.horizon_days)
    found = []
    for as_of in sorted(moment for moment in log["as_of"].unique() if moment + horizon <= end)[-MOST:]:
        say(f"what came true of the scores of {as_of:%Y-%m-%d} that the service gave")
        labels = frame(labels_at(dataset, pd.Timestamp(as_of).to_pydatetime()))
        value = pd.Series(target(labels, settings), labels.index)
        at_top = pd.Series(metrics.members(value.to_numpy(), settings.top_share), labels.index)
        for number, given in log[log["as_of"] == as_of].groupby("model_version"):
            there = given[given["customer_id"].isin(labels.index)].set_index("customer_id")
            if there.empty:
                continue
            realised, member = value[there.index].to_numpy(), at_top[there.index].to_numpy()
            found.append(
                {
                    "as_of": f"{as_of:%Y-%m-%d}",
                    "model_version": str(number),
                    "customers": len(there),
                    "predicted_share": metrics.ratio(there["network_value"].sum(), realised.sum()),
                    "coverage": metrics.coverage(
                        realised,
                        there["network_value_low"].to_numpy(),
                        there["network_value_high"].to_numpy(),
                    ),
                    "brier": metrics.brier(there["top_probability"].to_numpy(), member),
                    "brier_base_rate": metrics.brier(np.full(len(member), at_top.mean()), member),
                }
            )
    return pd.DataFrame(found, columns=["as_of", "model_version", "customers", *ANSWERED])


def _refuse_others(version: Scored, parameters: Mapping[str, str], settings: Settings, end: datetime) -> None:
    from ripple.training.registry.recording import flat  # mlflow is slow to import

    if end < version.as_of:
        raise InputError(
            f"The data end on {end:%Y-%m-%d}, before those that version {version.number} was trained on "
            f"({version.as_of:%Y-%m-%d}): nothing has come true yet. Bring the data of today."
        )
    own = flat(settings.model_dump(mode="json"))
    other = [
        f"{name} = {own.get(name)} (trained with {trained})"
        for name, trained in parameters.items()
        if name.startswith(SAME) and str(own.get(name)) != trained
    ]
    if other:
        raise InputError(
            f"Version {version.number} foresees something else than these settings say: {', '.join(other)}. "
            "Monitor it with the settings that it was trained with (--settings), or train again."
        )


def _closed(start: datetime, end: datetime, settings: Settings) -> tuple[list[datetime], datetime]:
    """The latest cutoffs from *start* on whose windows have closed by *end*, and when the next one does."""
    horizon, step = timedelta(days=settings.horizon_days), timedelta(days=settings.cutoffs.step_days)
    closed, cutoff = [], start
    while cutoff + horizon <= end:
        closed.append(cutoff)
        cutoff += step
    return closed[-MOST:], cutoff + horizon


def _judged(examples: Examples, bundle: Bundle, known: pd.Index, settings: Settings) -> CutoffEvaluation:
    features = examples.features
    scores, value = _scores(bundle, features), target(examples.realised, settings)
    predicted = scores["network_value"].to_numpy()
    probability = scores["top_probability"].to_numpy()
    return CutoffEvaluation(
        f"{examples.cutoff:%Y-%m-%d}",
        features.index,
        Outcome(
            scores["network_value"].to_numpy(),
            logit(probability),
            value,
            metrics.members(value, settings.top_share),
        ),
        {MODEL: predicted} | baselines(features, examples.credited),
        # the bundle has calibrated its odds already
        Calibration(1.0, 0.0, bundle.spec.interval),
        {MODEL: probability},
        dict(slices(features, examples.attributes, ~features.index.isin(known))),
    )


def _scores(bundle: Bundle, features: pd.DataFrame) -> pd.DataFrame:
    try:
        return bundle.score(features)
    except FeatureMismatch as error:
        raise InputError(f"The data lack what the version was trained on. {error}") from error


def _checks(
    found: Sequence[CutoffEvaluation],
    judged: Backtest | None,
    promised: Mapping[str, float],
    moved: pd.DataFrame,
    settings: Settings,
) -> Iterator[Check]:
    empty = [one.cutoff for one in found if not one.found.at_top.any()]
    if empty:
        yield Check(
            "credit",
            False,
            0.0,
            None,
            f"After {', '.join(empty)} nobody was credited with revenue of others, though the version "
            "foresaw some: check that interactions and orders still arrive.",
        )
    if judged:
        yield against_rules(judged, settings)
        if "capture" in promised:
            yield _as_promised(judged, promised["capture"], settings)
        yield from calibration(judged, settings)
    else:
        # once something has come true, it says more than any sign that it might not
        yield _drift(moved)


def _as_promised(judged: Backtest, promised: float, settings: Settings) -> Check:
    capture, low, high = judged.capture_interval(MODEL)
    allowed = settings.gate.capture_loss
    passed = high >= promised - allowed
    return Check(
        "promise",
        passed,
        capture - promised,
        -allowed,
        f"It captures {capture:.3f} (95 % interval {low:.3f} to {high:.3f}) where its backtest captured "
        f"{promised:.3f}, so it does {'not do worse than promised' if passed else 'worse than promised'} by "
        f"more than {allowed:g}.",
    )


def _drift(moved: pd.DataFrame) -> Check:
    most = moved.loc[SCORES].sort_values("psi").iloc[-1]
    passed = bool(most["psi"] <= max(SHIFTED, most["by_chance"]))
    return Check(
        "drift",
        passed,
        float(most["psi"]),
        SHIFTED,
        f"Scores have {'not ' if passed else ''}shifted since training: PSI {most['psi']:.2f}, and up to "
        f"{SHIFTED:g} is allowed.",
    )
