"""The history of versions: how well each did, this run last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ripple.training.registry.history import PastVersion
from ripple.training.report.plots.lists import shares_by_cutoff
from ripple.training.report.text import words
from ripple.training.report.text.words import Cell
from ripple.training.result import TrainingResult

MAX_VERSIONS = 12
"""The number of latest versions that are shown."""
UNKNOWN = "not recorded"


def history_section(result: TrainingResult, past: Sequence[PastVersion]) -> dict[str, Any]:
    """A row per version and a figure; without rows where this run is the first."""
    if not past:
        return {"rows": [], "plot": "", "finding": ""}
    metrics = result.headline()
    own = PastVersion(
        "this run",
        result.population.as_of,
        metrics["capture"],
        metrics["best_baseline_capture"],
        metrics["predicted_share"],
    )
    shown = [*past[-MAX_VERSIONS + 1 :], own]
    names = [own.number if one is own else f"version {one.number}" for one in shown]
    return {
        "finding": (
            f"{words.percent(own.capture)} captured by this run, "
            f"{words.percent(shown[-2].capture)} by {names[-2]} before it"
        ),
        "plot": shares_by_cutoff(
            names,
            {
                "best possible": [1.0] * len(shown),
                "version": [one.capture for one in shown],
                "best simple rule": [one.rule_capture for one in shown],
            },
        ),
        "rows": [(name, _row(one)) for name, one in zip(names, shown, strict=True)],
    }


def _row(one: PastVersion) -> list[Cell]:
    return [
        Cell(words.day(one.as_of), one.as_of.timestamp()),
        words.cell(one.capture, words.percent(one.capture), UNKNOWN),
        words.cell(one.rule_capture, words.percent(one.rule_capture), UNKNOWN),
        words.cell(one.predicted_share, words.decimal(one.predicted_share), UNKNOWN),
    ]
