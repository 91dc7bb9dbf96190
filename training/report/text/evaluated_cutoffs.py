"""Which of the planned evaluation cutoffs the backtest could judge."""

from __future__ import annotations

from datetime import datetime

from ripple.training.result import Evidence


def key(cutoff: datetime) -> str:
    """How the tables of the backtest name a cutoff."""
    return f"{cutoff:%Y-%m-%d}"


def judged(evidence: Evidence) -> list[datetime]:
    """The cutoffs that were judged, oldest first."""
    found = set(evidence.backtest.heads["cutoff"])
    return [cutoff for cutoff in evidence.schedule.evaluation if key(cutoff) in found]


def left_out(evidence: Evidence) -> list[datetime]:
    """Planned cutoffs that were not: nobody was credited with anything to learn from or be judged by."""
    return [cutoff for cutoff in evidence.schedule.evaluation if cutoff not in judged(evidence)]
