"""The gate: whether a version may become champion by itself, and why.

A version that passes takes the place of the champion. One that does not is registered as challenger, and a
person may promote it with a reason. One whose label or scores are noise is not registered at all.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from ripple.settings import Settings
from ripple.training.evaluation.comparison import Comparison, Incomparable, compare
from ripple.training.evaluation.cutoff_evaluation import MODEL, POOLED, Backtest
from ripple.training.evaluation.prediction_table import CUTOFF
from ripple.training.result import TrainingResult

CAPTURE = "capture"
MAX_BRIER_RATIO = 1.05
"""The largest Brier score allowed, as a multiple of that of the base rate as a constant forecast."""
MAX_CHANCE_SHARE = 0.99
"""The share of the attributed value that may be due to chance from which on a version is not registered."""


@dataclass(frozen=True)
class Check:
    """One condition of the gate.

    Attributes:
        value, limit: what was measured and what is allowed; None where it is undefined.
        text: both in a sentence.
    """

    name: str
    passed: bool
    value: float | None
    limit: float | None
    text: str

    def record(self) -> dict[str, Any]:
        """The check as plain data."""
        return {
            "name": self.name,
            "passed": self.passed,
            "found": self.value,
            "limit": self.limit,
            "text": self.text,
        }


def reasons_of(checks: Sequence[Check]) -> list[str]:
    """The sentences of all checks that failed, or of all checks where none failed."""
    failed = [check.text for check in checks if not check.passed]
    return failed or [check.text for check in checks]


@dataclass(frozen=True)
class Decision:
    """The decision of the gate.

    Attributes:
        champion: number of the champion that the version was compared with; None where there was none.
        comparison: with the champion; None where there was none, or where the two cannot be compared.
        rejection_reason: why the version is not even registered; None where it is.
        warnings: sentences that a person should know; they keep no version from becoming champion.
    """

    champion: str | None
    comparison: Comparison | None
    checks: tuple[Check, ...]
    rejection_reason: str | None = None
    warnings: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether the version may become champion by itself."""
        return self.rejection_reason is None and all(check.passed for check in self.checks)

    @property
    def title(self) -> str:
        """The decision in half a sentence."""
        failed = [check.name for check in self.checks if not check.passed]
        if self.rejection_reason is not None:
            return "Nothing is registered: the run found nothing to predict"
        if failed:
            return f"It did not pass {len(failed)} of {len(self.checks)} checks: {', '.join(failed)}"
        return f"It passed all {len(self.checks)} checks"

    @property
    def reasons(self) -> list[str]:
        """The sentences of all checks that failed, or of all checks where none failed."""
        if self.rejection_reason is not None:
            return [self.rejection_reason]
        return reasons_of(self.checks)

    @property
    def summary(self) -> list[str]:
        """The sentences below the title: the reasons against, or the comparison with the champion."""
        if self.passed:
            return [check.text for check in self.checks if check.name == CAPTURE and self.champion]
        return self.reasons

    def record(self) -> dict[str, Any]:
        """The decision as plain data, for gate.json."""
        return {
            "passed": self.passed,
            "registered": self.rejection_reason is None,
            "champion": self.champion,
            "reasons": self.reasons,
            "checks": [check.record() for check in self.checks],
            "warnings": list(self.warnings),
            "comparison": self.comparison.record() if self.comparison else None,
        }


def decide(
    result: TrainingResult,
    champion: str | None,
    rival: pd.DataFrame | None,
    champion_as_of: datetime | None = None,
) -> Decision:
    """Decide whether the version trained in *result* may become champion.

    Args:
        champion: number of the present champion.
        rival: its out-of-sample predictions; None where it has none.
        champion_as_of: end of the data of the champion; None where it is not known.
    """
    comparison = None
    if champion is None:
        capture = against_baselines(result.evaluation.backtest, result.settings)
        capture = replace(capture, text=f"{capture.text} There is no champion to compare with.")
    else:
        is_newer = champion_as_of is not None and champion_as_of > result.population.as_of
        capture, comparison = _against_champion(result, champion, rival, is_newer)
    checks = (
        capture,
        *calibration(result.evaluation.backtest, result.settings),
        *_business(result.evaluation.backtest),
        _placebo(result),
        *_data(result),
    )
    return Decision(champion, comparison, checks, _rejection_reason(result), tuple(_warnings(result)))


def _warnings(result: TrainingResult) -> Iterator[str]:
    """A sentence for each negative control of which too much is credited, beyond its error."""
    limit = result.settings.controls.credited_share
    for control in result.label.controls.findings() if result.label.controls else ():
        if control.exceeds(limit):
            yield (
                f"{control.text} More than {limit:.0%} is a sign that likeness, campaigns or ties that no "
                "table shows pass for influence."
            )


def _rejection_reason(result: TrainingResult) -> str | None:
    if result.label.chance_share >= MAX_CHANCE_SHARE:
        return (
            f"{_absence(result)} Next to no referral was recorded either: the label is noise, and so are "
            "predictions of it. Check that interactions hold referrals, or the contacts through which "
            "customers learn what others buy, and that several customers buy the same products."
        )
    if np.ptp(result.population.scores["network_value"].to_numpy()) == 0:
        return (
            "The model predicts the same network value for every customer. Bring more history or more tables."
        )
    return None


def _absence(result: TrainingResult) -> str:
    tested = result.label.robustness
    return tested.absence if tested else "No influence was found."


def _against_champion(
    result: TrainingResult, champion: str, rival: pd.DataFrame | None, champion_is_newer: bool
) -> tuple[Check, Comparison | None]:
    settings = result.settings
    try:
        if rival is None:
            raise Incomparable(f"Version {champion} holds no out-of-sample predictions.")
        comparison = compare(result.evaluation.out_of_sample, rival, settings.top_share, settings.seed)
    except Incomparable as error:
        text = f"Cannot be compared with the champion, version {champion}. {error}"
        return Check(CAPTURE, False, None, None, text), None
    allowed = settings.gate.capture_loss
    # the interval contains losses that would not be allowed, and no loss alike
    undecided = comparison.low < -allowed and comparison.high >= 0
    passed = (
        comparison.high >= 0 and comparison.difference >= -allowed and not (undecided and champion_is_newer)
    )
    measured = (
        f"It captures {comparison.capture:.3f} where the champion, version {champion}, captures "
        f"{comparison.rival:.3f} at the same {len(comparison.cutoffs)} closed cutoffs: "
        f"{comparison.difference:+.3f} (95 % interval {comparison.low:+.3f} to {comparison.high:+.3f})"
    )
    if comparison.high < 0:
        verdict = "so it is worse"
    elif comparison.difference < -allowed:
        verdict = f"so it may be as good, but loses more than gate.capture_loss = {allowed:g}"
    elif not undecided:
        verdict = f"so it is not worse by more than gate.capture_loss = {allowed:g}"
    else:
        verdict = "which is too little to tell whether it is worse"
        if champion_is_newer:
            verdict += ", and the champion was trained on later data"
    return Check(CAPTURE, passed, comparison.difference, -allowed, f"{measured}, {verdict}."), comparison


def against_baselines(backtest: Backtest, settings: Settings) -> Check:
    """Whether the model is not significantly worse than the best baseline by more than may be lost."""
    allowed, (lead, low, high) = settings.gate.capture_loss, backtest.lead
    passed = bool(high >= -allowed)
    return Check(
        CAPTURE,
        passed,
        _finite(lead),
        -allowed,
        f"It captures {backtest.capture(MODEL):.3f}, the best simple rule ({backtest.best_baseline}) "
        f"{backtest.capture(backtest.best_baseline):.3f}: {lead:+.3f} (95 % interval {low:+.3f} to "
        f"{high:+.3f}), so it is {'not shown to be ' if passed else ''}worse than "
        f"that rule by more than {allowed:g}.",
    )


def calibration(backtest: Backtest, settings: Settings) -> Iterator[Check]:
    """The checks of the level, of the coverage and of the probabilities."""
    measured = backtest.calibration
    if math.isnan(measured["predicted_share"]):
        yield Check(
            "calibration",
            False,
            None,
            None,
            "Calibration is unknown: no evaluation cutoff had a closed one before it to calibrate on. Bring "
            "more history, or shorten horizon_days or cutoffs.history_days.",
        )
        return
    factor = settings.gate.level_factor
    total = measured["predicted_share"]
    yield Check(
        "level",
        1 / factor <= total <= factor,
        total,
        factor,
        f"Predicted ÷ realised total is {total:.2f}, the median of the evaluation cutoffs; "
        f"{1 / factor:.2f} to {factor:.2f} is allowed.",
    )
    least, coverage = settings.model.interval - settings.gate.coverage_loss, measured["coverage"]
    yield Check(
        "coverage",
        coverage >= least,
        coverage,
        least,
        f"The {settings.model.interval:.0%} interval held {coverage:.1%} of the realised values; at "
        f"least {least:.0%} is required.",
    )
    brier = measured["brier"] / measured["brier_base_rate"]
    yield Check(
        "probability",
        brier <= MAX_BRIER_RATIO,
        brier,
        MAX_BRIER_RATIO,
        f"The Brier score of top membership is {brier:.2f} times that of the base rate; up to "
        f"{MAX_BRIER_RATIO:g} is allowed.",
    )


def _business(backtest: Backtest) -> Iterator[Check]:
    """The checks of the metrics that a user adds with a limit."""
    pooled = backtest.rankings[backtest.rankings["cutoff"] == POOLED].set_index("ranking")
    for metric in backtest.business:
        if metric.at_least is None:
            continue
        value = float(pooled[metric.name][MODEL])
        yield Check(
            metric.name,
            value >= metric.at_least,
            _finite(value),
            metric.at_least,
            f"{metric.name} is {value:g}, the mean of the evaluation cutoffs; "
            f"at least {metric.at_least:g} is required.",
        )


def _placebo(result: TrainingResult) -> Check:
    share, limit = result.label.chance_share, result.settings.gate.doubtful_share
    tested = result.label.robustness
    absent = "" if tested is None or tested.has_influence else f"{tested.absence} "
    return Check(
        "placebo",
        share <= limit,
        share,
        limit,
        f"{absent}Up to {share:.0%} of the attributed value may be due to chance; {limit:.0%} is allowed.",
    )


def _data(result: TrainingResult) -> Iterator[Check]:
    limits, checks = result.settings.gate, result.data.checks
    aside: dict[str, int] = {}
    for finding in checks.set_aside:
        table = finding.key.partition(".")[0]
        aside[table] = aside.get(table, 0) + finding.count
    shares = {table: count / max(checks.rows[table], 1) for table, count in aside.items()}
    worst = max(shares, key=lambda table: shares[table], default=None)
    share = shares[worst] if worst else 0.0
    yield Check(
        "rows set aside",
        share <= limits.set_aside_share,
        share,
        limits.set_aside_share,
        f"Of {worst or 'every table'}, {share:.1%} of the rows broke a rule and were set aside; "
        f"{limits.set_aside_share:.0%} is allowed.",
    )
    realised = result.evaluation.predictions.groupby(CUTOFF)["realised"]
    largest_share = (realised.max() / realised.sum()).max()
    yield Check(
        "single customer",
        bool(largest_share <= limits.single_share),
        _finite(float(largest_share)),
        limits.single_share,
        f"One customer holds {largest_share:.0%} of the network value realised after an evaluation cutoff; "
        f"{limits.single_share:.0%} is allowed, since the evaluation would depend on that one. "
        "model.winsorise caps such values.",
    )


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None
