"""Progress is a line with the time left, or a bar on a terminal, and never in the way of results."""

from __future__ import annotations

import io
import logging
import os
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ripple.cli import progress
from ripple.cli.progress import SHARES, ProgressHandler, ResultStream, share_done, time_left
from ripple.progress import Step, stage


@pytest.fixture
def handler() -> Iterator[ProgressHandler]:
    handler = ProgressHandler({"read": 0.25, "fit": 0.75})
    yield handler
    handler.close()


@pytest.fixture
def log(handler: ProgressHandler) -> logging.Logger:
    logger = logging.Logger("long work")
    logger.addHandler(handler)
    return logger


def test_the_shares_are_of_one_whole() -> None:
    assert sum(SHARES.values()) == pytest.approx(1)


@given(st.lists(st.tuples(st.sampled_from(sorted(SHARES)), st.floats(0, 1)), min_size=2))
def test_what_is_done_grows_with_the_stages(steps: list[tuple[str, float]]) -> None:
    order = list(SHARES)
    in_order = sorted(steps, key=lambda step: (order.index(step[0]), step[1]))
    done = [share_done(Step(*step), SHARES) for step in in_order]
    assert done == sorted(done)
    assert 0 <= done[0] <= done[-1] <= 1 + 1e-12


def test_a_stage_of_its_own_is_the_whole() -> None:
    assert share_done(Step("A/A tests", 0.4), SHARES) == 0.4


@pytest.mark.parametrize(
    ("share", "seconds", "left"),
    [
        (0.01, 60, ""),
        (0.5, 1, ""),
        (0.25, 10, ", about 30 s left"),
        (0.1, 60, ", about 9 min left"),
        (1, 60, ""),
    ],
)
def test_time_left_is_told_once_there_is_something_to_tell_it_by(
    share: float, seconds: float, left: str
) -> None:
    assert time_left(share, seconds) == left


def test_lines_tell_what_is_done_and_never_less_than_before(
    log: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    log.info("half read", extra=stage("read", 1, 2))
    log.info("fitting", extra=stage("fit", 1, 3))
    log.info("a late look", extra=stage("read", 1, 2))
    log.info("something else")
    log.info("done", extra=stage("end", 1))
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition("] ")[2] for line in lines] == [
        "half read",
        "fitting",
        "a late look",
        "something else",
        "done",
    ]
    shares = [line.partition(" s")[2].partition("]")[0] for line in lines]
    assert shares == [", 12%", ", 50%", ", 50%", "", ", 100%"]


def test_time_left_follows_the_time_since_the_first_stage(
    log: logging.Logger, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter([100.0, 100.0, 100.0, 120.0, 120.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(progress, "STARTED", 90.0)
    log.info("reading", extra=stage("read"))
    log.info("fitting", extra=stage("fit"))
    assert capsys.readouterr().err.splitlines() == [
        "[ 10.0 s, 0%] reading",
        "[ 30.0 s, 25%, about 60 s left] fitting",
    ]


def test_a_terminal_has_a_bar_that_is_gone_when_results_are_printed(
    handler: ProgressHandler, log: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, writer = os.openpty()
    printed = io.StringIO()
    results = ResultStream(printed, handler.take_bar_away)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    os.set_blocking(reader, False)
    with os.fdopen(writer, "w") as terminal, os.fdopen(reader, "rb", buffering=0) as screen:
        monkeypatch.setattr(sys, "stderr", terminal)
        log.info("fitting", extra=stage("fit", 1, 3))
        log.info("something else")
        results.write("result\n")
        terminal.flush()
        shown = screen.read(100_000).decode()
        # it comes back with the next stage
        log.info("fitting on", extra=stage("fit", 2, 3))
        again = screen.read(100_000).decode()
        log.info("done", extra=stage("end", 1))
    assert "fitting" in shown
    assert "50 %" in shown
    assert "━" in shown
    assert "] something else" in shown
    assert shown.endswith("\x1b[?25h\r\x1b[1A\x1b[2K")  # the cursor is shown, the line of the bar is empty
    assert "75 %" in again
    assert printed.getvalue() == "result\n"
