import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ripple.training.attribution.step_functions import KernelSums, StepFunctions

quick = settings(max_examples=60)
days = st.integers(-20, 20).map(lambda halves: halves / 2)
keys = st.integers(0, 3)


def columns(rows, *dtypes):
    return [np.array([row[i] for row in rows], dtype=dtype) for i, dtype in enumerate(dtypes)]


@quick
@given(st.lists(st.tuples(keys, days, st.one_of(days, st.just(math.inf)))), st.lists(st.tuples(keys, days)))
def test_steps_count_the_intervals_that_cover_a_day(intervals, queries):
    intervals = [(key, start, max(start, end)) for key, start, end in intervals]
    steps = StepFunctions.of_intervals(*columns(intervals, np.int64, np.float64, np.float64))
    expected = [sum(key == k and start < day <= end for k, start, end in intervals) for key, day in queries]
    assert steps.before(*columns(queries, np.int64, np.float64)).tolist() == expected


def test_days_may_lie_twenty_years_from_the_window():
    key, start, end = np.array([0, 1]), np.array([-7900.0, 7000.0]), np.array([7900.0, math.inf])
    steps = StepFunctions.of_intervals(key, start, end)
    queries = np.array([-7950.0, -7800.0, 0.0, 7800.0, 7950.0])
    assert steps.before(np.zeros(5, dtype=np.int64), queries).tolist() == [0, 1, 1, 1, 0]
    assert steps.before(np.ones(5, dtype=np.int64), queries).tolist() == [0, 0, 0, 1, 1]


@quick
@given(st.lists(st.tuples(keys, days, st.floats(0, 1)), min_size=1), st.sampled_from([0.5, 3.0, 7.25, 100.0]))
def test_kernel_sums_are_those_of_every_pair(events, bandwidth):
    key, day, weight = columns(events, np.int64, np.float64, np.float64)
    expected = [
        sum(
            w * max(1 - abs(day[j] - d) / bandwidth, 0)
            for i, (k, d, w) in enumerate(events)
            if i != j and k == key[j]
        )
        for j in range(len(events))
    ]
    sums = KernelSums.of_events(key, day, bandwidth).leave_one_out(weight)
    assert sums == pytest.approx(expected, abs=1e-9)
