"""The gate: whether a version may become champion by itself, and why.

A version that passes takes the place of the champion. One that does not is registered as challenger, and a
person may promote it with a reason. One that says nothing is not registered at all.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ripple.settings import Settings
from ripple.training.evaluation.comparison import Comparison, Incomparable, compare
from ripple.training.evaluation.cutoff_evaluation import MODEL, Backtest
from ripple.training.evaluation.out_of_sample import CUTOFF
from ripple.training.result import TrainingResult

CAPTURE = "capture"
CHANCE_BRIER = 1.05
"""Brier score ÷ that of always saying the base rate, above which probabilities are worse than none."""
NOTHING = 0.99
"""Doubtful share of the credited value from which on there is nothing that a model could foresee."""


@dataclass(frozen=True)
class Check:
    """One condition: whether it holds, what was found, what is allowed, and both in a sentence."""

    name: str
    passed: bool
    found: float | None
    limit: float | None
    text: str


def reasons_of(checks: Sequence[Check]) -> list[str]:
    """Sentences for all that failed; those for all that held where nothing did."""
    failed = [check.text for check in checks if not check.passed]
    return failed or [check.text for check in checks]


@dataclass(frozen=True)
class Decision:
    """What the gate found.

    Attributes:
        champion: number of the version compared with; None where there was none.
        comparison: with it; None where there was none, or where the two cannot be compared.
        rejection_reason: why the version is not even registered; None where it is.
    """

    champion: str | None
    comparison: Comparison | None
    checks: tuple[Check, ...]
    rejection_reason: str | None = None

    @property
    def passed(self) -> bool:
        """Whether the version may become champion by itself."""
        return self.rejection_reason is None and all(check.passed for check in self.checks)

    @property
    def title(self) -> str:
        """The decision in half a sentence."""
        failed = [check.name for check in self.checks if not check.passed]
        if self.rejection_reason is not None:
            return "Nothing is registered: the run found nothing to foresee"
        if failed:
            return f"It did not pass {len(failed)} of {len(self.checks)} checks: {', '.join(failed)}"
        return f"It passed all {len(self.checks)} checks"

    @property
    def reasons(self) -> list[str]:
        """Sentences for all that failed; those for all that held where nothing did."""
        if self.rejection_reason is not None:
            return [self.rejection_reason]
        return reasons_of(self.checks)

    @property
    def told(self) -> list[str]:
        """What goes with the title: all reasons against it, or how it compares with the champion."""
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
            "checks": [asdict(check) for check in self.checks],
            "comparison": self.comparison.record() if self.comparison else None,
        }


def decide(result: TrainingResult, champion: str | None, rival: pd.DataFrame | None) -> Decision:
    """Put the version that *result* tells of before the gate.

    Args:
        champion: number of the present champion.
        rival: its out-of-sample predictions; None where it has none.
    """
    comparison = None
    if champion is None:
        capture = against_rules(result.backtest, result.settings)
        capture = replace(capture, text=f"{capture.text} There is no champion to compare with.")
    else:
        capture, comparison = _against(result, champion, rival)
    checks = (
        capture,
        *calibration(result.backtest, result.settings),
        _placebo(result),
        *_data(result),
    )
    return Decision(champion, comparison, checks, _nonsense(result))


def doubtful_share(result: TrainingResult) -> float:
    """Of the network value credited in the latest closed window, the share that may be coincidence.

    A recorded referral is none. Of influence it is what the placebos find, or all where none was found.
    """
    totals = result.label_totals
    if totals["network_value"] <= 0:
        return 1.0
    influence = totals["influence_value"] / totals["network_value"]
    tested = result.robustness
    return influence * (min(tested.placebo_share, 1.0) if tested and tested.has_influence else 1.0)


def _nonsense(result: TrainingResult) -> str | None:
    if doubtful_share(result) >= NOTHING:
        return (
            "No influence was found and next to no referral was recorded: what the label credits cannot be "
            "told from noise, nor can what a model foresees of it. Check that interactions hold referrals, "
            "or the contacts through which customers learn of what others buy."
        )
    if np.ptp(result.scores["network_value"].to_numpy()) == 0:
        return (
            "The model gives every customer the same network value: it learnt nothing that tells them apart. "
            "Bring more history or more tables."
        )
    return None


def _against(
    result: TrainingResult, champion: str, rival: pd.DataFrame | None
) -> tuple[Check, Comparison | None]:
    settings = result.settings
    try:
        if rival is None:
            raise Incomparable(f"Version {champion} holds no out-of-sample predictions.")
        found = compare(result.out_of_sample, rival, settings.top_share, settings.seed)
    except Incomparable as error:
        text = f"Cannot be compared with the champion, version {champion}. {error}"
        return Check(CAPTURE, False, None, None, text), None
    allowed = settings.gate.capture_loss
    passed = found.high >= 0 and found.difference >= -allowed
    told = (
        f"It captures {found.capture:.3f} where the champion, version {champion}, captures "
        f"{found.rival:.3f} at the same {len(found.cutoffs)} closed cutoffs: {found.difference:+.3f} "
        f"(95 % interval {found.low:+.3f} to {found.high:+.3f})"
    )
    if passed:
        verdict = "so it is no worse"
    elif found.high < 0:
        verdict = "so it is worse"
    else:
        verdict = f"so it may be as good, but loses more than gate.capture_loss = {allowed:g}"
    return Check(CAPTURE, passed, found.difference, -allowed, f"{told}, {verdict}."), found


def against_rules(judged: Backtest, settings: Settings) -> Check:
    """Whether the model is shown to be worse than the best simple rule by more than may be lost."""
    allowed, (lead, low, high) = settings.gate.capture_loss, judged.lead
    passed = bool(high >= -allowed)
    return Check(
        CAPTURE,
        passed,
        _known(lead),
        -allowed,
        f"It captures {judged.capture(MODEL):.3f}, the best simple rule ({judged.best_baseline}) "
        f"{judged.capture(judged.best_baseline):.3f}: {lead:+.3f} (95 % interval {low:+.3f} to "
        f"{high:+.3f}), so it is {'not shown to be ' if passed else ''}worse than "
        f"that rule by more than {allowed:g}.",
    )


def calibration(judged: Backtest, settings: Settings) -> Iterator[Check]:
    """Level, coverage and probabilities."""
    found = judged.calibration
    if math.isnan(found["predicted_share"]):
        yield Check(
            "calibration",
            False,
            None,
            None,
            "Calibration is unknown: before no judged cutoff had another closed to calibrate on. Bring more "
            "history, or shorten horizon_days or cutoffs.history_days.",
        )
        return
    factor = settings.gate.level_factor
    total = found["predicted_share"]
    yield Check(
        "level",
        1 / factor <= total <= factor,
        total,
        factor,
        f"Predicted ÷ realised total is {total:.2f}, the median of the judged cutoffs; {1 / factor:.2f} to "
        f"{factor:.2f} is allowed.",
    )
    least, coverage = settings.model.interval - settings.gate.coverage_loss, found["coverage"]
    yield Check(
        "coverage",
        coverage >= least,
        coverage,
        least,
        f"The {settings.model.interval:.0%} interval held {coverage:.1%} of what came true; {least:.0%} is "
        "the least allowed.",
    )
    brier = found["brier"] / found["brier_base_rate"]
    yield Check(
        "probability",
        brier <= CHANCE_BRIER,
        brier,
        CHANCE_BRIER,
        f"The Brier score of the top is {brier:.2f} times that of always saying the base rate; up to "
        f"{CHANCE_BRIER:g} is allowed.",
    )


def _placebo(result: TrainingResult) -> Check:
    found, limit = doubtful_share(result), result.settings.gate.doubtful_share
    tested = result.robustness
    absent = "" if tested is None or tested.has_influence else "No influence was found. "
    return Check(
        "placebo",
        found <= limit,
        found,
        limit,
        f"{absent}Up to {found:.0%} of the credited value may be coincidence; {limit:.0%} is allowed.",
    )


def _data(result: TrainingResult) -> Iterator[Check]:
    limits, checks = result.settings.gate, result.checks
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
    realised = result.predictions.groupby(CUTOFF)["realised"]
    held = (realised.max() / realised.sum()).max()
    yield Check(
        "single customer",
        bool(held <= limits.single_share),
        _known(float(held)),
        limits.single_share,
        f"One customer holds {held:.0%} of the network value that came true after a judged cutoff; "
        f"{limits.single_share:.0%} is allowed, since the judgement would hang on that one. model.winsorise "
        "caps such values.",
    )


def _known(number: float) -> float | None:
    return number if math.isfinite(number) else None
