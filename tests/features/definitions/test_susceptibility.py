def test_c3_followed_c1_and_c2_was_referred(matrix):
    assert matrix.followed_purchases_30d.fillna(-1).to_list() == [-1, 0, 1, -1, -1]
    assert matrix.was_referred.to_list() == [0, 1, 0, 0, 0]
