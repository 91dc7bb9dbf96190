import numpy as np

from ripple.simulation.world import columns


def test_ids_are_padded_to_a_width_and_grow_past_it():
    numbers = np.array([123, 0, 1_234_567])
    assert columns.customer_ids(numbers).to_pylist() == ["c000123", "c000000", "c1234567"]
    assert columns.product_ids(np.array([7])).to_pylist() == ["p07"]
    assert columns.feature_ids(np.array([12])).to_pylist() == ["f12"]
    assert columns.order_ids(np.array([42])).to_pylist() == ["o00000042"]
    assert columns.user_ids(np.array([123, 5]), np.array([4, 11])).to_pylist() == [
        "c000123-u4",
        "c000005-u11",
    ]


def test_columns_of_no_rows_are_empty():
    nobody = np.array([], dtype=np.int64)
    assert columns.customer_ids(nobody).to_pylist() == []
    assert columns.user_ids(nobody, nobody).to_pylist() == []


def test_labels_are_looked_up_by_position():
    assert columns.labels(("core", "advanced"), np.array([1, 0, 1])).to_pylist() == [
        "advanced",
        "core",
        "advanced",
    ]
