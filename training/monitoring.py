"""Whether a version still predicts well: its predictions against the values realised since its training.

Wherever a label window has closed since, the version scores the customers of that moment from what was
known then, as it does in service, and is evaluated like in the backtest: with every baseline, by the same
metrics.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import numpy as np
import pandas as pd
from mlflow.entities import Metric
from scipy.special import logit

from ripple.errors import InputError
from ripple.features.dataset import Dataset
from ripple.models.bundle import RANGE_SCORES, Bundle, FeatureMismatch
from ripple.models.value_range import Ranges, RangeScores
from ripple.progress import stage
from ripple.settings import Settings
from ripple.training.estimators.held_out import HeldOutPredictions
from ripple.training.evaluation import metrics
from ripple.training.evaluation.baselines import baselines
from ripple.training.evaluation.cutoff_evaluation import MODEL, Backtest, CutoffEvaluation, evaluate
from ripple.training.evaluation.drift import SCORES, SHIFTED, drift
from ripple.training.evaluation.membership_changes import ScoredVersion
from ripple.training.evaluation.slices import slice_masks
from ripple.training.examples.examples import Examples, attributes, examples_at, features_at, frame, labels_at
from ripple.training.examples.membership import top_members
from ripple.training.examples.targets import network_value_target
from ripple.training.registry.gate import Check, against_baselines, calibration, reasons_of
from ripple.training.registry.model_versions import Version
from ripple.training.registry.tracking import LONGEST_TAG, Store
from ripple.training.result import rows

logger = logging.getLogger(__name__)

MAX_CUTOFFS = 6
"""The largest number of cutoffs that are evaluated; the latest ones."""
TARGET_SETTINGS = ("horizon_days", "top_share", "currency", "model.winsorise", "credit.", "kinds.")
"""The settings, or sections of them, that define the target: under others, another value is realised."""
SERVED_METRICS = ("predicted_share", "coverage", "brier", "brier_base_rate")

Verdict = Literal["keep", "retrain", "wait"]


@dataclass(frozen=True)
class MonitoringResult:
    """The evaluation of a version since its training.

    Attributes:
        end: end of the data.
        backtest: evaluation at the cutoffs whose windows have closed since; None where nobody was credited in
            any of them.
        expected: metrics of its run, by name: `capture` and others of its backtest.
        drift: of features and scores since training, see `ripple.training.evaluation.drift`.
        checks: the conditions for keeping it.
        next_close: when the next window closes.
        windows: number of further closed windows that a training today could use.
        served: metrics of the scores that the service gave; see `evaluate_log`.
    """

    version: ScoredVersion
    end: datetime
    backtest: Backtest | None
    expected: Mapping[str, float]
    drift: pd.DataFrame
    checks: tuple[Check, ...]
    next_close: datetime
    windows: int
    served: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def verdict(self) -> Verdict:
        """The recommendation: wait where no window has closed and no check failed."""
        if not all(check.passed for check in self.checks):
            return "retrain"
        return "keep" if self.backtest else "wait"

    @property
    def reasons(self) -> list[str]:
        """The sentences of all checks that failed, or of all checks where none failed."""
        return reasons_of(self.checks)

    def figures(self) -> dict[str, float]:
        """The latest numbers, by name; those that are undefined are left out."""
        figures = {"psi": float(self.drift.loc[SCORES, "psi"].max())}
        if self.backtest:
            figures |= self.backtest.headline()
        return {name: value for name, value in figures.items() if math.isfinite(value)}

    def record(self) -> dict[str, Any]:
        """The findings as plain data; what is undefined is null."""
        backtest = self.backtest
        return {
            "version": self.version.number,
            "trained_until": self.version.as_of.isoformat(),
            "data_end": self.end.isoformat(),
            "verdict": self.verdict,
            "reasons": self.reasons,
            "checks": [check.record() for check in self.checks],
            "figures": self.figures(),
            "next_close": self.next_close.isoformat(),
            "windows_to_learn_from": self.windows,
            "best_baseline": backtest.best_baseline if backtest else None,
            "rankings": rows(backtest.rankings) if backtest else [],
            "heads": rows(backtest.heads) if backtest else [],
            "slices": rows(backtest.slices) if backtest else [],
            "drift": rows(self.drift.rename_axis("name").reset_index()),
            "answered": rows(self.served),
        }


def monitor(
    dataset: Dataset,
    version: ScoredVersion,
    parameters: Mapping[str, str],
    expected: Mapping[str, float],
    log: pd.DataFrame | None = None,
) -> MonitoringResult:
    """Evaluate *version* at the cutoffs whose windows have closed since its training data ended.

    Args:
        parameters, expected: parameters and metrics of its run.
        log: what the service answered; see `evaluate_log`.

    Raises:
        InputError: the data end before those that it was trained on, lack a feature that it needs, or are set
            to another target.
    """
    settings, start = dataset.settings, version.as_of
    end = settings.until or start
    _validate_target(version, parameters, settings, end)
    closed, next_close = _closed_cutoffs(start, end, settings)
    known = version.features.index
    evaluations = []
    for i, cutoff in enumerate(closed):
        logger.info(
            f"cutoff {cutoff:%Y-%m-%d}, whose window has closed: features and realised values",
            extra=stage("cutoffs", i, len(closed) + 1),
        )
        evaluations.append(_evaluation(examples_at(dataset, cutoff), version.bundle, known, settings))
    credited = [one for one in evaluations if one.held_out.at_top.any()]
    backtest = evaluate(credited, settings) if credited else None
    logger.info(
        f"features as of {end:%Y-%m-%d}, for drift", extra=stage("cutoffs", len(closed), len(closed) + 1)
    )
    now = version.bundle.encode(frame(features_at(dataset, end)), attributes(dataset, end))
    drift_table = drift(version.bundle, version.features, now, _scores(version.bundle, now))
    step = timedelta(days=settings.cutoffs.step_days)
    return MonitoringResult(
        version,
        end,
        backtest,
        expected,
        drift_table,
        tuple(_checks(evaluations, backtest, expected, drift_table, settings)),
        next_close,
        math.ceil((end - start) / step),
        evaluate_log(dataset, log, end) if log is not None else pd.DataFrame(),
    )


def record_monitoring(client: Store, version: Version, result: MonitoringResult) -> None:
    """Record the evaluation of a version: metrics and JSON in its run, the verdict as tags of the version."""
    when = int(result.end.replace(tzinfo=UTC).timestamp() * 1000)
    days = (result.end - result.version.as_of).days
    figures = [Metric(f"monitor.{name}", value, when, days) for name, value in result.figures().items()]
    client.log_batch(version.run_id, metrics=figures)
    client.log_dict(version.run_id, result.record(), f"monitor/{result.end:%Y-%m-%d}.json")
    tags = {
        "monitor": result.verdict,
        "monitor.until": f"{result.end:%Y-%m-%d}",
        "monitor.reasons": " ".join(result.reasons)[:LONGEST_TAG],
    }
    for name, value in tags.items():
        client.set_model_version_tag(client.registered_model, version.number, name, value)


def evaluate_log(dataset: Dataset, log: pd.DataFrame, end: datetime) -> pd.DataFrame:
    """The scores that the service gave, against the realised values of these customers.

    Who is asked about is not drawn at random: there is no capture, and totals are only of these customers.

    Args:
        log: one row per customer, `as_of` and `model_version`, as `serving.prediction_log.read_log` reads it.

    Returns:
        One row per `as_of` whose window has closed by *end* (the latest `MAX_CUTOFFS` at most) and
        `model_version`: `customers`, and `SERVED_METRICS` as in a `Backtest`.
    """
    settings = dataset.settings
    horizon = timedelta(days=settings.horizon_days)
    rows_of_log = []
    for as_of in sorted(moment for moment in log["as_of"].unique() if moment + horizon <= end)[-MAX_CUTOFFS:]:
        logger.info(f"realised values of the customers whom the service scored as of {as_of:%Y-%m-%d}")
        labels = frame(labels_at(dataset, pd.Timestamp(as_of).to_pydatetime()))
        value = pd.Series(network_value_target(labels, settings), labels.index)
        at_top = pd.Series(top_members(value.to_numpy(), settings.top_share), labels.index)
        for number, scores in log[log["as_of"] == as_of].groupby("model_version"):
            known = scores[scores["customer_id"].isin(labels.index)].set_index("customer_id")
            if known.empty:
                continue
            realised, member = value[known.index].to_numpy(), at_top[known.index].to_numpy()
            rows_of_log.append(
                {
                    "as_of": f"{as_of:%Y-%m-%d}",
                    "model_version": str(number),
                    "customers": len(known),
                    "predicted_share": metrics.ratio(known["network_value"].sum(), realised.sum()),
                    "coverage": metrics.coverage(
                        realised,
                        known["network_value_low"].to_numpy(),
                        known["network_value_high"].to_numpy(),
                    ),
                    "brier": metrics.brier(known["top_probability"].to_numpy(), member),
                    "brier_base_rate": metrics.brier(np.full(len(member), at_top.mean()), member),
                }
            )
    return pd.DataFrame(rows_of_log, columns=["as_of", "model_version", "customers", *SERVED_METRICS])


def _validate_target(
    version: ScoredVersion, parameters: Mapping[str, str], settings: Settings, end: datetime
) -> None:
    from ripple.training.registry.recording import flat  # mlflow is slow to import

    if end < version.as_of:
        raise InputError(
            f"The data end on {end:%Y-%m-%d}, before those that version {version.number} was trained on "
            f"({version.as_of:%Y-%m-%d}): nothing has been realised yet. Bring the data of today."
        )
    current = flat(settings.model_dump(mode="json"))
    other = [
        f"{name} = {current.get(name)} (trained with {trained})"
        for name, trained in parameters.items()
        if name.startswith(TARGET_SETTINGS) and str(current.get(name)) != trained
    ]
    if other:
        raise InputError(
            f"Version {version.number} predicts another target than these settings: {', '.join(other)}. "
            "Monitor it with the settings that it was trained with (--settings), or train again."
        )


def _closed_cutoffs(start: datetime, end: datetime, settings: Settings) -> tuple[list[datetime], datetime]:
    """The latest cutoffs from *start* on whose windows have closed by *end*, and when the next one does."""
    horizon, step = timedelta(days=settings.horizon_days), timedelta(days=settings.cutoffs.step_days)
    closed, cutoff = [], start
    while cutoff + horizon <= end:
        closed.append(cutoff)
        cutoff += step
    return closed[-MAX_CUTOFFS:], cutoff + horizon


def _evaluation(examples: Examples, bundle: Bundle, known: pd.Index, settings: Settings) -> CutoffEvaluation:
    features = bundle.encode(examples.features, examples.attributes)
    scores, value = _scores(bundle, features), network_value_target(examples.realised, settings)
    predicted = scores["network_value"].to_numpy()
    probability = scores["top_probability"].to_numpy()
    unknown = pd.Series(np.nan, scores.index)  # a version before the heads of a range does not tell it
    return CutoffEvaluation(
        f"{examples.cutoff:%Y-%m-%d}",
        features.index,
        HeldOutPredictions(
            scores["network_value"].to_numpy(),
            logit(probability),
            RangeScores(*[unknown.to_numpy()] * 3),
            value,
            top_members(value, settings.top_share),
        ),
        {MODEL: predicted} | baselines(features, examples.credited),
        Ranges(
            *(
                scores.get(name, unknown).to_numpy()
                for name in ("network_value_low", "network_value_high", *RANGE_SCORES)
            ),
        ),
        {MODEL: probability},
        dict(slice_masks(features, examples.attributes, ~features.index.isin(known))),
    )


def _scores(bundle: Bundle, features: pd.DataFrame) -> pd.DataFrame:
    try:
        return bundle.score(features)
    except FeatureMismatch as error:
        raise InputError(f"The data lack what the version was trained on. {error}") from error


def _checks(
    evaluations: Sequence[CutoffEvaluation],
    backtest: Backtest | None,
    expected: Mapping[str, float],
    drift_table: pd.DataFrame,
    settings: Settings,
) -> Iterator[Check]:
    empty = [one.cutoff for one in evaluations if not one.held_out.at_top.any()]
    if empty:
        yield Check(
            "credit",
            False,
            0.0,
            None,
            f"After {', '.join(empty)} nobody was credited with revenue of others, though the version "
            "predicted some: check that interactions and orders still arrive.",
        )
    if backtest:
        yield against_baselines(backtest, settings)
        if "capture" in expected:
            yield _against_backtest(backtest, expected["capture"], settings)
        yield from calibration(backtest, settings)
    else:
        # realised values say more than drift, once there are any
        yield _drift(drift_table)


def _against_backtest(backtest: Backtest, expected: float, settings: Settings) -> Check:
    capture, low, high = backtest.capture_interval(MODEL)
    allowed = settings.gate.capture_loss
    passed = high >= expected - allowed
    return Check(
        "promise",
        passed,
        capture - expected,
        -allowed,
        f"It captures {capture:.3f} (95 % interval {low:.3f} to {high:.3f}) where its backtest captured "
        f"{expected:.3f}, so it does {'not do ' if passed else ''}worse than in its backtest "
        f"by more than {allowed:g}.",
    )


def _drift(drift_table: pd.DataFrame) -> Check:
    most = drift_table.loc[SCORES].sort_values("psi").iloc[-1]
    passed = bool(most["psi"] <= max(SHIFTED, most["by_chance"]))
    return Check(
        "drift",
        passed,
        float(most["psi"]),
        SHIFTED,
        f"Scores have {'not ' if passed else ''}shifted since training: PSI {most['psi']:.2f}, and up to "
        f"{SHIFTED:g} is allowed.",
    )
