"""The payments of customers: the order that is an adoption, its renewals, and a few refunds.

Each payment is recorded by its delay after the adoption that it follows, so that a counterfactual day of the
adoption moves all of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ripple.arrays import Floats, Ints, expand, sums
from ripple.simulation.diffusion.first_passage import Adoptions
from ripple.simulation.world.calendar import Calendar, Window
from ripple.simulation.world.delays import reporting_delays
from ripple.simulation.world.grouping import Grouping
from ripple.simulation.world.population import Population
from ripple.simulation.world.products import Products

RENEWAL_DAYS = 30.0
"""The mean number of days between renewals."""
RENEWAL_JITTER_DAYS = 8.0
"""The number of days by which a renewal comes early or late at most."""
RETENTION_LOG_ODDS = 1.2
"""The log-odds that a customer of median satisfaction renews once more."""
SATISFACTION_EFFECT = 0.6
"""The effect of satisfaction on the log-odds of renewing."""
REFUND_SHARE = 0.01
"""The probability that an order is refunded."""
MAX_REFUND_DAYS = 20.0
"""The number of days from an order to its refund at most."""
FULL_REFUND_SHARE = 0.7
"""The probability that a refund is of the whole price, rather than half of it."""


@dataclass(frozen=True)
class Payments:
    """One entry per order and refund, in the order of time."""

    adoption: Ints
    """Index in Adoptions of the adoption that it follows."""
    order_delay: Floats
    """Days from the adoption to the order."""
    refund_delay: Floats
    """Days from the order to its refund; 0 for the order itself."""
    revenue: Floats
    """The amount in the dataset's currency, in whole cents; negative for a refund."""
    reporting_delay: Floats
    """Days until the payment reaches the company."""

    @property
    def size(self) -> int:
        """Number of payments."""
        return self.adoption.size

    def days(self, adoptions: Adoptions) -> Floats:
        """The day of each payment."""
        return adoptions.day[self.adoption] + self.order_delay + self.refund_delay


def draw_payments(
    adoptions: Adoptions,
    population: Population,
    products: Products,
    calendar: Calendar,
    rng: np.random.Generator,
) -> Payments:
    """Draw the payments that follow the adoptions; nobody renews any more once they have left."""
    adoption, order_delay = schedule_orders(adoptions, population, calendar, rng)
    paid = adoptions.day[adoption] + order_delay < population.active_until[adoptions.customer[adoption]]
    return draw_amounts(
        adoption[paid], order_delay[paid], adoptions, population, products, calendar.days, rng
    )


def schedule_orders(
    adoptions: Adoptions, population: Population, calendar: Calendar, rng: np.random.Generator
) -> tuple[Ints, Floats]:
    """The orders that follow each adoption of a customer who never leaves.

    Returns:
        For each order the index in *adoptions*, and the days from the adoption to it.
    """
    retention = 1 / (1 + np.exp(-RETENTION_LOG_ODDS - SATISFACTION_EFFECT * population.satisfaction))
    bought = rng.geometric(1 - retention[adoptions.customer])
    bought = np.minimum(bought, np.ceil(calendar.days / RENEWAL_DAYS).astype(int))
    adoption, renewal = expand(np.zeros_like(bought), bought)
    jitter = rng.uniform(-RENEWAL_JITTER_DAYS, RENEWAL_JITTER_DAYS, adoption.size)
    return adoption, np.where(renewal > 0, RENEWAL_DAYS * renewal + jitter, 0.0)


def draw_amounts(
    adoption: Ints,
    order_delay: Floats,
    adoptions: Adoptions,
    population: Population,
    products: Products,
    refunds_until: float,
    rng: np.random.Generator,
) -> Payments:
    """Draw what is paid for each order, and the refunds.

    Args:
        adoption: index in *adoptions* of each order.
        order_delay: days from the adoption to each order.
        adoptions: the adoptions that are followed.
        population: the customers.
        products: what is sold.
        refunds_until: the day from which on nothing is refunded.
        rng: where the draws come from.
    """
    day = adoptions.day[adoption] + order_delay
    customer, product = adoptions.customer[adoption], adoptions.product[adoption]
    revenue = products.price[product] * population.budget[customer] * rng.lognormal(sigma=0.15, size=day.size)
    revenue = np.maximum(np.round(revenue, 2), 0.01)

    refund_delay = rng.uniform(1, MAX_REFUND_DAYS, day.size)
    refunded = np.flatnonzero((rng.random(day.size) < REFUND_SHARE) & (day + refund_delay < refunds_until))
    returned = np.where(rng.random(refunded.size) < FULL_REFUND_SHARE, 1.0, 0.5)
    adoption = np.concatenate((adoption, adoption[refunded]))
    order_delay = np.concatenate((order_delay, order_delay[refunded]))
    refund_delay = np.concatenate((np.zeros(day.size), refund_delay[refunded]))
    revenue = np.concatenate((revenue, -np.floor(revenue[refunded] * returned * 100) / 100))

    day = adoptions.day[adoption] + order_delay + refund_delay
    order = np.argsort(day, kind="stable")
    return Payments(
        adoption[order],
        order_delay[order],
        refund_delay[order],
        revenue[order],
        reporting_delays(day.size, rng),
    )


def counterfactual_revenue(
    payments: Payments,
    adoptions: Adoptions,
    population: Population,
    adoption: Ints,
    day: Floats,
    window: Window,
) -> Floats:
    """Revenue in *window* of each *adoption*, an index in Adoptions, if it came on *day*.

    Its payments keep their delays. What then falls after the customer leaves is never paid, and never
    refunded. Exact where *day* is no earlier than the adoption was; infinite for never.
    """
    row, payment = Grouping.by(payments.adoption, adoptions.size).of(adoption)
    ordered = day[row] + payments.order_delay[payment]
    active = ordered < population.active_until[adoptions.customer[adoption]][row]
    counts = active & window.contains(ordered + payments.refund_delay[payment])
    return sums(row, payments.revenue[payment] * counts, adoption.size)
