import pytest

from ripple.training.attribution.referral_credit import referral_credits, referrals
from tests.support.event_tables import WINDOW, contact, joined, order, referral, tables


def credits(orders, interactions, referral_days=50.0):
    customers = [joined("a"), joined("b", 30.0), joined("c", 60.0)]
    dataset = tables(customers, orders, interactions)
    rows = referral_credits(referrals(dataset, WINDOW[1]), dataset.orders_in(*WINDOW), referral_days)
    return rows.order_by("target_id", "product").to_pandas().to_dict("records")


def test_a_referrer_has_what_each_referred_customer_spends_by_product():
    orders = [order("b", 50, "p", 70.0), order("b", 60, "p", -20.0), order("b", 60, "q", 5.0)]
    assert credits(orders, [referral("a", "b", 30), contact("a", "c")]) == [
        {"source_id": "a", "target_id": "b", "product": product, "probability": 1.0, "purchases": 1.0}
        | {"value": value}
        for product, value in (("p", 50.0), ("q", 5.0))
    ]


@pytest.mark.parametrize(("on", "value"), [(80, 1.0), (80.001, None)])
def test_a_referral_counts_for_its_days_after_the_join(on, value):
    rows = credits([order("b", on, revenue=1.0)], [referral("a", "b", 30)])
    assert [row["value"] for row in rows] == ([] if value is None else [value])


def test_a_refund_alone_is_not_debited():
    assert [row["value"] for row in credits([order("b", 50, revenue=-9.0)], [referral("a", "b", 30)])] == [
        0.0
    ]


def test_a_referral_after_the_end_is_not_known():
    assert not credits([order("b", 50)], [referral("a", "b", 100.5)])
    assert credits([order("b", 50)], [referral("a", "b", 100)])


def test_purchases_are_orders_with_revenue_however_small():
    orders = [order("b", 45 + i, revenue=revenue) for i, revenue in enumerate((70.0, 0.5, 0.0, -0.5))]
    assert [row["purchases"] for row in credits(orders, [referral("a", "b", 30)])] == [2.0]
