"""What the run was made from: tables, rows set aside, features that could not be made, and cutoffs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ripple.features.registry import Feature, features
from ripple.features.tables.contract import CONTRACT
from ripple.features.validation.checks import Report
from ripple.training.report.text import words
from ripple.training.report.text.evaluated_cutoffs import judged, left_out
from ripple.training.report.text.words import Cell
from ripple.training.result import TrainingResult

NEEDS: Mapping[str, str] = {
    "usage": "usage",
    "users": "usage",
    "feature_use": "usage",
    "first_use": "usage",
    "contacts": "interactions",
    "invited": "interactions",
    "referred": "interactions",
    "feedback": "feedback",
}
"""View → the optional table it is made from."""
COLUMNS: Mapping[str, tuple[str, str]] = {
    "user_id": ("usage", "user_id"),
    "margin": ("orders", "margin"),
    "delay": ("catalog", "released_at"),
    "advanced": ("catalog", "tier"),
    "last_use_age": ("usage", "occurred_at"),
}
"""What a feature reads → the table and the column that it comes from."""


def sources(result: TrainingResult) -> dict[str, Any]:
    """Rows by table, period, what is absent and what that costs, rows set aside and the cutoffs."""
    checks, plan = result.checks, result.schedule
    return {
        "finding": (
            f"The run read {words.count(sum(checks.rows.values()))} rows in "
            f"{words.plural(len(checks.rows), 'table')}, from {words.day(checks.start)} to "
            f"{words.day(result.as_of)}, and set {_aside(checks)} of them aside"
        ),
        "tables": [
            (
                name,
                Cell(words.count(checks.rows[name]), float(checks.rows[name]))
                if name in checks.rows
                else Cell("absent", None, missing=True),
            )
            for name in CONTRACT
        ],
        "lost": _lost(result),
        "aside": [
            (finding.count, *finding.key.split(": ", 1), finding.remedy) for finding in checks.set_aside
        ],
        "features": len(result.bundle.spec.names),
        "cutoffs": [
            (
                cutoff,
                cutoff + plan.horizon,
                len(closed := plan.training_for(cutoff)),
                closed[0],
                closed[-1],
            )
            for cutoff in judged(result)
        ],
        "left_out": [words.day(cutoff) for cutoff in left_out(result)],
        "final": len(plan.training_for(result.as_of)),
        "first": plan.grid[0],
        "last": plan.training_for(result.as_of)[-1],
        "horizon_days": result.settings.horizon_days,
        "step_days": result.settings.cutoffs.step_days,
    }


def _aside(checks: Report) -> str:
    return words.count(sum(finding.count for finding in checks.set_aside)) if checks.set_aside else "none"


def _lost(result: TrainingResult) -> list[tuple[str, list[str]]]:
    """What is missing → the features that could not be made without it."""
    made = set(result.bundle.spec.names)
    lost: dict[str, list[str]] = {}
    for feature in features(result.settings.features):
        if feature.name not in made:
            cause = _missing(feature, result.checks.absent)
            lost.setdefault(cause, []).append(words.spoken(feature.name))
    for table in result.checks.absent:
        lost.setdefault(f"the table {table}", [])
    return list(lost.items())


def _missing(feature: Feature, absent: list[str]) -> str:
    table = NEEDS.get(feature.view)
    if feature.view == "matrix":
        table = "usage"
    if table in absent:
        return f"the table {table}"
    for need in feature.needs:
        if need in COLUMNS:
            table, column = COLUMNS[need]
            return f"the table {table}" if table in absent else f"the column {table}.{column}"
    return "an optional column"
