"""The features of the service: their tier, their release and how much they are wanted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ripple.arrays import Floats, Ints
from ripple.simulation.world.calendar import Calendar
from ripple.simulation.world.columns import feature_ids, labels
from ripple.simulation.world.population import EARLY_DAYS

FEATURES = 40
ADVANCED = 16
BASICS = 4
"""Core features that everybody uses from the day they join."""
LAST_RELEASE = 0.95
"""Part of the calendar by which every feature is released."""
ADVANCED_WANTED_SHARE = 0.4


@dataclass(frozen=True)
class Features:
    """One entry per feature, in the order of release (days)."""

    advanced: Ints
    released: Floats
    popularity: Floats
    """Probability that an event is about this feature where the customer has learnt them all."""


def release(calendar: Calendar, rng: np.random.Generator) -> Features:
    """Draw the features; the basics are older than any customer."""
    advanced = np.zeros(FEATURES, dtype=np.int64)
    advanced[rng.choice(np.arange(BASICS, FEATURES), ADVANCED, replace=False)] = 1
    later = rng.uniform(-EARLY_DAYS, LAST_RELEASE * calendar.days, FEATURES - BASICS)
    released = np.concatenate((np.full(BASICS, -EARLY_DAYS), np.sort(later)))
    liked = rng.lognormal(sigma=0.4, size=FEATURES)
    core_part = (1 - ADVANCED_WANTED_SHARE) * liked / liked[advanced == 0].sum()
    advanced_part = ADVANCED_WANTED_SHARE * liked / liked[advanced == 1].sum()
    return Features(advanced, released, np.where(advanced == 1, advanced_part, core_part))


def catalog_table(features: Features, calendar: Calendar) -> pa.Table:
    """The features with their tier and release."""
    return pa.table(
        {
            "feature": feature_ids(np.arange(FEATURES)),
            "tier": labels(("core", "advanced"), features.advanced),
            "released_at": calendar.timestamps(features.released),
        }
    )
