"""Which of the planned evaluation cutoffs the backtest could judge."""

from __future__ import annotations

from datetime import datetime

from ripple.training.result import TrainingResult


def key(cutoff: datetime) -> str:
    """How the tables of the backtest name a cutoff."""
    return f"{cutoff:%Y-%m-%d}"


def judged(result: TrainingResult) -> list[datetime]:
    """The cutoffs that were judged, oldest first."""
    found = set(result.backtest.heads["cutoff"])
    return [cutoff for cutoff in result.schedule.evaluation if key(cutoff) in found]


def left_out(result: TrainingResult) -> list[datetime]:
    """Planned cutoffs that were not: nobody was credited with anything to learn from or be judged by."""
    return [cutoff for cutoff in result.schedule.evaluation if cutoff not in judged(result)]
