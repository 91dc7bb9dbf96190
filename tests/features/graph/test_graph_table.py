import ibis
import numpy as np
import pandas as pd
import pytest

from ripple.features.graph.contacts import Purchases
from ripple.features.graph.graph_table import graph_table
from ripple.settings import Features
from tests.support.oracles.graphs import LAST_DAY

SETTINGS = Features(windows_days=(30,), half_life_days=10)
NEVER = np.full(3, 2**31 - 1)
LONG_AGO = 0.000977
"""2^−10 in whole millionths: the weight of a contact ten half-lives ago."""
DAYS = np.array([40, 80, 60])
DAILY = {
    "members": ibis.memtable({"customer": [0, 1, 2, 3]}),
    "order_days": ibis.memtable(
        pd.DataFrame({"customer": [1, 1, 3], "revenue": [10.0, 5.0, 7.0], "age": [40, 60, 20]})
    ),
    "active_days": ibis.memtable({"customer": [1, 2], "age": [31, 30]}),
}
PURCHASES = Purchases(np.array([1, 3, 1]), np.array([0, 0, 1]), DAYS, DAYS, NEVER)


@pytest.fixture
def table(contacts):
    rows = graph_table(DAILY, contacts, PURCHASES, 5, LAST_DAY, SETTINGS)
    return rows.to_pandas().set_index("customer")


def test_there_is_a_row_for_each_customer_who_had_joined(table):
    assert table.index.to_list() == [0, 1, 2, 3]


def test_degrees_strengths_and_second_hand_reach(table):
    assert table.out_degree.to_list() == [2, 2, 0, 0]
    assert table.in_degree.to_list() == [1, 1, 1, 1]
    assert table.out_strength.to_list() == [1.25 + LONG_AGO, 2.5, 0, 0]
    assert table.mutual.to_list() == [1, 1, 0, 0]
    # 0 reaches 2 by way of 1, and 1 reaches 3 by way of 0
    assert table.second_hand.to_list() == [1, 1, 0, 0]


def test_means_over_the_customers_who_are_reached(table):
    assert table.spent_by_targets.fillna(-1).to_list() == [(15 + 7) / 2, 0, -1, -1]
    weights = np.array([1.25, LONG_AGO])
    assert table.products_of_targets[0] == pytest.approx(weights @ [2, 1] / weights.sum(), rel=1e-8)
    assert table.lacking_in_targets.fillna(-1).to_list() == [0, 2, -1, -1]
    # 3 ordered and 2 used something in the last 30 days, 1 did not
    assert table.active_targets.fillna(-1).to_list() == [1 / 2, 1 / 2, -1, -1]


def test_centrality_power_and_leads_have_their_columns(table):
    assert table.pagerank.mean() == pytest.approx(1)
    assert table.core.to_list() == [1, 1, 1, 0]
    assert table.expert_reach.to_list() == [1, 1, 0, 0]
    assert table.made_30d.to_list() == [0, 0, 0, 1]
    assert {"led_30d", "followed_30d", "referent_mutual"} <= set(table.columns)
