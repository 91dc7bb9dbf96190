import pytest


def test_degrees_count_all_interactions_but_referrals(matrix):
    assert matrix.out_degree.to_list() == [1, 1, 1, 0, 0]
    assert matrix.in_degree.to_list() == [1, 0, 1, 1, 0]
    assert matrix.second_hand_reach.to_list() == [1, 1, 0, 0, 0]


def test_strength_halves_every_twenty_days(matrix):
    expected = [2 * 2 ** (-42 / 20), 2 ** (-38 / 20), 0.5 * 2 ** (-25 / 20), 0, 0]
    assert matrix.out_strength.to_list() == pytest.approx(expected, abs=1e-6)


def test_neighbours_are_those_who_are_reached(matrix):
    """c1 reaches c3, c2 reaches c1, and c3 reaches c4, who has bought nothing."""
    assert matrix.neighbour_revenue.fillna(-1).to_list() == [80, 90, 0, -1, -1]
    assert matrix.neighbour_products.fillna(-1).to_list() == [1, 2, 0, -1, -1]
    assert matrix.neighbour_lack.fillna(-1).to_list() == [1, 0, 1, -1, -1]
    assert matrix.neighbour_activity.fillna(-1).to_list() == [1, 1, 1, -1, -1]


def test_live_ties_make_a_core_and_ranks_are_one_on_average(matrix):
    # the tie from c3 to c4 is over
    assert matrix.core_number.to_list() == [1, 1, 1, 0, 0]
    assert matrix.pagerank.mean() == pytest.approx(1)


def test_c1_led_what_c3_bought_after_their_contact(matrix):
    assert matrix.led_purchases_30d.to_list() == [1, 0, 0, 0, 0]
    assert matrix.led_purchases_7d.to_list() == [0, 0, 0, 0, 0]


def test_what_a_customer_has_and_those_they_reach_lack_is_open(matrix):
    """c3 lacks p2, which c1 bought first 41 days ago, and c4 lacks p1, which c3 bought 20 days ago."""
    assert matrix.purchases_to_lead.to_list() == [1, 0, 1, 0, 0]
    assert matrix.recent_purchases_to_lead_30d.to_list() == [0, 0, 1, 0, 0]
    assert matrix.purchases_to_follow.to_list() == [0, 0, 1, 1, 0]
    assert matrix.recent_purchases_to_follow_30d.to_list() == [0, 0, 0, 1, 0]
