"""The sentence that opens the part on trust: capture in the backtest, and how much may be chance."""

from __future__ import annotations

from typing import Any

from ripple.training.evaluation.cutoff_evaluation import MODEL
from ripple.training.report.sections.trust.placebos import placebo_caveat
from ripple.training.report.text import words
from ripple.training.report.text.evaluated_cutoffs import evaluated_cutoffs
from ripple.training.result import TrainingResult


def trust_section(result: TrainingResult) -> dict[str, Any]:
    """The finding and the caveat that the part opens with."""
    backtest, top = result.evaluation.backtest, words.exact_percent(result.settings.top_share)
    return {
        "finding": (
            f"Ripple’s top {top} captured {words.estimate(*backtest.capture_interval(MODEL))} of the "
            f"possible value in {words.plural(len(evaluated_cutoffs(result)), 'backtest period')}; the best "
            f"simple rule, “{backtest.best_baseline}”, captured "
            f"{words.estimate(*backtest.capture_interval(backtest.best_baseline))}"
        ),
        "caveat": placebo_caveat(result),
    }
