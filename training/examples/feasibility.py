"""What can be trained from a dataset, by counts that need no features, labels or models.

`ripple check` reports it, and a training begins with it: what it raises, no later step could put right.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import ibis.expr.types as ir

from ripple.errors import InputError
from ripple.features.dataset import Dataset
from ripple.training.examples.cutoffs import Schedule, schedule
from ripple.training.examples.preconditions import MIN_CREDITED


@dataclass(frozen=True)
class Feasibility:
    """The counts on which a training rests.

    Attributes:
        schedule: the cutoffs of the training.
        customers: who had joined when the last window closed.
        buyers: those of them who paid for anything in the window of a cutoff.
        candidates: customers who were in touch with a buyer, or referred one, before a purchase in a window:
            no others can be credited with anything.
    """

    schedule: Schedule
    customers: int
    buyers: int
    candidates: int

    def __str__(self) -> str:
        plan = self.schedule
        return (
            f"{len(plan.grid)} closed cutoffs from {plan.grid[0]:%Y-%m-%d} to {plan.grid[-1]:%Y-%m-%d}, "
            f"{len(plan.evaluation)} of them evaluated, horizon {plan.horizon.days} days; "
            f"{self.customers:,} customers, {self.buyers:,} buyers, {self.candidates:,} candidates for credit"
        )


def feasibility(dataset: Dataset, start: datetime, end: datetime) -> Feasibility:
    """What can be trained from *dataset*, whose data run from *start* to *end*.

    Raises:
        InputError: nothing can; the message says what is there and how much is needed.
    """
    plan = schedule(start, end, dataset.settings)
    tables = dataset.tables
    if "interactions" not in tables:
        raise InputError(
            "There is no table interactions: nobody can be credited with revenue of others, which is what a "
            "model learns. Without it only features can be computed."
        )
    closed = plan.grid[-1] + timedelta(days=dataset.settings.horizon_days)
    interactions = tables["interactions"]
    number = _count(interactions)
    if not number:
        raise InputError(
            "The table interactions has no rows: nobody can be credited with revenue of others, which is "
            "what a model learns. Check what it is made of."
        )
    orders = tables.orders_in(plan.grid[0], closed)
    paid = orders.filter(orders.revenue > 0)
    buyers = paid.group_by("customer_id").aggregate(last=paid.ordered_at.max())
    customers = tables["customers"]
    contacts = interactions.join(buyers, interactions.target_id == buyers.customer_id)
    before = contacts.filter((contacts.occurred_at <= contacts["last"]) | (contacts.kind == "referral"))
    result = Feasibility(
        plan,
        _count(customers.filter(customers.joined_at <= closed)),
        _count(buyers),
        _count(before.select("source_id").distinct()),
    )
    if result.candidates < MIN_CREDITED:
        raise InputError(
            f"Only {result.candidates} customer{'s' * (result.candidates != 1)} could be credited with "
            f"revenue of others; {MIN_CREDITED} at least must have been in touch with a buyer before a "
            f"purchase. There are {number:,} interactions and, between {plan.grid[0]:%Y-%m-%d} and "
            f"{closed:%Y-%m-%d}, {result.buyers:,} buyers. Check that both name the same customers at the "
            "same times, or bring more history or a longer horizon_days "
            f"(now {dataset.settings.horizon_days})."
        )
    return result


def _count(rows: ir.Table) -> int:
    return int(rows.count().to_pyarrow().as_py())
