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
NOT_MEASURABLE = (
    "No product was bought by two customers, so influence cannot be measured, only referrals. Map products "
    "to names that several customers buy, such as a category."
)
"""What to bring where nobody can have followed anybody."""


@dataclass(frozen=True)
class Feasibility:
    """The counts on which a training rests.

    Attributes:
        schedule: the cutoffs of the training.
        customers: who had joined when the last window closed.
        buyers: those of them who paid for anything in the window of a cutoff.
        candidates: customers who were in touch with a buyer, or referred one, before a purchase in a window:
            no others can be credited with anything. None without interactions: only direct value is trained.
        shared: whether any product was bought by two customers or more, without which no influence can be
            measured.
        spending: where only direct value is trained, the evaluation cutoffs with spend both to learn from
            and to be evaluated by.
    """

    schedule: Schedule
    customers: int
    buyers: int
    candidates: int | None
    shared: bool = True
    spending: tuple[datetime, ...] = ()

    def __str__(self) -> str:
        plan = self.schedule
        counts = (
            f"{len(plan.grid)} closed cutoffs from {plan.grid[0]:%Y-%m-%d} to {plan.grid[-1]:%Y-%m-%d}, "
            f"{len(plan.evaluation)} of them evaluated, horizon {plan.horizon.days} days; "
            f"{self.customers:,} customers, {self.buyers:,} buyers"
        )
        if self.candidates is None:
            return f"direct value and lifetime value only. {NETWORK_VALUE_NEEDS} {counts}"
        alone = "" if self.shared else f". {NOT_MEASURABLE}"
        return f"{counts}, {self.candidates:,} candidates for credit{alone}"


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
        shared = _has_shared_product(dataset, closed)
        return Feasibility(plan, joined, _count(buyers), _candidates(dataset, buyers, plan), shared)
    if (number := _count(buyers)) < MIN_BUYERS:
        raise InputError(
            f"Only {number} customer{'s' * (number != 1)} bought anything between {plan.grid[0]:%Y-%m-%d} "
            f"and {closed:%Y-%m-%d}; {MIN_BUYERS} at least are needed to learn what they will spend. Bring "
            "more history."
        )
    return Feasibility(plan, joined, number, None, spending=spending_cutoffs(dataset, plan))


def _has_shared_product(dataset: Dataset, closed: datetime) -> bool:
    orders = dataset.tables["orders"]
    orders = orders.filter(orders.ordered_at <= closed)
    by_product = orders.group_by("product").aggregate(buyers=orders.customer_id.nunique())
    return _count(by_product.filter(by_product.buyers > 1)) > 0


def spending_cutoffs(dataset: Dataset, plan: Schedule) -> tuple[datetime, ...]:
    """The evaluation cutoffs at which somebody spent something both before and after.

    Raises:
        InputError: there is none.
    """
    spent = {cutoff: _is_spending(dataset, cutoff, cutoff + plan.horizon) for cutoff in plan.all}
    cutoffs = tuple(
        cutoff
        for cutoff in plan.evaluation
        if spent[cutoff] and any(spent[earlier] for earlier in plan.training_for(cutoff))
    )
    if not cutoffs:
        raise InputError(
            "At no evaluation cutoff did anybody buy anything both before and after it, so nothing can be "
            "learnt and evaluated. Bring more history, or choose other cutoffs.evaluate."
        )
    return cutoffs


def _is_spending(dataset: Dataset, start: datetime, end: datetime) -> bool:
    """Whether anybody who had joined before *start* paid more in (start, end] than they got back."""
    tables = dataset.tables.until(end)
    orders = tables.orders_in(start, end)
    joined = tables["customers"].filter(tables["customers"].joined_at < start)
    spent = orders.group_by("customer_id").aggregate(total=orders.revenue.sum())
    return _count(spent.filter(spent.total > 0).semi_join(joined, "customer_id")) > 0


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
