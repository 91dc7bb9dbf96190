"""Simulated time: days since the start inside, UTC timestamps in the tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa

from ripple.arrays import Bools, Floats

END = datetime(2026, 1, 1)
"""The first moment that is no longer simulated (UTC)."""

DAYS_PER_MONTH = 30.4375
DAYS_PER_YEAR = 365.25
SECONDS_PER_DAY = 86_400


@dataclass(frozen=True)
class Window:
    """The time (start, end] in seconds since day 0, for events at whole seconds as the tables show them."""

    start: float
    end: float

    @property
    def first_day(self) -> float:
        """The first day number that is after the start: a second later."""
        return (self.start + 1) / SECONDS_PER_DAY

    def before(self, day: Floats) -> Bools:
        """Whether each day lies before the start."""
        return whole_seconds(day) < self.start

    def after_start(self, day: Floats) -> Bools:
        """Whether each day lies after the start, be it after the end; never counts as after."""
        return whole_seconds(day) > self.start

    def contains(self, day: Floats) -> Bools:
        """Whether each day lies in the window; never does not."""
        second = whole_seconds(day)
        return (second > self.start) & (second <= self.end)


@dataclass(frozen=True)
class Calendar:
    """The simulated months; day 0 is their start, negative days came before."""

    months: int

    @property
    def days(self) -> int:
        """Length in days, and so the day number of the end."""
        return round(self.months * DAYS_PER_MONTH)

    @property
    def start(self) -> datetime:
        """The moment of day 0 (UTC)."""
        return END - timedelta(days=self.days)

    def timestamps(self, day: Floats) -> pa.Array:
        """*day* as ``timestamp[us]`` without a zone, at whole seconds and always before the end."""
        seconds = np.minimum(whole_seconds(day), self.days * SECONDS_PER_DAY - 1)
        moments = np.datetime64(self.start, "s") + seconds.astype("timedelta64[s]")
        return pa.array(moments.astype("datetime64[us]"))

    def window(self, start: datetime, end: datetime) -> Window:
        """The time (start, end], UTC without a zone.

        Raises:
            ValueError: it is empty, or reaches out of the calendar, where nothing is known.
        """
        if not self.start <= start < end <= END:
            raise ValueError(
                f"No window ({start}, {end}]: expected {self.start} <= start < end <= {END}, "
                "the first and last moment of the simulation."
            )
        second = timedelta(seconds=1)
        return Window((start - self.start) / second, (end - self.start) / second)


def whole_seconds(day: Floats) -> Floats:
    """*day* as seconds since day 0, cut to the whole second that the tables show."""
    return np.floor(day * SECONDS_PER_DAY)


def settings_toml(months: int) -> str:
    """Text of the ``ripple.toml`` that belongs next to the tables of *months* simulated months."""
    return (
        f"# A simulated dataset: {months} months that end just before `until`, whatever the last event is.\n"
        'currency = "USD"\n'
        f"until = {END:%Y-%m-%d}\n"
        "simulated = true\n"
    )
