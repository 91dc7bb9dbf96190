"""Independent fits at the same time, each on one core."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import lightgbm  # noqa: F401 (loads the OpenMP runtime whose threads are counted)
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_info, threadpool_limits

T = TypeVar("T")


def in_threads(tasks: Sequence[Callable[[], T]]) -> list[T]:
    """The results of *tasks*, in their order, as many of them at a time as LightGBM would use threads.

    Trees of a few thousand rows keep several threads waiting for each other, so that fits on one thread each
    take less time together. Results are the same either way.

    Raises:
        Exception: the first error of a task; those that have not begun are left out.
    """
    workers = min(len(tasks), _openmp_threads())
    if workers < 2:
        return [task() for task in tasks]
    # limits and filters belong to the process: a thread that restored them would do so for the others
    with (
        threadpool_limits(1),
        warnings.catch_warnings(action="ignore", category=ConvergenceWarning),
        ThreadPoolExecutor(workers, initializer=threadpool_limits, initargs=(1,)) as pool,
    ):
        return list(pool.map(lambda task: task(), tasks))


def _openmp_threads() -> int:
    runtimes = [one["num_threads"] for one in threadpool_info() if one["user_api"] == "openmp"]
    return max(runtimes, default=1)
