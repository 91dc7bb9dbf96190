"""Folders and files that one process at a time works in, or that must stay while somebody uses them."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

RETRY_SECONDS = 0.1
"""The time between two attempts at a lock that another process has."""

_LOCKED: dict[Path, int] = {}


def lock(path: Path) -> bool:
    """Take the folder *path* for this process, until it ends; False if another one has it."""
    path = path.resolve()
    if path not in _LOCKED:
        path.mkdir(parents=True, exist_ok=True)
        handle = os.open(path / ".lock", os.O_CREAT | os.O_RDWR)
        if not _taken(handle, wait=False):
            os.close(handle)
            return False
        _LOCKED[path] = handle
    return True


@contextmanager
def exclusive(file: Path, seconds: float | None = None) -> Iterator[None]:
    """Hold *file*, waiting for other processes that do, until the block ends.

    Args:
        seconds: How long to wait at most; as long as it takes if left out.

    Raises:
        TimeoutError: another process still holds it.
        OSError: it cannot be created.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    handle = os.open(file, os.O_CREAT | os.O_RDWR, 0o666)
    try:
        while not _taken(handle, wait=deadline is None):
            if deadline is not None and time.monotonic() > deadline:
                raise TimeoutError(f"another process holds {file}")
            time.sleep(RETRY_SECONDS)
        yield
    finally:
        os.close(handle)


def share(file: Path) -> int:
    """Hold *file* beside others who share it, until the returned handle is closed or the process ends.

    Raises:
        BlockingIOError: another process holds it by `unshared`.
        OSError: there is no such file, or its file system knows no locks.
    """
    handle = os.open(file, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise
    return handle


@contextmanager
def unshared(file: Path) -> Iterator[bool]:
    """Whether nobody shares *file*, which may be missing; if so, nobody can until the block ends."""
    try:
        handle = os.open(file, os.O_RDONLY)
    except OSError:
        yield True
        return
    try:
        yield _taken(handle, wait=False)
    finally:
        os.close(handle)


def _taken(handle: int, wait: bool) -> bool:
    """Take the file of *handle* for this process alone; False if another one has it, unless this waits."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
