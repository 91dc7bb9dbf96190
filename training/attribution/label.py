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
from ripple.training.attribution.adoptions import PURCHASES, AdoptionHistory, Outcome, read_history
from ripple.training.attribution.exposures import read_contacts
from ripple.training.attribution.generations import with_descendants
from ripple.training.attribution.influence import Attributions, attribute_adoptions
from ripple.training.attribution.referral_credit import referral_credits, referrals
from ripple.training.attribution.strata import assign_strata

INFLUENCE_METHOD = "incremental credit"
"""The name of the method by which influence is credited."""
LABEL_COLUMNS = (
    "network_value",
    "referral_value",
    "influence_value",
    "one_step_value",
    "direct_value",
    "influenced_purchases",
    "influenced_customers",
)
"""The columns of a label besides the customer's id."""
MIN_COMPLEMENT = 1e-12
"""The probability that a source caused nothing is at least this, so that it has a logarithm."""


def network_value(
    tables: Tables,
    start: datetime,
    end: datetime,
    settings: Settings,
    joined_before: datetime | None = None,
) -> ir.Table:
    """Credit for the revenue in (start, end], one row per customer who had joined before *start*.

    Args:
        tables: what may be looked at; pass `Tables.before(cutoff)` to be blind to what came later.
        start, end: the window, UTC.
        joined_before: the moment before which customers with a row had joined, if it is not *start*.

    Returns:
        `customer_id` and the columns of `LABEL_COLUMNS`, zeros included, ordered by customer. Values are in
        the dataset's currency; `one_step_value` is influence value without what those influenced caused in
        turn; `influenced_purchases` and `influenced_customers` are expected numbers.
    """
    orders = tables.orders_in(start, end)
    joined = tables["customers"].joined_at < (joined_before or start)
    customers = tables["customers"].filter(joined).select("customer_id")
    direct = orders.group_by("customer_id").aggregate(direct_value=sum_or_zero(orders.revenue))
    labels = _left_join(customers, direct)
    if "interactions" in tables:
        credits = referral_credits(referrals(tables, end), orders, settings.credit.referral_days)
        history, attributions = attribute_window(tables, start, end, settings)
        labels = _left_join(labels, _by_source(credits, _influence_credits(history, attributions)))
        labels = _left_join(labels, _influence_value(history, attributions))
    columns = {
        name: labels[name].fill_null(0.0) if name in labels.columns else ibis.literal(0.0)
        for name in LABEL_COLUMNS[1:]
    }
    return labels.select(
        "customer_id", network_value=columns["referral_value"] + columns["influence_value"], **columns
    ).order_by("customer_id")


def attribute_window(
    tables: Tables, start: datetime, end: datetime, settings: Settings, outcome: Outcome = PURCHASES
) -> tuple[AdoptionHistory, Attributions]:
    """The adoptions up to *end*, and the possible causes of those in (start, end]; needs interactions."""
    history = read_history(tables, start, end, settings.credit, outcome)
    contacts = read_contacts(tables, history, start, end)
    stratum = baseline_strata(contacts, history, settings)
    return history, attribute_adoptions(contacts, history, stratum, settings)


def baseline_strata(contacts: ir.Table, history: AdoptionHistory, settings: Settings) -> Ints:
    """The stratum of each customer under the baseline of the settings; 0 where it has no strata."""
    if settings.credit.by_stratum:
        return assign_strata(contacts, history, settings.seed)
    return np.zeros(history.customer_count, dtype=np.int64)


def influence_values(history: AdoptionHistory, attributions: Attributions) -> tuple[Floats, Floats]:
    """Influence value of each customer, with generations and one-step.

    Raises:
        ArithmeticError: more would be credited one-step than the value of all adoptions.
    """
    adoptions = history.adoptions
    value = np.where(adoptions.referred, 0.0, adoptions.value)
    credited = attributions.probability * attributions.incremental_share * value[attributions.adoption]
    if credited.sum() > adoptions.value.sum() * (1 + 1e-9):
        raise ArithmeticError(
            f"{credited.sum():,.2f} credited for adoptions with a value of {adoptions.value.sum():,.2f}."
        )
    cause = history.adoption_index(attributions.source, adoptions.product[attributions.adoption])
    direct = sums(cause, credited, adoptions.size)
    total = with_descendants(cause, attributions.adoption, attributions.probability, direct)
    customers = history.customer_count
    return sums(adoptions.customer, total, customers), sums(adoptions.customer, direct, customers)


def _influence_value(history: AdoptionHistory, attributions: Attributions) -> ir.Table:
    total, one_step = influence_values(history, attributions)
    return ibis.memtable(
        pa.table(
            {
                "customer_id": history.customer_ids,
                "influence_value": np.round(total, DECIMALS),
                "one_step_value": np.round(one_step, DECIMALS),
            }
        )
    )


def _influence_credits(history: AdoptionHistory, attributions: Attributions) -> ir.Table:
    """Attributions that no referral explains, as rows of `referral_credits`, but with a value of 0."""
    adoptions = history.adoptions
    attributions = attributions.where(~adoptions.referred[attributions.adoption])
    return ibis.memtable(
        pa.table(
            {
                "source_id": history.customer_ids.take(attributions.source),
                "target_id": history.customer_ids.take(adoptions.customer[attributions.adoption]),
                "probability": attributions.probability,
                "purchases": np.round(attributions.probability, DECIMALS),
                "value": np.zeros(attributions.probability.size),
            }
        )
    )


def _by_source(referred: ir.Table, influenced: ir.Table) -> ir.Table:
    columns = ("source_id", "target_id", "probability", "purchases", "value")
    credits = referred.select(*columns).union(influenced)
    log_complement = ibis.greatest(1.0 - credits.probability, ibis.literal(MIN_COMPLEMENT)).ln()
    targets = credits.group_by("source_id", "target_id").aggregate(
        value=sum_or_zero(credits.value),
        purchases=sum_or_zero(credits.purchases),
        influenced=1.0 - sum_or_zero(log_complement).exp(),
    )
    return targets.group_by(customer_id=targets.source_id).aggregate(
        referral_value=sum_or_zero(targets.value),
        influenced_purchases=sum_or_zero(targets.purchases),
        influenced_customers=sum_or_zero(targets.influenced),
    )


def _left_join(left: ir.Table, right: ir.Table) -> ir.Table:
    """Left join on the customer, whose id is kept once."""
    joined = left.left_join(right, "customer_id")
    return joined.select(*left.columns, *[name for name in right.columns if name not in left.columns])
