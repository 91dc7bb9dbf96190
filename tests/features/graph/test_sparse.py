import numpy as np

from ripple.features.graph.sparse import counts, csr_of_pairs, is_run_start, one_based_indices


def test_a_matrix_has_the_value_of_each_pair_at_source_and_target():
    source, target = np.array([0, 0, 2]), np.array([1, 2, 0])
    matrix = csr_of_pairs(source, target, np.array([5.0, 6.0, 7.0]), 3)
    assert matrix.toarray().tolist() == [[0, 5, 6], [0, 0, 0], [7, 0, 0]]


def test_indices_start_at_one_in_the_narrowest_type():
    assert one_based_indices(3).tolist() == [1, 2, 3]
    assert [one_based_indices(number).dtype for number in (255, 256)] == [np.uint8, np.uint16]


def test_a_run_starts_where_the_value_changes():
    assert is_run_start(np.array([4, 4, 5, 4])).tolist() == [True, False, True, True]
    assert is_run_start(np.array([], dtype=int)).tolist() == []


def test_counts_have_an_entry_for_every_customer():
    assert counts(np.array([2, 0, 2]), 4).tolist() == [1.0, 0.0, 2.0, 0.0]
