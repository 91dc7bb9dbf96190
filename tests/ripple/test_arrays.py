import numpy as np

from ripple.arrays import expand, sums


def test_groups_are_summed():
    assert sums(np.array([2, 0, 2]), np.array([1.0, 2.0, 4.0]), 4).tolist() == [2, 0, 5, 0]
    nothing = sums(np.array([], dtype=np.int64), np.array([]), 2)
    assert nothing.tolist() == [0, 0]
    assert nothing.dtype == np.float64


def test_ranges_are_expanded():
    which, position = expand(np.array([3, 5, 5]), np.array([5, 5, 6]))
    assert (which.tolist(), position.tolist()) == ([0, 0, 2], [3, 4, 5])
