import ibis
import numpy as np
import pandas as pd
import pytest

from ripple.features.dataset import Dataset
from ripple.features.tables.tables import Tables
from ripple.settings import Settings
from ripple.training.examples.provenance import data_digests, run_code_digest

ORDERS = pd.DataFrame(
    {
        "customer_id": ["a", "b", "a", None],
        "revenue": [1.0, 2.0, np.nan, 2.0],
        "ordered_at": pd.to_datetime(["2025-01-01", "2025-01-02", "2025-01-02", "2025-01-01"]),
    }
)


def digest(orders):
    tables = Tables({"orders": ibis.memtable(orders)})
    return data_digests(Dataset("shop", "nowhere", Settings(), tables, {}))["orders"]


@pytest.mark.parametrize(
    "same",
    [
        lambda orders: orders.sample(frac=1, random_state=1),
        lambda orders: orders[["revenue", "ordered_at", "customer_id"]],
    ],
)
def test_neither_the_order_of_rows_nor_that_of_columns_matters(same):
    assert digest(same(ORDERS)) == digest(ORDERS)


@pytest.mark.parametrize(
    "other",
    [
        lambda orders: orders.iloc[1:],
        lambda orders: pd.concat([orders, orders.iloc[:1]]),
        lambda orders: orders.assign(revenue=[1.0, 2.0, np.nan, 2.1]),
        lambda orders: orders.assign(revenue=[2.0, 1.0, np.nan, 2.0]),
        lambda orders: orders.rename(columns={"revenue": "margin"}),
        lambda orders: orders.iloc[:0],
    ],
)
def test_whatever_else_differs_shows(other):
    assert digest(other(ORDERS)) != digest(ORDERS)


def test_the_code_has_a_digest_that_stays():
    assert run_code_digest() == run_code_digest()
    assert len(run_code_digest()) == 24
