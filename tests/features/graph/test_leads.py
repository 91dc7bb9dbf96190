import numpy as np
import pytest

from ripple.features.graph import leads
from ripple.features.graph.contacts import Purchases
from ripple.features.graph.leads import lead_columns
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
