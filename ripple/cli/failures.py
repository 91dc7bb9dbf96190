"""What ends a command though its input is right: a full disk, too little memory, a store that is away."""

from __future__ import annotations

import errno
import os
import re
import resource
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ripple.destinations import FULL
from ripple.redaction import hidden

FULL_TEXT = re.compile(
    r"no space left on device|database or disk is full|disk quota exceeded|file too large|"
    r"failed to offload data block",
    re.IGNORECASE,
)
"""How DuckDB, sqlite and Arrow say that a file could not grow."""
MEMORY_TEXT = re.compile(
    r"out of memory|bad_?alloc|bad allocation|cannot allocate memory|failed to allocate|realloc of size|"
    r"can't start new thread",
    re.IGNORECASE,
)
LIBRARIES = {"duckdb", "_duckdb", "sqlalchemy", "sqlite3", "pyarrow", "lightgbm", "mlflow", "ibis", "bentoml"}
"""The libraries whose errors tell of the machine by their text alone."""
MLFLOW_ERRORS = ("mlflow.", "sqlalchemy.", "requests.", "botocore.")
"""The modules whose errors come from the store of runs and models."""


def interruption(error: BaseException) -> int | None:
    """The exit code where *error* comes of a signal; DuckDB wraps what its handler raised."""
    for cause in _chain(error):
        if isinstance(cause, KeyboardInterrupt):
            return 130
        if isinstance(cause, SystemExit) and isinstance(cause.code, int):
            return cause.code
    return None


def explanation(error: BaseException) -> str | None:
    """What the machine or the store lacked, and what to do; None where *error* is of another kind."""
    chain = list(_chain(error))
    for cause in chain:
        if message := _full_disk(cause):
            return message
    for cause in chain:
        if isinstance(cause, MemoryError) or _says(cause, MEMORY_TEXT):
            return _memory(cause)
    for cause in chain:
        if type(cause).__module__.startswith(MLFLOW_ERRORS):
            return (
                f"The MLflow store did not do what it should: {_first_line(cause)}. Check the store "
                "(MLFLOW_TRACKING_URI, or RIPPLE_HOME), then run the command again: no version is half made."
            )
    return None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error, and those that it came of, the nearest first."""
    passed = set[int]()
    while error is not None and id(error) not in passed:
        passed.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _says(error: BaseException, pattern: re.Pattern[str]) -> bool:
    """Whether the text of an error of the machine or of a library, not of Ripple itself, fits *pattern*."""
    library = type(error).__module__.partition(".")[0]
    own = not isinstance(error, OSError | RuntimeError) and library not in LIBRARIES
    return not own and pattern.search(str(error)) is not None


def _full_disk(error: BaseException) -> str | None:
    number = getattr(error, "errno", None) if isinstance(error, OSError) else None
    if number in FULL:
        what = FULL[number]
    elif _says(error, FULL_TEXT):
        what = (
            FULL[errno.EFBIG]
            if re.search("file too large", str(error), re.IGNORECASE)
            else FULL[errno.ENOSPC]
        )
    else:
        return None
    place = getattr(error, "filename", None)
    where = f" at {place}" if place else f" ({_line(error, FULL_TEXT)})"
    return (
        f"Not all could be written: {what}{where}. Free now: {', '.join(_free())}. Make room, or name other "
        "places by RIPPLE_HOME (results and caches) and TMPDIR (temporary files), and run the command again: "
        "nothing is half written."
    )


def _free() -> Iterator[str]:
    """The free space of each place that Ripple writes to."""
    for name, place in (
        ("home", _home()),
        ("temporary files", Path(tempfile.gettempdir())),
        ("this folder", Path()),
    ):
        place = place.absolute()
        while not place.exists():
            place = place.parent
        yield f"{shutil.disk_usage(place).free / 1e6:,.0f} MB in {place} ({name})"


def _home() -> Path:
    from ripple.settings import load

    return load().home


def _memory(error: BaseException) -> str:
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    allowed = (
        "" if limit == resource.RLIM_INFINITY else f" This process may use {limit / 1e9:.1f} GB (ulimit -v)."
    )
    available = _available_memory()
    free = "" if available is None else f" {available / 1e9:.1f} GB of this machine's memory are free."
    return (
        f"There is too little memory: {_first_line(error)}.{allowed}{free} Give the process more, run less "
        "beside it, or compute less (fewer cutoffs: cutoffs.step_days), and run the command again: nothing "
        "is half written."
    )


def _available_memory() -> float | None:
    names = getattr(os, "sysconf_names", {})
    if "SC_AVPHYS_PAGES" not in names:
        return None
    return float(os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))


def _line(error: BaseException, pattern: re.Pattern[str]) -> str:
    """The line of what *error* says that fits *pattern*, or the first one."""
    fitting = (line for line in hidden(str(error)).splitlines() if pattern.search(line))
    return next(fitting, _first_line(error)).strip().rstrip(".")


def _first_line(error: BaseException) -> str:
    # SQLAlchemy's text goes on with the statement, that of the driver does not
    error = getattr(error, "orig", None) or error
    lines = hidden(str(error)).strip().splitlines()
    return (lines[0] if lines else type(error).__name__).rstrip(".")
