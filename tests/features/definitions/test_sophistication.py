def test_breadth_and_advanced_features(matrix):
    """c1 and c4 use f2 and c2 uses f3, which are advanced; c3 uses f1, which is not."""
    assert matrix.features_ever_used.to_list() == [1, 1, 1, 1, 0]
    assert matrix.advanced_features_used.to_list() == [1, 1, 0, 1, 0]
    assert matrix.advanced_share_30d.to_list() == [1, 1, 0, 1, 0]
    assert matrix.advanced_coverage.to_list() == [0.5, 0.5, 0, 0.5, 0]
    assert matrix.advanced_power_user.to_list() == [0, 0, 0, 0, 0]


def test_one_feature_has_no_entropy_and_everybody_was_early(matrix):
    assert matrix.usage_entropy_30d.fillna(-1).to_list() == [0, 0, 0, 0, -1]
    assert matrix.days_from_release.fillna(-1).to_list() == [121, -5, 121, 121, -1]
    assert matrix.earliness.fillna(-1).to_list() == [1, 1, 1, 1, -1]
