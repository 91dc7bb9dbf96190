"""The quality of a run in words, and what its list may be used for. All thresholds are here.

docs/reviewer.md lists the same thresholds for readers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ripple.training.evaluation.cutoff_evaluation import MODEL
from ripple.training.report.sections.trust.placebos import no_influence_notice, value_meaning
from ripple.training.report.text import words
from ripple.training.result import TrainingResult

Word = Literal["good", "fair", "poor", "not known"]
Use = Literal["forecast", "shortlist", "simple rule", "nothing"]

GOOD_CAPTURE, FAIR_CAPTURE = 0.5, 0.25
"""The mean captures from which the list is good, or fair."""
GOOD_SKILL, FAIR_SKILL = 0.1, 0.0
"""The Brier skill scores (1 − Brier score ÷ that of the same probability for everybody) from which the
probabilities are good, or fair."""
GOOD_FACTOR, FAIR_FACTOR = 1.25, 2.0
"""The factors between predicted and realised amounts up to which amounts are good, or fair."""
GOOD_COVERAGE_GAP, FAIR_COVERAGE_GAP = 0.05, 0.15
"""The distances of a coverage from the nominal one up to which intervals are good, or fair."""
GOOD_CHANCE, FAIR_CHANCE = 0.2, 0.5
"""The shares of the credited value that may be chance up to which that is good, or fair."""
MIN_CUTOFFS = 3
"""The number of evaluated cutoffs from which on amounts may be used as a forecast."""


@dataclass(frozen=True)
class Property:
    """One property of the run: its name for readers, a word for it, and the number behind the word."""

    name: str
    word: Word
    text: str


@dataclass(frozen=True)
class Quality:
    """The word for the whole run, the four properties behind it, and the use that the evidence allows.

    Attributes:
        word: "poor" if capture or lead is poor, "good" if all four are good, and else "fair".
    """

    word: Word
    use: Use
    capture: Property
    lead: Property
    reliability: Property
    calibration: Property

    @property
    def properties(self) -> tuple[Property, ...]:
        """The four properties, in the order of the page."""
        return self.capture, self.lead, self.reliability, self.calibration


def at_least(value: float, good: float, fair: float) -> Word:
    """The word for a number that is better the higher it is."""
    if not math.isfinite(value):
        return "not known"
    return "good" if value >= good else "fair" if value >= fair else "poor"


def at_most(value: float, good: float, fair: float) -> Word:
    """The word for a number that is better the lower it is."""
    return at_least(-value, -good, -fair)


def factor_off(ratio: float) -> float:
    """How far off a ratio predicted ÷ realised is, as a factor of 1 or more; nan where it is not known."""
    return max(ratio, 1 / ratio) if math.isfinite(ratio) and ratio > 0 else math.nan


def lead_word(low: float, high: float) -> Word:
    """The word for the lead over the best simple rule, by its 95 % interval."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return "not known"
    return "good" if low > 0 else "poor" if high < 0 else "fair"


def quality(result: TrainingResult) -> Quality:
    """The quality of *result* at its evaluated cutoffs."""
    capture, lead = _capture(result), _lead(result)
    reliability, calibration = _reliability(result), _calibration(result)
    words_ = [one.word for one in (capture, lead, reliability, calibration)]
    word: Word = "fair"
    if "not known" in words_[:2]:
        word = "not known"
    elif "poor" in words_[:2]:
        word = "poor"
    elif set(words_) == {"good"}:
        word = "good"
    use = _use(result, lead, calibration)
    return Quality(word, use, capture, lead, reliability, calibration)


def _use(result: TrainingResult, lead: Property, calibration: Property) -> Use:
    """The use that the evidence allows: amounts are a forecast only if they were right at every cutoff."""
    if no_influence_notice(result) is not None and value_meaning(result) == "noise":
        return "nothing"
    if lead.word == "poor":
        return "simple rule"
    covered = coverage_word(top_coverage(result), result.settings.model.interval)
    enough = len(result.evaluation.backtest.heads) >= MIN_CUTOFFS
    return "forecast" if calibration.word == covered == "good" and enough else "shortlist"


def _capture(result: TrainingResult) -> Property:
    backtest = result.evaluation.backtest
    capture = backtest.capture(MODEL)
    text = f"{words.percent(capture)} of what the best possible list held" if math.isfinite(capture) else ""
    return Property("Finds the right customers", at_least(capture, GOOD_CAPTURE, FAIR_CAPTURE), text)


def _lead(result: TrainingResult) -> Property:
    backtest = result.evaluation.backtest
    word = lead_word(*backtest.lead[1:])
    conclusion = {"good": "clearly less", "fair": "no clear difference", "poor": "more"}.get(word)
    rule = words.percent(backtest.capture(backtest.best_baseline))
    text = f"the rule’s list held {rule}: {conclusion}" if conclusion else ""
    return Property("Better than a simple rule", word, text)


def _reliability(result: TrainingResult) -> Property:
    skill = brier_skill(result)
    text = f"{words.percent(skill)} less error than guessing" if math.isfinite(skill) else ""
    if skill < 0:
        text = f"{words.percent(-skill)} more error than guessing"
    return Property("Chances are right", at_least(skill, GOOD_SKILL, FAIR_SKILL), text)


def brier_skill(result: TrainingResult) -> float:
    """The mean Brier skill score over the evaluated cutoffs where it is known."""
    heads = result.evaluation.backtest.heads
    skill = 1 - heads["brier"] / heads["brier_base_rate"]
    return float(skill[np.isfinite(skill)].mean())


def _calibration(result: TrainingResult) -> Property:
    worst = worst_factor(result)
    text = f"off by up to {words.decimal(worst)} times" if math.isfinite(worst) else ""
    return Property("Amounts are right", at_most(worst, GOOD_FACTOR, FAIR_FACTOR), text)


def worst_factor(result: TrainingResult) -> float:
    """The largest factor, at any evaluated cutoff, by which the total or the amount of the top was off."""
    ratios = [
        *result.evaluation.backtest.heads["predicted_share"],
        *(one.ratio for one in result.judged_tops),
    ]
    factors = [factor for ratio in ratios if math.isfinite(factor := factor_off(float(ratio)))]
    return max(factors, default=math.nan)


def coverage_word(coverage: float, nominal: float) -> Word:
    """The word for the share of realised values inside their interval."""
    return at_most(abs(coverage - nominal), GOOD_COVERAGE_GAP, FAIR_COVERAGE_GAP)


def top_coverage(result: TrainingResult) -> float:
    """The share of customers on past lists, over all cutoffs, whose realised value lay in their interval."""
    known = [one for one in result.judged_tops if math.isfinite(one.coverage)]
    customers = sum(one.customers for one in known)
    return sum(one.coverage * one.customers for one in known) / customers if customers else math.nan
