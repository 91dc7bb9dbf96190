"""Progress of a command on stderr: a bar where a terminal is, lines elsewhere, both with the time left."""

from __future__ import annotations

import itertools
import logging
import resource
import sys
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TextIO

from ripple.progress import Step, stage

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

logger = logging.getLogger(__name__)

STARTED = time.monotonic()

SHARES = {
    "checks": 0.05,
    "features and labels": 0.35,
    "fits": 0.25,
    "evaluation": 0.05,
    "scores": 0.02,
    "placebos": 0.10,
    "insights": 0.08,
    "report": 0.07,
    "record": 0.03,
}
"""The stages of a training in their order, and the share of its wall-clock time that each takes: those of
30,000 customers by ``make bench-train``. The time left is a guess by them, and by the time so far."""
MIN_SHARE, MIN_SECONDS = 0.05, 5.0
"""The share of the work and the seconds after which the time left is told."""


class ProgressHandler(logging.Handler):
    """Writes log messages to stderr: lines with the seconds since the start, or a bar on a terminal.

    A message with a `ripple.progress.Step` moves the bar; without a terminal, its line tells how much of the
    whole is done and how much time is left. Other messages are lines in both.
    """

    def __init__(self, shares: Mapping[str, float] = SHARES) -> None:
        super().__init__()
        self._shares = shares
        self._bar: tuple[Progress, TaskID] | None = None
        self._share = 0.0
        self._began: float | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Write one message."""
        at: Step | None = getattr(record, "step", None)
        if at is None:
            self._line("", record)
            return
        # some heads are fitted only where another version is compared with
        self._began = self._began or time.monotonic()
        self._share = share = max(self._share, share_done(at, self._shares))
        left = time_left(share, time.monotonic() - self._began)
        if share < 1 and sys.stderr.isatty():
            self._move_bar(record.getMessage(), share, left)
            return
        if share == 1:
            self.take_bar_away()
        self._line(f", {share:.0%}{left}", record)

    def take_bar_away(self) -> None:
        """Take the bar away, so that what is printed next begins a line of its own."""
        self.acquire()
        try:
            if self._bar is not None:
                self._bar[0].stop()
                self._bar = None
        finally:
            self.release()

    def close(self) -> None:
        """Take the bar away for good."""
        self.take_bar_away()
        super().close()

    def _line(self, told: str, record: logging.LogRecord) -> None:
        line = f"[{time.monotonic() - STARTED:5.1f} s{told}] {record.getMessage()}"
        if self._bar is None:
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()
        else:
            self._bar[0].console.print(line, markup=False, highlight=False)

    def _move_bar(self, message: str, share: float, left: str) -> None:
        if self._bar is None:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

            bar = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                TextColumn("{task.percentage:3.0f} %{task.fields[left]}"),
                TimeElapsedColumn(),
                console=Console(file=sys.stderr),
                transient=True,
                # results go to stdout, also while a bar is there
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._bar = bar, bar.add_task(message, total=1.0, left="")
        bar, task = self._bar
        bar.update(task, completed=share, description=message, left=left)
        bar.start()
        bar.refresh()


class ResultStream:
    """A stream for results, which calls *before_writing* so that no bar is in their way."""

    def __init__(self, stream: TextIO, before_writing: Callable[[], None]) -> None:
        self._stream = stream
        self._before_writing = before_writing

    def write(self, text: str) -> int:
        """Write *text*."""
        self._before_writing()
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def share_done(at: Step, shares: Mapping[str, float]) -> float:
    """The share of a command that is done, *at* a step, by the *shares* of its stages, which add up to 1.

    A stage that is not among them is a command of one stage.
    """
    if at.stage not in shares:
        return at.share
    earlier = itertools.takewhile(lambda stage: stage != at.stage, shares)
    return sum(shares[stage] for stage in earlier) + shares[at.stage] * at.share


def time_left(share: float, seconds: float) -> str:
    """Such as ``, about 40 s left``, if the rest goes on as what took the *seconds* so far; else nothing."""
    if not MIN_SHARE <= share < 1 or seconds < MIN_SECONDS:
        return ""
    left = seconds * (1 - share) / share
    return f", about {left:.0f} s left" if left < 100 else f", about {left / 60:.0f} min left"


def tell_end() -> None:
    """Say that the work of a command is done, and the most memory that this process has had at once."""
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9
    logger.info(f"done, with at most {peak:.1f} GB of memory", extra=stage("end", 1))
