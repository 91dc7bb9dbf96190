"""The planned evaluation cutoffs that the backtest could evaluate, and those it could not."""

from __future__ import annotations

from datetime import datetime

from ripple.training.result import TrainingResult


def cutoff_key(cutoff: datetime) -> str:
    """The value of the column `cutoff` in the tables of the backtest: ``2025-07-05``."""
    return f"{cutoff:%Y-%m-%d}"


def evaluated_cutoffs(result: TrainingResult) -> list[datetime]:
    """The cutoffs that were evaluated, the oldest first."""
    keys = set(result.evaluation.backtest.heads["cutoff"])
    return [cutoff for cutoff in result.data.schedule.evaluation if cutoff_key(cutoff) in keys]


def skipped_cutoffs(result: TrainingResult) -> list[datetime]:
    """The planned cutoffs without network value to train on or to evaluate with."""
    evaluated = evaluated_cutoffs(result)
    return [cutoff for cutoff in result.data.schedule.evaluation if cutoff not in evaluated]
