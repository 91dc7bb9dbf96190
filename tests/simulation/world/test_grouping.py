import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ripple.arrays import sums
from ripple.simulation.world.grouping import Grouping


@settings(deadline=None)
@given(st.lists(st.integers(0, 4), max_size=20), st.lists(st.integers(0, 4), max_size=10))
def test_the_entries_of_groups_come_in_order_each_with_the_place_of_its_group(group, wanted):
    which, entry = Grouping.by(np.array(group, dtype=int), 5).of(np.array(wanted, dtype=int))
    expected = [(i, e) for i, g in enumerate(wanted) for e, of in enumerate(group) if of == g]
    assert list(zip(which, entry, strict=True)) == expected


def test_sums_are_by_group_and_zero_where_there_is_none():
    assert sums(np.array([2, 0, 2]), np.array([1.0, 2.0, 4.0]), 4).tolist() == [2.0, 0.0, 5.0, 0.0]
    nothing = sums(np.array([], dtype=int), np.array([]), 2)
    assert nothing.tolist() == [0.0, 0.0]
    assert nothing.dtype == np.float64
