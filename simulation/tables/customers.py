"""The customers table: who they are, and when they joined."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from ripple.simulation.world.calendar import Calendar
from ripple.simulation.world.columns import customer_ids, labels
from ripple.simulation.world.population import COUNTRIES, INDUSTRIES, PLANS, Population


def customers_table(population: Population, calendar: Calendar) -> pa.Table:
    """The table of what the company knows about its customers."""
    return pa.table(
        {
            "customer_id": customer_ids(np.arange(population.size)),
            "joined_at": calendar.timestamps(population.joined),
            "industry": labels(INDUSTRIES, population.industry),
            "country": labels(COUNTRIES, population.country),
            "plan": labels(PLANS, population.plan),
            "seats": population.seats,
        }
    )
