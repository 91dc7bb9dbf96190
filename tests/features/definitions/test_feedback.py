def test_feedback_is_counted_averaged_and_latest(matrix):
    assert matrix.feedback_count.to_list() == [1, 1, 0, 0, 0]
    assert matrix.feedback_mean.fillna(9).to_list() == [0.5, -1, 9, 9, 9]
    assert matrix.feedback_latest.fillna(9).to_list() == [0.5, -1, 9, 9, 9]
