"""The label of a window: network value of every customer, in its parts.

Network value = referral value + influence value (CRV and CIV of Kumar et al. 2010), kept apart, added up.
Referral value is recorded. Influence value is *incremental credit*, an estimate less what would have happened
anyway. What a referral explains is not credited again as influence.
"""

from __future__ import annotations

from datetime import datetime

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa

from ripple.arrays import Floats, Ints, sums
from ripple.features.expressions import DECIMALS, sum_or_zero
from ripple.features.tables.tables import Tables
from ripple.settings import Settings
from ripple.training.attribution.adoptions import Events, read
from ripple.training.attribution.exposures import contacts
from ripple.training.attribution.generations import with_descendants
from ripple.training.attribution.influence import Causes, causes
from ripple.training.attribution.referral_credit import referral_credits, referred
from ripple.training.attribution.strata import strata

INFLUENCE_METHOD = "incremental credit"
LABEL_COLUMNS = (
    "network_value",
    "referral_value",
    "influence_value",
    "one_step_value",
    "direct_value",
    "influenced_purchases",
    "influenced_customers",
)


def network_value(tables: Tables, start: datetime, end: datetime, settings: Settings) -> ir.Table:
    """Credit for the revenue in (start, end], one row per customer who had joined before *start*.

    Args:
        tables: what may be looked at; pass `Tables.before(cutoff)` to be blind to what came later.
        start, end: the window, UTC.

    Returns:
        `customer_id` and the columns of `LABEL_COLUMNS`, zeros included, ordered by customer. Values are in
        the dataset's currency; `one_step_value` is influence value without what those influenced caused in
        turn; `influenced_purchases` and `influenced_customers` are expected numbers.
    """
    inside = tables.orders_in(start, end)
    alive = tables["customers"].filter(tables["customers"].joined_at < start).select("customer_id")
    direct = inside.group_by("customer_id").aggregate(direct_value=sum_or_zero(inside.revenue))
    labels = _left(alive, direct)
    if "interactions" in tables:
        referrals = referral_credits(referred(tables, end), inside, settings.credit.referral_days)
        pairs, values = influence(tables, start, end, settings)
        labels = _left(_left(labels, _per_source(referrals, pairs)), values)
    known = {
        name: labels[name].fill_null(0.0) if name in labels.columns else ibis.literal(0.0)
        for name in LABEL_COLUMNS[1:]
    }
    return labels.select(
        "customer_id", network_value=known["referral_value"] + known["influence_value"], **known
    ).order_by("customer_id")


def influence(
    tables: Tables, start: datetime, end: datetime, settings: Settings
) -> tuple[ir.Table, ir.Table]:
    """Influence in (start, end] by source and target, and its value by source."""
    events = read(tables, start, end, settings.credit)
    met = contacts(tables, events, start, end)
    found = causes(met, events, stratum_of(met, events, settings), settings)
    return _pairs(events, found), _values(events, found)


def stratum_of(met: ir.Table, events: Events, settings: Settings) -> Ints:
    """The stratum of each customer, as the chosen baseline has it."""
    if settings.credit.by_stratum:
        return strata(met, events, settings.seed)
    return np.zeros(events.customers, dtype=np.int64)


def value_by_source(events: Events, found: Causes) -> tuple[Floats, Floats]:
    """Influence value of each customer, with generations and one-step.

    Raises:
        ArithmeticError: more would be credited one-step than all adoptions are worth.
    """
    adoptions = events.adoptions
    value = np.where(adoptions.referred, 0.0, adoptions.value)
    credited = found.probability * found.loss * value[found.effect]
    if credited.sum() > adoptions.value.sum() * (1 + 1e-9):
        raise ArithmeticError(
            f"{credited.sum():,.2f} credited for adoptions worth {adoptions.value.sum():,.2f}."
        )
    cause = events.adoption_of(found.source, adoptions.product[found.effect])
    direct = sums(cause, credited, adoptions.size)
    total = with_descendants(cause, found.effect, found.probability, direct)
    customers = events.customers
    return sums(adoptions.customer, total, customers), sums(adoptions.customer, direct, customers)


def _values(events: Events, found: Causes) -> ir.Table:
    total, one_step = value_by_source(events, found)
    return ibis.memtable(
        pa.table(
            {
                "customer_id": events.ids,
                "influence_value": np.round(total, DECIMALS),
                "one_step_value": np.round(one_step, DECIMALS),
            }
        )
    )


def _pairs(events: Events, found: Causes) -> ir.Table:
    """Who influenced whom, by product, with what probability, as far as no referral explains it."""
    adoptions = events.adoptions
    found = found.where(~adoptions.referred[found.effect])
    return ibis.memtable(
        pa.table(
            {
                "source_id": events.ids.take(found.source),
                "target_id": events.ids.take(adoptions.customer[found.effect]),
                "probability": found.probability,
                "purchases": np.round(found.probability, DECIMALS),
                "value": np.zeros(found.probability.size),
            }
        )
    )


def _per_source(referrals: ir.Table, pairs: ir.Table) -> ir.Table:
    credits = referrals.select("source_id", "target_id", "probability", "purchases", "value").union(pairs)
    missed = ibis.greatest(1.0 - credits.probability, ibis.literal(1e-12)).ln()
    targets = credits.group_by("source_id", "target_id").aggregate(
        value=sum_or_zero(credits.value),
        purchases=sum_or_zero(credits.purchases),
        influenced=1.0 - sum_or_zero(missed).exp(),
    )
    return targets.group_by(customer_id=targets.source_id).aggregate(
        referral_value=sum_or_zero(targets.value),
        influenced_purchases=sum_or_zero(targets.purchases),
        influenced_customers=sum_or_zero(targets.influenced),
    )


def _left(left: ir.Table, right: ir.Table) -> ir.Table:
    """Left join on the customer, whose id is kept once."""
    joined = left.left_join(right, "customer_id")
    return joined.select(*left.columns, *[name for name in right.columns if name not in left.columns])
