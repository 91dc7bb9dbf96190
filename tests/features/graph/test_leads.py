import numpy as np
import pytest

from ripple.features.graph import leads
from ripple.features.graph.contacts import Purchases
from ripple.features.graph.leads import lead_columns, open_columns
from tests.support.oracles.graphs import ties_of

LAST_DAY = 99
ROWS = [
    # product, customer, day
    (0, 0, 50),
    (0, 1, 95),
    (0, 2, 60),
    (1, 0, 98),
    (1, 1, 70),
    (1, 2, 98),
]
PRODUCT, CUSTOMER, DAY = (np.array(column) for column in zip(*ROWS, strict=True))
PURCHASES = Purchases(CUSTOMER, PRODUCT, DAY, DAY, np.full(DAY.size, 2**31 - 1))
TIES = ties_of([(0, 1, 1.0), (1, 0, 1.0), (1, 2, 1.0), (2, 1, 1.0)], 4)


@pytest.mark.parametrize("chunk", [1, 2, 1_000_000])
@pytest.mark.parametrize("cells", [4, 10_000_000])
def test_a_customer_leads_those_they_reach_who_buy_later(monkeypatch, chunk, cells):
    """1 bought product 0 after both 0 and 2, who reach them; 0 and 2 bought product 1 after 1."""
    monkeypatch.setattr(leads, "CHUNK_PAIRS", chunk)
    monkeypatch.setattr(leads, "MAX_LOOKUP_CELLS", cells)
    columns = lead_columns(TIES, PURCHASES, LAST_DAY, (3, 45))
    assert columns["led_45d"].tolist() == [1, 2, 1, 0]
    assert columns["made_45d"].tolist() == [1, 2, 2, 0]
    assert columns["followed_45d"].tolist() == [1, 1, 1, 0]
    # the last three days hold the purchases of product 1 by 0 and 2 only
    assert columns["led_3d"].tolist() == [0, 2, 0, 0]
    assert columns["made_3d"].tolist() == [1, 0, 1, 0]
    assert columns["followed_3d"].tolist() == [1, 0, 1, 0]


def test_a_contact_after_the_purchase_does_not_lead_it():
    ties = ties_of([(0, 1, 1.0)], 4)
    ties.first[:] = 96
    assert lead_columns(ties, PURCHASES, LAST_DAY, (45,))["led_45d"].sum() == 0
    ties.first[:] = 95
    assert lead_columns(ties, PURCHASES, LAST_DAY, (45,))["led_45d"].tolist() == [1, 0, 0, 0]


@pytest.mark.parametrize("chunk", [1, 1_000_000])
def test_a_purchase_is_open_to_those_who_are_reached_and_lack_the_product(monkeypatch, chunk):
    """3 has bought nothing; 0 reaches it and 1, and 2 reaches it twice as strongly."""
    monkeypatch.setattr(leads, "CHUNK_PAIRS", chunk)
    ties = ties_of([(0, 1, 1.0), (0, 3, 1.0), (2, 3, 2.0), (3, 0, 1.0)], 4)
    columns = open_columns(ties, PURCHASES, LAST_DAY, (3, 45))
    assert columns["to_lead"].tolist() == [2, 0, 2, 0]
    assert columns["to_follow"].tolist() == [0, 0, 0, 4]
    # in the last three days 0 and 2 bought product 1
    assert columns["to_lead_3d"].tolist() == [1, 0, 1, 0]
    assert columns["to_follow_3d"].tolist() == [0, 0, 0, 2]


def test_nothing_is_open_without_purchases():
    none = np.zeros(0, dtype=np.int64)
    columns = open_columns(TIES, Purchases(none, none, none, none, none), LAST_DAY, (45,))
    assert {name: value.tolist() for name, value in columns.items()} == dict.fromkeys(
        ("to_lead", "to_follow", "to_lead_45d", "to_follow_45d"), [0.0] * 4
    )
