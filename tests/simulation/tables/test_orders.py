import numpy as np
import pytest

from ripple.simulation.tables.orders import orders_table
from ripple.simulation.world.columns import customer_ids, product_ids


@pytest.fixture(scope="module")
def orders(history, calendar):
    return orders_table(history.payments, history.adoptions, history.products, calendar).to_pandas()


def test_the_first_order_of_a_product_is_its_adoption(history, calendar, orders):
    adoptions = history.adoptions
    first = orders.groupby(["customer_id", "product"]).ordered_at.min()
    expected = {
        (customer, product): at
        for customer, product, at in zip(
            customer_ids(adoptions.customer).to_pylist(),
            product_ids(adoptions.product).to_pylist(),
            calendar.timestamps(adoptions.day).to_pylist(),
            strict=True,
        )
    }
    assert first.to_dict() == expected


def test_order_ids_are_unique_and_follow_time(orders):
    assert orders.order_id.is_unique
    assert orders.order_id.is_monotonic_increasing
    assert orders.ordered_at.is_monotonic_increasing


def test_renewals_come_about_monthly_and_stay_within_the_time_as_a_customer(history, calendar, orders):
    paid = orders[orders.revenue > 0]
    gap = paid.groupby(["customer_id", "product"]).ordered_at.diff().dropna().dt.total_seconds() / 86_400
    assert 25 < gap.median() < 35
    assert gap.min() > 10
    number = paid.customer_id.str[1:].astype(int).to_numpy()
    last = np.array(
        calendar.timestamps(history.population.active_until[number]).to_pylist(), "datetime64[us]"
    )
    assert (paid.ordered_at.to_numpy() <= last).all()


def test_one_in_a_hundred_is_refunded_later_and_never_more_than_was_paid(orders):
    refunds = orders[orders.revenue < 0]
    assert 0.005 < len(refunds) / len(orders) < 0.015
    pairs = refunds.merge(orders[orders.revenue > 0], on=["customer_id", "product"], suffixes=("", "_paid"))
    fitting = pairs[
        (pairs.ordered_at_paid < pairs.ordered_at) & (pairs.revenue_paid >= -pairs.revenue - 1e-9)
    ]
    assert set(fitting.order_id) == set(refunds.order_id)
    running = orders.groupby(["customer_id", "product"]).revenue.cumsum()
    assert running.min() > -0.005


def test_revenue_is_whole_cents_and_never_zero(orders):
    cents = orders.revenue * 100
    assert np.allclose(cents, cents.round())
    assert orders.revenue.ne(0).all()


def test_some_products_earn_little(orders):
    margin = orders.groupby("product")[["margin", "revenue"]].sum()
    share = margin.margin / margin.revenue
    assert share.min() < 0.15
    assert share.max() > 0.4
    assert (orders.margin.abs() <= orders.revenue.abs()).all()


def test_happy_customers_renew_longer(history, orders):
    bought = orders[orders.revenue > 0].groupby("customer_id").size()
    products = orders.groupby("customer_id")["product"].nunique()
    renewals = bought / products
    satisfaction = history.population.satisfaction[renewals.index.str[1:].astype(int)]
    assert np.corrcoef(renewals, satisfaction)[0, 1] > 0.2
