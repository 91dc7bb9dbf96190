import pytest


def test_each_power_has_the_reach_and_strength_of_its_kinds(matrix):
    assert matrix.referent_reach.to_list() == [1, 0, 0, 0, 0]
    assert matrix.expert_reach.to_list() == [0, 1, 0, 0, 0]
    assert matrix.informational_reach.to_list() == [0, 0, 1, 0, 0]
    assert matrix.expert_strength.to_list() == pytest.approx([0, 2 ** (-38 / 20), 0, 0, 0], abs=1e-6)
    assert matrix.referent_reciprocity.fillna(-1).to_list() == [0, -1, -1, -1, -1]


def test_referrals_are_counted_with_what_the_newcomer_did(matrix):
    """c1 brought in c2 50 days ago, who spent 50 twenty days later and uses something every day."""
    c1 = matrix.loc["c1"]
    assert (c1.referrals, c1.recent_referrals_30d, c1.paying_referrals) == (1, 0, 1)
    assert (c1.buying_referrals_30d, c1.buying_referrals_7d, c1.active_referrals_7d) == (1, 0, 1)
    assert (c1.referral_revenue, c1.recent_referral_revenue_7d, c1.best_referral) == (50, 0, 50)
    assert matrix.referrals.sum() == 1
