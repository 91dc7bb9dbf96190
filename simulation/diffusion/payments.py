"""What customers pay: the order that is an adoption, its renewals, and a few refunds.

Each payment is recorded by its distance from the adoption that it follows, so that an adoption that would
have come later moves all of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ripple.arrays import Floats, Ints, sums
from ripple.simulation.diffusion.first_passage import Adoptions
from ripple.simulation.world.calendar import Calendar, Window
from ripple.simulation.world.columns import lags
from ripple.simulation.world.grouping import Grouping
from ripple.simulation.world.population import Population
from ripple.simulation.world.products import Products

RENEWAL_DAYS = 30.0
RENEWAL_JITTER_DAYS = 8.0
RETENTION_LOGIT = 1.2
"""Log odds that a customer of median satisfaction renews once more."""
RETENTION_SATISFACTION = 0.6
REFUND_SHARE = 0.01
REFUND_WITHIN_DAYS = 20.0


@dataclass(frozen=True)
class Payments:
    """One entry per order and refund, in the order of time."""

    adoption: Ints
    """Position of the adoption in Adoptions."""
    order_after: Floats
    """Days from the adoption to the order."""
    refund_after: Floats
    """Days from the order to its refund; 0 for the order itself."""
    revenue: Floats
    """In the dataset's currency, whole cents; negative for a refund."""
    known_after: Floats
    """Days until the payment reaches the company."""

    @property
    def size(self) -> int:
        """Number of payments."""
        return self.adoption.size

    def days(self, adoptions: Adoptions) -> Floats:
        """The day of each payment."""
        return adoptions.at[self.adoption] + self.order_after + self.refund_after


def pay(
    adoptions: Adoptions,
    population: Population,
    products: Products,
    calendar: Calendar,
    rng: np.random.Generator,
) -> Payments:
    """Draw the payments that follow the adoptions; nobody renews any more once they have left."""
    retention = 1 / (1 + np.exp(-RETENTION_LOGIT - RETENTION_SATISFACTION * population.satisfaction))
    bought = rng.geometric(1 - retention[adoptions.customer])
    bought = np.minimum(bought, np.ceil(calendar.days / RENEWAL_DAYS).astype(int))
    adoption = np.repeat(np.arange(bought.size), bought)
    renewal = np.arange(adoption.size) - np.repeat(np.cumsum(bought) - bought, bought)
    jitter = rng.uniform(-RENEWAL_JITTER_DAYS, RENEWAL_JITTER_DAYS, adoption.size)
    order_after = np.where(renewal > 0, RENEWAL_DAYS * renewal + jitter, 0.0)
    day = adoptions.at[adoption] + order_after
    paid = day < population.until[adoptions.customer[adoption]]
    adoption, order_after, day = adoption[paid], order_after[paid], day[paid]

    customer, product = adoptions.customer[adoption], adoptions.product[adoption]
    revenue = products.price[product] * population.budget[customer] * rng.lognormal(sigma=0.15, size=day.size)
    revenue = np.maximum(np.round(revenue, 2), 0.01)

    refund_after = rng.uniform(1, REFUND_WITHIN_DAYS, day.size)
    refunded = np.flatnonzero((rng.random(day.size) < REFUND_SHARE) & (day + refund_after < calendar.days))
    returned = np.where(rng.random(refunded.size) < 0.7, 1.0, 0.5)
    adoption, order_after = (np.concatenate((column, column[refunded])) for column in (adoption, order_after))
    refund_after = np.concatenate((np.zeros(day.size), refund_after[refunded]))
    revenue = np.concatenate((revenue, -np.floor(revenue[refunded] * returned * 100) / 100))

    day = adoptions.at[adoption] + order_after + refund_after
    order = np.argsort(day, kind="stable")
    return Payments(
        adoption[order], order_after[order], refund_after[order], revenue[order], lags(day.size, rng)
    )


def revenue_if(
    payments: Payments, adoptions: Adoptions, population: Population, moved: Ints, at: Floats, window: Window
) -> Floats:
    """Revenue in *window* of the adoption at each position *moved*, had it come on day *at*.

    Its payments keep their distance from it. What then falls behind the customer's leaving is never paid, and
    never refunded. Exact where *at* is no earlier than the adoption was; infinite for never.
    """
    which, payment = Grouping.by(payments.adoption, adoptions.size).of(moved)
    ordered = at[which] + payments.order_after[payment]
    stays = ordered < population.until[adoptions.customer[moved]][which]
    counts = stays & window.contains(ordered + payments.refund_after[payment])
    return sums(which, payments.revenue[payment] * counts, moved.size)
