"""The table that opens the part on trust, and how many of its answers are good."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ripple.training.report.sections.trust.trust_table import trust_table
from ripple.training.result import TrainingResult


def trust_section(result: TrainingResult) -> dict[str, Any]:
    """The finding that the part opens with, and the rows of its table."""
    rows = trust_table(result)
    counts = Counter(row.word for row in rows)
    are = "is" if counts["good"] == 1 else "are"
    return {
        "finding": (
            f"{counts['good']} of {len(rows)} answers {are} good, {counts['fair']} fair, "
            f"{counts['poor']} poor" + (f", {counts['not known']} not known" if counts["not known"] else "")
        ),
        "rows": rows,
    }
