"""Whether the page can be trusted, in a sentence: how well the past was foreseen, and what may be chance."""

from __future__ import annotations

from typing import Any

from ripple.training.evaluation.cutoff_evaluation import MODEL
from ripple.training.report.sections.trust.placebos import doubt
from ripple.training.report.text import words
from ripple.training.report.text.evaluated_cutoffs import judged
from ripple.training.result import TrainingResult


def trust(result: TrainingResult) -> dict[str, Any]:
    """The finding that the last part opens with."""
    backtest, top = result.backtest, words.share_name(result.settings.top_share)
    return {
        "finding": (
            f"In {words.plural(len(judged(result)), 'backtest period')} the top {top} by Ripple held "
            f"{words.estimate(*backtest.capture_interval(MODEL))} of the value that could have been found, "
            f"the best simple rule, “{backtest.best_baseline}”, "
            f"{words.estimate(*backtest.capture_interval(backtest.best_baseline))}"
        ),
        "doubt": doubt(result),
    }
