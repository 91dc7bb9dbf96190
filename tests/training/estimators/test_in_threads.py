from __future__ import annotations

import threading
import time
import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_info, threadpool_limits

from ripple.training.estimators.in_threads import in_threads


def limits() -> set[int]:
    return {one["num_threads"] for one in threadpool_info()}


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_results_come_in_the_order_of_the_tasks(threads):
    with threadpool_limits(threads):
        assert in_threads([lambda i=i: i**2 for i in range(20)]) == [i**2 for i in range(20)]


def test_tasks_run_at_the_same_time():
    barrier = threading.Barrier(2)
    with threadpool_limits(2):
        assert sorted(in_threads([lambda: barrier.wait(timeout=10)] * 2)) == [0, 1]


def test_a_task_has_one_thread_and_afterwards_all_are_back():
    with threadpool_limits(2):
        before = limits()
        assert in_threads([limits] * 4) == [{1}] * 4
        assert limits() == before


def test_numpy_gives_the_same_bits_as_in_the_main_thread():
    x = np.random.default_rng(0).normal(size=(400, 300))
    with threadpool_limits(1):
        expected = x.T @ x
    with threadpool_limits(2):
        for result in in_threads([lambda: x.T @ x] * 4):
            assert np.array_equal(result, expected)


def test_the_first_error_is_raised_and_what_has_not_begun_is_left_out():
    begun = []

    def fail() -> None:
        raise ValueError("no rows")

    def begin() -> None:
        begun.append(1)
        time.sleep(0.01)

    with threadpool_limits(2), pytest.raises(ValueError, match="no rows"):
        in_threads([fail, *[begin] * 300])
    assert len(begun) < 300


def test_a_fit_that_has_not_converged_warns_in_no_thread():
    def warn() -> None:
        warnings.warn("lbfgs", ConvergenceWarning, stacklevel=2)

    with threadpool_limits(2):
        assert in_threads([warn] * 4) == [None] * 4
