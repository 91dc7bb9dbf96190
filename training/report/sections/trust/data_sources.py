"""The data of the run: tables, rows set aside, missing features, and cutoffs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ripple.features.registry import Feature, features
from ripple.features.tables.contract import CONTRACT
from ripple.features.validation.findings import Report
from ripple.training.report.text import words
from ripple.training.report.text.evaluated_cutoffs import evaluated_cutoffs, skipped_cutoffs
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
"""The optional table that each view is made from."""
COLUMNS: Mapping[str, tuple[str, str]] = {
    "user_id": ("usage", "user_id"),
    "margin": ("orders", "margin"),
    "delay": ("catalog", "released_at"),
    "advanced": ("catalog", "tier"),
    "last_use_age": ("usage", "occurred_at"),
}
"""The table and the column of each optional input of a feature."""


def data_sources_section(result: TrainingResult) -> dict[str, Any]:
    """Rows by table, the period, what is missing, set aside or odd, and the cutoffs."""
    checks, plan = result.data.checks, result.data.schedule
    return {
        "finding": (
            f"{words.count(sum(checks.rows.values()))} rows in {words.plural(len(checks.rows), 'table')} "
            f"were read, from {words.day(checks.start)} to {words.day(result.population.as_of)}; "
            f"{_rows_set_aside(checks)} of them were set aside"
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
        "missing": _missing_features(result),
        "set_aside": [
            (finding.count, *finding.key.split(": ", 1), finding.remedy) for finding in checks.set_aside
        ],
        "warnings": checks.warnings,
        "features": len(result.population.bundle.spec.names),
        "cutoffs": [
            (
                cutoff,
                cutoff + plan.horizon,
                len(closed := plan.training_for(cutoff)),
                closed[0],
                closed[-1],
            )
            for cutoff in evaluated_cutoffs(result)
        ],
        "skipped": [words.day(cutoff) for cutoff in skipped_cutoffs(result)],
        "final": len(plan.training_for(result.population.as_of)),
        "first": plan.grid[0],
        "last": plan.training_for(result.population.as_of)[-1],
        "horizon_days": result.settings.horizon_days,
        "step_days": result.settings.cutoffs.step_days,
    }


def _rows_set_aside(checks: Report) -> str:
    return words.count(sum(finding.count for finding in checks.set_aside))


def _missing_features(result: TrainingResult) -> list[tuple[str, list[str]]]:
    """The features that could not be computed, by the missing table or column."""
    present = set(result.population.bundle.spec.names)
    missing: dict[str, list[str]] = {}
    for feature in features(result.settings.features):
        if feature.name not in present:
            cause = _cause(feature, result.data.checks.absent)
            missing.setdefault(cause, []).append(words.feature_words(feature.name))
    for table in result.data.checks.absent:
        missing.setdefault(f"the table {table}", [])
    return list(missing.items())


def _cause(feature: Feature, absent: list[str]) -> str:
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
