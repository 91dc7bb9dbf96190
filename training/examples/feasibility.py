"""What can be trained from a dataset, by counts that need no features, labels or models.

`ripple check` reports it, and a training begins with it: what it raises, no later step could put right.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import ibis.expr.types as ir

from ripple.errors import InputError
from ripple.features.dataset import Dataset
from ripple.training.examples.cutoffs import Schedule, schedule
from ripple.training.examples.preconditions import MIN_BUYERS, MIN_CREDITED

NETWORK_VALUE_NEEDS = (
    "Network value needs contacts or referrals: a table interactions with source_id, target_id, kind and "
    "occurred_at, such as who referred, invited, answered or shared with whom (docs/interactions.md)."
)
"""What to bring where only orders are known."""
NO_CREDIT = (
    "No purchase is credited to another customer than the buyer: no product was first bought after a contact "
    "with somebody who had bought it, more often than by those without such a contact."
)
"""What is amiss where orders and interactions are known, and every label is zero."""


@dataclass(frozen=True)
class Feasibility:
    """The counts on which a training rests.

    Attributes:
        schedule: the cutoffs of the training.
        customers: who had joined when the last window closed.
        buyers: those of them who paid for anything in the window of a cutoff.
        candidates: customers who were in touch with a buyer, or referred one, before a purchase in a window:
            no others can be credited with anything. None without interactions: only direct value is trained.
    """

    schedule: Schedule
    customers: int
    buyers: int
    candidates: int | None

    def __str__(self) -> str:
        plan = self.schedule
        counts = (
            f"{len(plan.grid)} closed cutoffs from {plan.grid[0]:%Y-%m-%d} to {plan.grid[-1]:%Y-%m-%d}, "
            f"{len(plan.evaluation)} of them evaluated, horizon {plan.horizon.days} days; "
            f"{self.customers:,} customers, {self.buyers:,} buyers"
        )
        if self.candidates is None:
            return f"direct value and lifetime value only. {NETWORK_VALUE_NEEDS} {counts}"
        return f"{counts}, {self.candidates:,} candidates for credit"


def feasibility(dataset: Dataset, start: datetime, end: datetime) -> Feasibility:
    """What can be trained from *dataset*, whose data run from *start* to *end*.

    Raises:
        InputError: nothing can; the message says what is there and how much is needed.
    """
    plan = schedule(start, end, dataset.settings)
    tables, closed = dataset.tables, plan.grid[-1] + plan.horizon
    orders = tables.orders_in(plan.grid[0], closed)
    paid = orders.filter(orders.revenue > 0)
    buyers = paid.group_by("customer_id").aggregate(last=paid.ordered_at.max())
    customers = tables["customers"]
    joined = _count(customers.filter(customers.joined_at <= closed))
    if "interactions" in tables:
        return Feasibility(plan, joined, _count(buyers), _candidates(dataset, buyers, plan))
    if (number := _count(buyers)) < MIN_BUYERS:
        raise InputError(
            f"Only {number} customer{'s' * (number != 1)} bought anything between {plan.grid[0]:%Y-%m-%d} "
            f"and {closed:%Y-%m-%d}; {MIN_BUYERS} at least are needed to learn what they will spend. Bring "
            "more history."
        )
    return Feasibility(plan, joined, number, None)


def _candidates(dataset: Dataset, buyers: ir.Table, plan: Schedule) -> int:
    """`Feasibility.candidates`; *buyers* have the time of their `last` purchase in a window."""
    interactions = dataset.tables["interactions"]
    number = _count(interactions)
    if not number:
        raise InputError(
            "The table interactions has no rows: nobody can be credited with revenue of others, which is "
            "what a model learns. Check what it is made of, or leave it out to train direct value only."
        )
    contacts = interactions.join(buyers, interactions.target_id == buyers.customer_id)
    before = contacts.filter((contacts.occurred_at <= contacts["last"]) | (contacts.kind == "referral"))
    candidates = _count(before.select("source_id").distinct())
    if candidates < MIN_CREDITED:
        raise InputError(
            f"Only {candidates} customer{'s' * (candidates != 1)} could be credited with "
            f"revenue of others; {MIN_CREDITED} at least must have been in touch with a buyer before a "
            f"purchase. There are {number:,} interactions and, between {plan.grid[0]:%Y-%m-%d} and "
            f"{plan.grid[-1] + plan.horizon:%Y-%m-%d}, {_count(buyers):,} buyers. Check that both name the "
            "same customers at the same times, or bring more history or a longer horizon_days "
            f"(now {dataset.settings.horizon_days})."
        )
    return candidates


def _count(rows: ir.Table) -> int:
    return int(rows.count().to_pyarrow().as_py())
