"""Validation of labels before any model is fitted to them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ripple.errors import InputError
from ripple.settings import Settings
from ripple.training.examples.examples import Examples

MIN_CREDITED = 10
"""The number of different customers that must be credited with revenue of others, at any cutoff."""

MIN_BUYERS = 10
"""The number of customers that must have bought anything, where only direct value is learnt."""


class NoCreditError(InputError):
    """No purchase is credited to anybody but the buyer, so network value cannot be learnt."""


def validate_labels(examples: Iterable[Examples], settings: Settings) -> None:
    """Check that labels differ between enough customers to learn from; all zero are left to the backtest.

    Raises:
        InputError: too few customers are credited with anything, or all with the same.
    """
    labels = [one.labels["network_value"] for one in examples]
    credited = {customer for label in labels for customer in label.index[label > 0]}
    if 0 < len(credited) < MIN_CREDITED:
        raise InputError(
            f"Only {len(credited)} customer{'s are' if len(credited) > 1 else ' is'} credited with revenue "
            f"of others in any window; {MIN_CREDITED} at least are needed to learn what sets them apart. "
            f"Bring more history or interactions, or a longer horizon_days (now {settings.horizon_days})."
        )
    if credited and all(np.ptp(label.to_numpy()) == 0 for label in labels if len(label)):
        raise InputError(
            "In every window all customers are credited with the same network value, so there is nothing to "
            "distinguish them by. Check that interactions hold who was in touch with whom."
        )
