"""Direct value: what customers spend themselves."""

from __future__ import annotations

from datetime import datetime

import ibis.expr.types as ir

from ripple.features.definition import feature
from ripple.features.expressions import ratio, sum_or_zero, total


@feature("direct value", "days", empty=None)
def days_since_last_order(orders: ir.Table, as_of: datetime) -> ir.Value:
    """Days since the customer last ordered, refunds apart, 1 on the last day: the R of RFM."""
    return orders.age.min(where=orders.orders > 0)


@feature("direct value", "orders")
def order_count(orders: ir.Table, as_of: datetime, days: int) -> ir.Value:
    """Orders in the last {days} days: the F of RFM."""
    return orders.orders.sum(where=orders.age <= days).fill_null(0)


@feature("direct value", "currency")
def revenue(orders: ir.Table, as_of: datetime, days: int) -> ir.Value:
    """Revenue, refunds taken off, in the last {days} days: the M of RFM."""
    return sum_or_zero(orders.revenue, orders.age <= days)


@feature("direct value", "currency")
def total_revenue(orders: ir.Table, as_of: datetime) -> ir.Value:
    """All revenue so far, refunds taken off."""
    return sum_or_zero(orders.revenue)


@feature("direct value", "products")
def products_bought(purchases: ir.Table, as_of: datetime) -> ir.Value:
    """Distinct products ever bought."""
    return purchases.count()


@feature("direct value", "share", empty=None, needs=("margin",))
def margin_share(orders: ir.Table, as_of: datetime) -> ir.Value:
    """Margin ÷ revenue over all orders so far whose margin is known."""
    return ratio(total(orders.margin), total(orders.margin_revenue))


@feature("direct value", "days", empty=None)
def tenure_days(customers: ir.Table, as_of: datetime) -> ir.Value:
    """Days since the customer joined."""
    return customers.age
