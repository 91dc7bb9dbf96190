"""Network: how many the customer touches, who they are, and what earlier credit says."""

from __future__ import annotations

from datetime import datetime

import ibis.expr.types as ir

from features.measures import ratio, sum_or_zero, total
from features.registry import feature


@feature("network", "customers")
def out_degree(neighbours: ir.Table, as_of: datetime) -> ir.Value:
    """Distinct customers the customer reaches by any interaction but a referral."""
    return neighbours.count()


@feature("network", "recent contacts")
def out_strength(neighbours: ir.Table, as_of: datetime) -> ir.Value:
    """Decayed weight of all the customer's ties: the weighted degree."""
    return sum_or_zero(neighbours.weight)


@feature("network", "customers")
def in_degree(received: ir.Table, as_of: datetime) -> ir.Value:
    """Distinct customers who reach the customer."""
    return received.source_id.nunique()


@feature("network", "recent contacts")
def in_strength(received: ir.Table, as_of: datetime) -> ir.Value:
    """Decayed weight of the ties that reach the customer."""
    return sum_or_zero(received.weight)


@feature("network", "currency", empty=None)
def neighbour_revenue(neighbours: ir.Table, as_of: datetime) -> ir.Value:
    """What a customer they reach has spent so far, on average: what there is to influence."""
    return total(neighbours.revenue) / neighbours.count().cast("float64")


@feature("network", "products", empty=None)
def neighbour_products(neighbours: ir.Table, as_of: datetime) -> ir.Value:
    """Distinct products a customer they reach has bought, averaged over ties by weight."""
    return ratio(total(neighbours.products * neighbours.weight), total(neighbours.weight))


@feature("network", "currency")
def past_influence_value(credit: ir.Table, as_of: datetime) -> ir.Value:
    """Influence value credited in the last window that closed before the cutoff."""
    return credit.influence_value.max()


@feature("network", "currency")
def past_referral_value(credit: ir.Table, as_of: datetime) -> ir.Value:
    """Referral value credited in the last window that closed before the cutoff."""
    return credit.referral_value.max()


@feature("network", "currency")
def past_network_value(credit: ir.Table, as_of: datetime) -> ir.Value:
    """Network value credited in the last window that closed before the cutoff: the last label."""
    return credit.network_value.max()


@feature("network", "customers")
def past_influenced_customers(credit: ir.Table, as_of: datetime) -> ir.Value:
    """Customers credited as influenced in the last window that closed before the cutoff."""
    return credit.influenced_customers.max()
