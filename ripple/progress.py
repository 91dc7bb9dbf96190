"""How far a long command is: log records say which stage begins or goes on, and how much of it is done.

Whoever shows progress reads it from the attribute ``step`` of a record; to everybody else the records are
ordinary log messages.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """Where a command is when a log record is written.

    Attributes:
        stage: name of the stage.
        share: how much of the stage is done, from 0 to 1.
    """

    stage: str
    share: float = 0.0


def stage(name: str, done: float = 0.0, of: float = 1.0) -> dict[str, Step]:
    """What to pass as `extra` of a log message, where *done* of the work *of* a stage is done."""
    return {"step": Step(name, min(done / of, 1.0) if of else 0.0)}
