import numpy as np

from ripple.training.examples.membership import top_mask, top_members

VALUE = np.array([0.0, 10.0, 40.0, 0.0, 30.0, 20.0, 0.0, 0.0, 0.0, 0.0])


def test_the_top_is_rounded_up_and_ties_go_by_position():
    assert top_mask(np.array([1.0, 3.0, 2.0]), 0.01).tolist() == [False, True, False]
    assert top_mask(np.array([1.0, 3.0, 2.0]), 0.34).tolist() == [False, True, True]
    assert top_mask(np.ones(4), 0.5).tolist() == [True, True, False, False]


def test_nobody_without_value_is_a_member():
    assert top_members(VALUE, 0.6).sum() == 4
    assert top_members(VALUE, 0.2).tolist() == [i in (2, 4) for i in range(10)]
    assert not top_members(np.zeros(5), 0.5).any()
