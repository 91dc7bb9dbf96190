"""Folders and files that one process at a time works in."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LOCKED: dict[Path, int] = {}


def lock(path: Path) -> bool:
    """Take the folder *path* for this process, until it ends; False if another one has it."""
    path = path.resolve()
    if path not in _LOCKED:
        path.mkdir(parents=True, exist_ok=True)
        handle = os.open(path / ".lock", os.O_CREAT | os.O_RDWR)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return False
        _LOCKED[path] = handle
    return True


@contextmanager
def exclusive(file: Path) -> Iterator[None]:
    """Hold *file*, waiting for other processes that do, until the block ends.

    Raises:
        OSError: it cannot be created.
    """
    handle = os.open(file, os.O_CREAT | os.O_RDWR, 0o666)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
