"""Whether the page can be trusted, in a sentence: how well the past was foreseen, and what may be chance."""

from __future__ import annotations

from typing import Any

from ripple.training.evaluation.evaluate import MODEL
from ripple.training.report.sections.trust.placebos import doubt
from ripple.training.report.text import words
from ripple.training.report.text.evaluated_cutoffs import judged
from ripple.training.result import Evidence


def trust(evidence: Evidence) -> dict[str, Any]:
    """The finding that the last part opens with."""
    backtest, top = evidence.backtest, words.share_name(evidence.settings.top_share)
    return {
        "finding": (
            f"In {words.plural(len(judged(evidence)), 'backtest period')} the top {top} by Ripple held "
            f"{words.estimate(*backtest.capture_interval(MODEL))} of the value that could have been found, "
            f"the best simple rule, “{backtest.best_baseline}”, "
            f"{words.estimate(*backtest.capture_interval(backtest.best_baseline))}"
        ),
        "doubt": doubt(evidence),
    }
