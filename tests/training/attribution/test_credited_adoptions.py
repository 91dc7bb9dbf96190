import pandas as pd
import pytest

from ripple.training.attribution.credited_adoptions import COLUMNS, REFERRAL, credited_adoptions
from ripple.training.attribution.credited_pairs import credited_pairs
from tests.support.event_tables import (
    WINDOW,
    contact,
    contagion,
    credit_settings,
    joined,
    order,
    referral,
    tables,
)


@pytest.mark.parametrize("seed", range(2))
def test_adoptions_add_up_to_the_pairs(seed):
    dataset = tables(*contagion(seed))
    rows = credited_adoptions(dataset, *WINDOW, credit_settings())
    assert tuple(rows.columns) == COLUMNS
    pairs = credited_pairs(dataset, *WINDOW, credit_settings(), rows["source_id"].unique())
    by_pair = rows.assign(referred=rows["contact"] == REFERRAL)
    by_pair = by_pair.groupby(["source_id", "target_id", "referred"])["value"].sum()
    expected = pairs.astype({"referred": bool}).set_index(["source_id", "target_id", "referred"])["value"]
    assert set(by_pair.index.get_level_values("referred")) == {True, False}
    pd.testing.assert_series_equal(by_pair, expected.sort_index(), atol=1e-9)


def test_each_row_is_a_first_purchase_after_a_contact_of_that_kind():
    dataset = tables(*contagion(1))
    rows = credited_adoptions(dataset, *WINDOW, credit_settings())
    rows = rows[rows["contact"] != REFERRAL]
    assert len(rows) > 20
    orders = dataset["orders"].to_pandas()
    first = orders.groupby(["customer_id", "product"])["ordered_at"].min()
    contacts = dataset["interactions"].to_pandas()
    for row in rows.itertuples():
        bought = first[row.target_id, row.product]
        assert row.date == bought.floor("D")
        of_both = contacts["source_id"].eq(row.source_id) & contacts["target_id"].eq(row.target_id)
        before = contacts[of_both & (contacts["occurred_at"] < bought) & (contacts["kind"] != REFERRAL)]
        latest = before[before["occurred_at"] == before["occurred_at"].max()]
        assert row.contact == latest["kind"].min()
        assert 0 < row.probability <= 1


def test_a_referral_is_a_record_with_its_first_order_in_the_window():
    customers = [joined("a"), joined("b")]
    dataset = tables(customers, [order("b", 50)], [referral("a", "b"), contact("a", "b")])
    (row,) = credited_adoptions(dataset, *WINDOW, credit_settings()).itertuples(index=False)
    assert (row.source_id, row.target_id, row.contact, row.probability) == ("a", "b", REFERRAL, 1.0)
    assert row.value > 0
    assert row.date == dataset["orders"].to_pandas()["ordered_at"].min().floor("D")
