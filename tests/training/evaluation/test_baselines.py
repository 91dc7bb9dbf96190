import numpy as np
import pandas as pd

from ripple.training.evaluation.baselines import baselines

FEATURES = pd.DataFrame(
    {
        "past_network_value": [0.0, 5.0, 1.0],
        "total_revenue": [300.0, 100.0, 200.0],
        "referrals": [0.0, 2.0, np.nan],
        "referral_revenue": [0.0, 0.0, 0.0],
        "out_degree": [3.0, 2.0, 1.0],
        "order_count_30d": [0.0, 0.0, 1.0],
        "order_count_90d": [3.0, 1.0, 2.0],
        "days_since_last_order": [40.0, np.nan, 10.0],
    },
    index=pd.Index(["a", "b", "c"], name="customer_id"),
)


def test_a_rule_ranks_by_its_feature_and_nothing_known_is_zero():
    scores = baselines(FEATURES)
    assert scores["last label"].tolist() == [0, 5, 1]
    assert scores["own revenue"].tolist() == [300, 100, 200]
    assert scores["number of referrals"].tolist() == [0, 2, 0]
    assert scores["degree"].tolist() == [3, 2, 1]


def test_rules_without_a_feature_or_without_a_difference_are_left_out():
    scores = baselines(FEATURES)
    assert "weighted degree" not in scores
    assert "revenue of own referrals" not in scores
    assert set(scores) == {"last label", "own revenue", "number of referrals", "degree", "RFM"}


def test_rfm_adds_up_percentile_ranks_of_the_longest_window():
    # recency: c before a before never; frequency over 90 days and revenue: a, c, b
    assert np.allclose(baselines(FEATURES)["RFM"], [2 / 3 + 1 + 1, 1 / 3 + 1 / 3 + 1 / 3, 1 + 2 / 3 + 2 / 3])


def test_nothing_is_left_where_everybody_is_alike():
    assert baselines(FEATURES.iloc[[0, 0]]) == {}


def test_without_orders_in_a_window_there_is_no_rfm():
    assert "RFM" not in baselines(FEATURES.drop(columns=["order_count_30d", "order_count_90d"]))


def test_frequency_is_that_of_the_longest_of_any_number_of_windows():
    longest = FEATURES["order_count_90d"]
    more = FEATURES.assign(order_count_90d=[1.0, 3.0, 2.0], order_count_365d=longest)
    assert baselines(more)["RFM"].tolist() == baselines(FEATURES)["RFM"].tolist()
    fewer = FEATURES.drop(columns="order_count_30d")
    assert baselines(fewer)["RFM"].tolist() == baselines(FEATURES)["RFM"].tolist()


def test_a_difference_however_small_makes_a_rule():
    assert baselines(FEATURES.assign(pagerank=[0.001, 0.002, 0.003]))["PageRank"].tolist() == [
        *(0.001, 0.002, 0.003)
    ]


def test_time_decayed_credit_is_a_rule_where_it_is_given():
    credited = pd.Series([1.0, 0.0, 4.0], index=FEATURES.index)
    assert baselines(FEATURES, credited)["time-decayed credit"].tolist() == [1, 0, 4]


def test_pagerank_is_a_rule():
    assert baselines(FEATURES.assign(pagerank=[0.5, 2.0, 1.0]))["PageRank"].tolist() == [0.5, 2, 1]
