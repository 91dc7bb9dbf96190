"""Threads that stop before every write to a file or to Redis, so that a test decides the order of events."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any
from unittest import mock

from redis.connection import AbstractConnection

WRITES = {"os.mkdir", "os.remove", "os.rename", "os.rmdir", "fcntl.flock"}
"""The audit events of writes to a file system, beside that of opening a file to write."""

_RUNNING = threading.local()


class Killed(BaseException):
    """The process that a thread stands for is killed: each further write fails, that of a clean-up too."""


class SteppedThread:
    """A thread that does *work*, and stops before each of its writes.

    Attributes:
        is_finished: Whether the work ended.
        error: What the work raised.
    """

    def __init__(self, work: Callable[[], object]) -> None:
        self.is_finished = False
        self.error: BaseException | None = None
        self._work = work
        self._is_killed = False
        self._turn, self._stopped = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        self._stopped.acquire()

    def advance(self) -> None:
        """Do one write, and go on to the next one."""
        self._turn.release()
        self._stopped.acquire()
        if self.is_finished:
            self._thread.join()

    def kill(self) -> None:
        """End the thread without another write."""
        self._is_killed = True
        while not self.is_finished:
            self.advance()

    def stop(self) -> None:
        """Wait until the next write is let happen."""
        self._wait()
        if self._is_killed:
            raise Killed

    def _run(self) -> None:
        self._wait()
        _RUNNING.thread = self
        try:
            self._work()
        except BaseException as error:
            self.error = error
        finally:
            del _RUNNING.thread
            self.is_finished = True
            self._stopped.release()

    def _wait(self) -> None:
        self._stopped.release()
        self._turn.acquire()


@contextmanager
def stepped_writes() -> Iterator[None]:
    """Meanwhile stepped threads stop before what they write, and do not wait between attempts at a lock."""
    _watch_files()
    send, sleep = AbstractConnection.send_packed_command, time.sleep

    def stepped_send(self: AbstractConnection, *arguments: Any, **options: Any) -> None:
        _step()
        send(self, *arguments, **options)

    def stepped_sleep(seconds: float) -> None:
        if not hasattr(_RUNNING, "thread"):
            sleep(seconds)

    with (
        mock.patch.object(AbstractConnection, "send_packed_command", stepped_send),
        mock.patch.object(time, "sleep", stepped_sleep),
    ):
        yield


def _step() -> None:
    thread: SteppedThread | None = getattr(_RUNNING, "thread", None)
    if thread is not None:
        thread.stop()


@cache
def _watch_files() -> None:
    """Watch the writes to files, once in a process, as such a hook stays."""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in WRITES or (event == "open" and _writes(*arguments)):
            _step()

    sys.addaudithook(hook)


def _writes(path: object, mode: str | None, flags: int) -> bool:
    return bool(flags & (os.O_WRONLY | os.O_RDWR))
