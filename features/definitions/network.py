"""Network: how many the customer touches, who they are, and what earlier credit says."""

from __future__ import annotations

from datetime import datetime

import ibis.expr.types as ir

from ripple.features.definition import feature


@feature("network", "customers")
def out_degree(contacts: ir.Table, as_of: datetime) -> ir.Value:
    """Distinct customers the customer reaches by any interaction but a referral."""
    return contacts.out_degree


@feature("network", "recent contacts")
def out_strength(contacts: ir.Table, as_of: datetime) -> ir.Value:
    """Decayed weight of all the customer's ties: the weighted degree."""
    return contacts.out_strength


@feature("network", "customers")
def in_degree(contacts: ir.Table, as_of: datetime) -> ir.Value:
    """Distinct customers who reach the customer."""
    return contacts.in_degree


@feature("network", "recent contacts")
def in_strength(contacts: ir.Table, as_of: datetime) -> ir.Value:
    """Decayed weight of the ties that reach the customer."""
    return contacts.in_strength


@feature("network", "contacts of contacts")
def second_hand_reach(contacts: ir.Table, as_of: datetime) -> ir.Value:
    """Ways to reach another customer through one who is reached: what may ripple on."""
    return contacts.second_hand


@feature("network", "times the average")
def pagerank(contacts: ir.Table, as_of: datetime) -> ir.Value:
    """PageRank of the customer if those they reach vote for them: 1 is average (Page et al. 1999)."""
    return contacts.pagerank


@feature("network", "customers")
def core_number(contacts: ir.Table, as_of: datetime) -> ir.Value:
    """Largest k for which the customer is among customers with k live ties each (Kitsak et al. 2010)."""
    return contacts.core


@feature("network", "currency", empty=None)
def neighbour_revenue(contacts: ir.Table, as_of: datetime) -> ir.Value:
    """What a customer they reach has spent so far, on average: what there is to influence."""
    return contacts.spent_by_targets


@feature("network", "products", empty=None)
def neighbour_products(contacts: ir.Table, as_of: datetime) -> ir.Value:
    """Distinct products a customer they reach has bought, averaged over ties by weight."""
    return contacts.products_of_targets


@feature("network", "products", empty=None)
def neighbour_lack(contacts: ir.Table, as_of: datetime) -> ir.Value:
    """How many products fewer than the customer those they reach have bought, on average."""
    return contacts.lacking_in_targets


@feature("network", "share", empty=None)
def neighbour_activity(contacts: ir.Table, as_of: datetime) -> ir.Value:
    """Share of those they reach who used or ordered anything lately (in the longest window)."""
    return contacts.active_targets


@feature("network", "purchases")
def led_purchases(contacts: ir.Table, as_of: datetime, days: int) -> ir.Value:
    """First purchases by those they reach in the last {days} days, of what the customer had before them."""
    return contacts[f"led_{days}d"]


@feature("network", "purchases")
def purchases_to_lead(contacts: ir.Table, as_of: datetime) -> ir.Value:
    """Purchases still to lead: products that the customer has and those they reach lack, one for each."""
    return contacts.to_lead


@feature("network", "purchases")
def recent_purchases_to_lead(contacts: ir.Table, as_of: datetime, days: int) -> ir.Value:
    """Purchases still to lead, of what the customer first bought in the last {days} days: influence fades."""
    return contacts[f"to_lead_{days}d"]


@feature("network", "currency")
def past_influence_value(credit: ir.Table, as_of: datetime) -> ir.Value:
    """Influence value credited in the window that closed just before the cutoff, since joining at most."""
    return credit.influence_value


@feature("network", "currency")
def past_referral_value(credit: ir.Table, as_of: datetime) -> ir.Value:
    """Referral value credited in the window that closed just before the cutoff, since joining at most."""
    return credit.referral_value


@feature("network", "currency")
def past_network_value(credit: ir.Table, as_of: datetime) -> ir.Value:
    """Network value credited in the window that closed just before the cutoff: the last label. For those who
    joined in that window it is what they have brought since."""
    return credit.network_value


@feature("network", "customers")
def past_influenced_customers(credit: ir.Table, as_of: datetime) -> ir.Value:
    """Customers credited as influenced in the window that closed just before the cutoff, since joining at
    most."""
    return credit.influenced_customers
