"""The feedback table: what customers say about the service."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from ripple.simulation.world.calendar import Calendar
from ripple.simulation.world.columns import customer_ids
from ripple.simulation.world.population import Population

SCORES_PER_YEAR = 1.5
"""The mean number of scores of a customer in a year."""
NOISE = 0.5
"""The standard deviation of the noise of a score, before it is squashed into [-1, 1]."""


def feedback_table(population: Population, calendar: Calendar, rng: np.random.Generator) -> pa.Table:
    """A few scores in [-1, 1] per customer, in the order of time: their satisfaction, with noise."""
    customer = np.repeat(np.arange(population.size), rng.poisson(SCORES_PER_YEAR * population.years))
    day = rng.uniform(population.active_from[customer], population.active_until[customer])
    score = np.tanh(population.satisfaction[customer] + NOISE * rng.standard_normal(day.size))
    order = np.argsort(day, kind="stable")
    return pa.table(
        {
            "customer_id": customer_ids(customer[order]),
            "occurred_at": calendar.timestamps(day[order]),
            "score": np.round(score[order], 2),
        }
    )
