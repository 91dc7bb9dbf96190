"""The features of the service: tier, release and popularity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ripple.arrays import Floats, Ints
from ripple.simulation.world.calendar import Calendar
from ripple.simulation.world.columns import feature_ids, labels
from ripple.simulation.world.population import EARLY_DAYS

FEATURES = 40
"""The number of features."""
ADVANCED = 16
"""The number of features that are advanced."""
BASICS = 4
"""The number of core features that everybody uses from the day they join."""
CORE_EXPERTISE, ADVANCED_EXPERTISE = 0.5, 1.4
"""The effects of expertise on the log of how soon a customer learns a core, and an advanced, feature."""
RELEASE_SHARE = 0.95
"""The share of the calendar by which every feature is released."""
ADVANCED_WANTED_SHARE = 0.4
"""The share of events that are about an advanced feature where the customer has learnt them all."""


@dataclass(frozen=True)
class Features:
    """One entry per feature, in the order of release (days)."""

    advanced: Ints
    released: Floats
    popularity: Floats
    """Probability that an event is about this feature where the customer has learnt them all."""


def release_features(calendar: Calendar, rng: np.random.Generator) -> Features:
    """Draw the features; the basics are older than any customer."""
    advanced = np.zeros(FEATURES, dtype=np.int64)
    advanced[rng.choice(np.arange(BASICS, FEATURES), ADVANCED, replace=False)] = 1
    later = rng.uniform(-EARLY_DAYS, RELEASE_SHARE * calendar.days, FEATURES - BASICS)
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
