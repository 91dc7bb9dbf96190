import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ripple.simulation.world.grouping import Grouping


@settings(deadline=None)
@given(st.lists(st.integers(0, 4), max_size=20), st.lists(st.integers(0, 4), max_size=10))
def test_the_entries_of_groups_come_in_order_each_with_the_place_of_its_group(group, groups):
    row, entry = Grouping.by(np.array(group, dtype=int), 5).of(np.array(groups, dtype=int))
    expected = [(i, e) for i, g in enumerate(groups) for e, of in enumerate(group) if of == g]
    assert list(zip(row, entry, strict=True)) == expected
