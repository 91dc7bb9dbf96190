"""The usage of the service: events, with features that it takes expertise and time to learn."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from ripple.arrays import Floats
from ripple.simulation.diffusion.first_passage import Adoptions
from ripple.simulation.tables.first_uses import days_of_first_use
from ripple.simulation.tables.product_features import (
    ADVANCED_EXPERTISE,
    BASICS,
    CORE_EXPERTISE,
    FEATURES,
    Features,
)
from ripple.simulation.world.calendar import Calendar
from ripple.simulation.world.columns import customer_ids, feature_ids, user_ids
from ripple.simulation.world.population import Population

CORE_LEARNING_DAYS, ADVANCED_LEARNING_DAYS = 30.0, 700.0
"""The mean times to learn a core, and an advanced, feature at median expertise."""
EVENTS_PER_YEAR = 40.0
"""The mean number of events of a customer in a year."""
FADE_DAYS = 150.0
"""The number of days before leaving over which use falls to nothing."""


def usage_table(
    population: Population,
    features: Features,
    calendar: Calendar,
    rng: np.random.Generator,
    first_uses: Adoptions | None = None,
) -> pa.Table:
    """Every event of use, in the order of time.

    Args:
        first_uses: where features spread; else each customer learns them alone.
    """
    volume = np.exp(
        0.5 * population.expertise
        + 0.3 * np.log(population.budget)
        + 0.5 * rng.standard_normal(population.size)
    )
    events = rng.poisson(EVENTS_PER_YEAR * volume / volume.mean() * population.years)
    customer = np.repeat(np.arange(population.size), events)
    day = rng.uniform(population.active_from[customer], population.active_until[customer])
    fading = (population.left[customer] - day) / FADE_DAYS
    kept = rng.random(day.size) < fading
    customer, day = customer[kept], day[kept]
    order = np.argsort(day, kind="stable")
    customer, day = customer[order], day[order]

    wanted = rng.choice(FEATURES, day.size, p=features.popularity)
    usable_from = (
        _learning_days(population, features, rng)
        if first_uses is None
        else days_of_first_use(first_uses, population.size)
    )
    learnt = usable_from[customer, wanted] <= day
    feature = np.where(learnt, wanted, rng.integers(BASICS, size=day.size))
    if first_uses is not None:
        customer = np.concatenate((customer, first_uses.customer))
        feature = np.concatenate((feature, first_uses.product))
        day = np.concatenate((day, first_uses.day))
        order = np.argsort(day, kind="stable")
        customer, feature, day = customer[order], feature[order], day[order]
    # squared: a few of the users at a customer do most of the work
    user = 1 + np.floor(population.seats[customer] * rng.random(day.size) ** 2).astype(np.int64)
    return pa.table(
        {
            "customer_id": customer_ids(customer),
            "occurred_at": calendar.timestamps(day),
            "feature": feature_ids(feature),
            "user_id": user_ids(customer, user),
        }
    )


def _learning_days(population: Population, features: Features, rng: np.random.Generator) -> Floats:
    """The day from which a customer (row) uses a feature (column): experts are early, all get broader."""
    expertise = population.expertise[:, None]
    mean = np.where(
        features.advanced == 1,
        ADVANCED_LEARNING_DAYS * np.exp(-ADVANCED_EXPERTISE * expertise),
        CORE_LEARNING_DAYS * np.exp(-CORE_EXPERTISE * expertise),
    )
    mean[:, :BASICS] = 0.0
    return np.maximum(population.joined[:, None], features.released) + rng.exponential(mean)
