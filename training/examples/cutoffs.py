"""The cutoffs of a training run: those for training, those for evaluation, and the embargo between them.

A cutoff T looks back for features and ahead over (T, T + horizon] for its label. Had one really stood at an
evaluation cutoff E, the label of T would have been known only if its window had closed: T + horizon ≤ E.
Training for E uses such cutoffs only; what lies in between is the embargo.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from ripple.errors import InputError
from ripple.settings import Settings


@dataclass(frozen=True)
class Schedule:
    """The cutoffs of one training run, oldest first.

    Attributes:
        evaluation: the cutoffs at which the model is evaluated.
        grid: the cutoffs that the model may be trained on.
        horizon: the length of the label window after each cutoff.
    """

    evaluation: tuple[datetime, ...]
    grid: tuple[datetime, ...]
    horizon: timedelta

    def training_for(self, cutoff: datetime) -> list[datetime]:
        """The cutoffs of the grid whose label window had closed by *cutoff*."""
        return [earlier for earlier in self.grid if earlier + self.horizon <= cutoff]

    @property
    def all(self) -> list[datetime]:
        """Every cutoff whose features and labels are needed."""
        return sorted({*self.grid, *self.evaluation})


def schedule(start: datetime, end: datetime, settings: Settings) -> Schedule:
    """Cutoffs for data that run from *start* to *end*.

    Raises:
        InputError: the history is too short for a single evaluation (the minimum is named), or an evaluation
            cutoff comes before anything could have been learnt or its window has not closed (the nearest
            date that serves is named).
    """
    horizon = timedelta(days=settings.horizon_days)
    step = timedelta(days=settings.cutoffs.step_days)
    earliest = start + timedelta(days=settings.cutoffs.history_days)
    grid = []
    cutoff = end - horizon
    while cutoff >= earliest:
        grid.append(cutoff)
        cutoff -= step
    grid.reverse()
    if not grid or grid[0] + horizon > grid[-1]:
        raise InputError(_too_short(start, end - horizon, settings))
    return Schedule(_evaluation(grid, horizon, end, settings.cutoffs.evaluate), tuple(grid), horizon)


def _evaluation(
    grid: list[datetime], horizon: timedelta, end: datetime, requested: int | tuple[datetime, ...]
) -> tuple[datetime, ...]:
    first = grid[0] + horizon
    if not requested or (isinstance(requested, int) and requested < 0):
        raise InputError(f"cutoffs.evaluate = {requested}: at least one cutoff is needed for evaluation.")
    if isinstance(requested, int):
        return tuple(cutoff for cutoff in grid if cutoff >= first)[-requested:]
    for cutoff in requested:
        if cutoff < first:
            raise InputError(
                f"At cutoff {cutoff:%Y-%m-%d} nothing could have been learnt: the first training cutoff is "
                f"{grid[0]:%Y-%m-%d}, and its label window closes on {first:%Y-%m-%d}. Choose a cutoff of "
                f"{first:%Y-%m-%d} or after."
            )
        if cutoff + horizon > end:
            raise InputError(
                f"The label window of cutoff {cutoff:%Y-%m-%d} closes on {cutoff + horizon:%Y-%m-%d}, "
                f"after the data end ({end:%Y-%m-%d}). Choose a cutoff of {end - horizon:%Y-%m-%d} or before."
            )
    return tuple(sorted({*requested}))


def _too_short(start: datetime, cutoff: datetime, settings: Settings) -> str:
    horizon, step = settings.horizon_days, settings.cutoffs.step_days
    # training cutoffs lie whole steps before the evaluation cutoff
    needed = settings.cutoffs.history_days + math.ceil(horizon / step) * step
    return (
        f"Too little history to evaluate at {cutoff:%Y-%m-%d}: the data begin on {start:%Y-%m-%d}, and "
        f"an evaluation cutoff needs {needed} days before it (cutoffs.history_days = "
        f"{settings.cutoffs.history_days}, then one closed horizon of {horizon} in steps of {step}), so "
        f"{needed + horizon} days of data in all. Shorten horizon_days or history_days in ripple.toml, or "
        "bring more history."
    )
