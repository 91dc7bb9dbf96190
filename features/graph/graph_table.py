"""The table that features of the graph are read off: one row per customer at a cutoff."""

from __future__ import annotations

from collections.abc import Mapping

import ibis.expr.types as ir
import numpy as np
import pyarrow as pa

from ripple.arrays import Bools, Floats, sums
from ripple.features.expressions import sum_or_zero
from ripple.features.graph.centrality import core_number, pagerank
from ripple.features.graph.contacts import Contacts, Purchases
from ripple.features.graph.leads import lead_columns, open_columns
from ripple.features.graph.sparse import counts
from ripple.features.graph.ties import UNIT, Ties
from ripple.settings import Features

SIGNIFICANT_DIGITS = 9
"""The significant digits kept of sums in floating point, so that the order of customers does not show."""


def graph_table(
    daily: Mapping[str, ir.Table],
    contacts: Contacts,
    purchases: Purchases,
    size: int,
    last_day: int,
    settings: Features,
) -> pa.Table:
    """One row per customer who had joined, with what the features of the graph are made of.

    Args:
        daily: the daily tables ``members``, ``order_days`` and, if there is usage, ``active_days`` as they
            stood at the cutoff, with the ``age`` of their rows.
        contacts: all contacts of the dataset.
        purchases: all first purchases of the dataset.
        size: one more than the largest number of a customer.
        last_day: the last day before the cutoff.
        settings: the windows and the half-life of contacts.
    """
    joined = np.zeros(size, dtype=bool)
    joined[daily["members"].customer.to_pyarrow().to_numpy()] = True
    customers = np.flatnonzero(joined)
    spend, active = _spend_and_activity(daily, size, max(settings.windows_days))
    ties = Ties.at_cutoff(contacts, joined, last_day, settings.half_life_days)
    known_purchases = purchases.known_on(last_day)
    columns = _degrees_and_neighbours(ties, spend, active, counts(known_purchases.customer, size))
    columns |= {
        "pagerank": _rounded(pagerank(ties, customers)),
        "core": core_number(ties).astype(np.float64),
    }
    for power, (reach, weight, mutual) in ties.by_power.items():
        columns |= {
            f"{power}_reach": reach,
            f"{power}_strength": weight / UNIT,
            f"{power}_mutual": mutual,
        }
    columns |= lead_columns(ties, known_purchases, last_day, settings.windows_days)
    columns |= open_columns(ties, known_purchases, last_day, settings.windows_days)
    return pa.table(
        {"customer": pa.array(customers, pa.int32())}
        | {name: pa.array(value[customers], from_pandas=True) for name, value in columns.items()}
    )


def _spend_and_activity(daily: Mapping[str, ir.Table], size: int, days: int) -> tuple[Floats, Bools]:
    """By customer, what they have spent, and whether they ordered or used anything in the last *days*."""
    orders = daily["order_days"]
    by_customer = orders.group_by("customer").aggregate(
        revenue=sum_or_zero(orders.revenue), age=orders.age.min()
    )
    rows = by_customer.to_pyarrow()
    spend, active = np.zeros(size), np.zeros(size, dtype=bool)
    buyers = rows["customer"].to_numpy()
    spend[buyers] = rows["revenue"].to_numpy()
    active[buyers] = rows["age"].to_numpy() <= days
    if "active_days" in daily:
        usage = daily["active_days"]
        users = usage.filter(usage.age <= days).select("customer").distinct()
        active[users.customer.to_pyarrow().to_numpy()] = True
    return spend, active


def _degrees_and_neighbours(ties: Ties, spend: Floats, active: Bools, products: Floats) -> dict[str, Floats]:
    """Degrees and strengths of each customer, and means over the customers they reach."""
    source, target, size = ties.source, ties.target, ties.size
    mutual = counts(source[ties.mutual], size)
    links, weights, ones = ties.matrix(np.ones(source.size)), ties.weights, np.ones(size)
    degree, strength = links @ ones, weights @ ones
    lack = np.maximum(products[source] - products[target], 0)
    return {
        "out_degree": degree,
        "out_strength": strength / UNIT,
        "in_degree": counts(target, size),
        "in_strength": weights.T @ ones / UNIT,
        "mutual": mutual,
        "second_hand": links @ degree - mutual,
        "spent_by_targets": _rounded(_mean(links @ spend, degree)),
        "products_of_targets": _rounded(_mean(weights @ products, strength)),
        "lacking_in_targets": _mean(sums(source, lack, size), degree),
        "active_targets": _mean(links @ active.astype(np.float64), degree),
    }


def _mean(total: Floats, number: Floats) -> Floats:
    """*total* ÷ *number*, not a number where *number* is zero."""
    return np.divide(total, number, out=np.full(total.size, np.nan), where=number > 0)


def _rounded(value: Floats) -> Floats:
    """*value* to `SIGNIFICANT_DIGITS`; zeros and what is not finite stay as they are."""
    nonzero = np.isfinite(value) & (value != 0)
    scale = 10.0 ** (SIGNIFICANT_DIGITS - 1 - np.floor(np.log10(np.abs(np.where(nonzero, value, 1.0)))))
    return np.where(nonzero, np.rint(value * scale) / scale, value)
