"""What no model can be learnt from, told before any is fitted."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ripple.errors import InputError
from ripple.settings import Settings
from ripple.training.examples.examples import Examples

LEAST_CREDITED = 10
"""Different customers that have to be credited with revenue of others, at one cutoff or another."""


def refuse_unlearnable(examples: Iterable[Examples], settings: Settings) -> None:
    """Refuse labels that tell customers apart too rarely or not at all.

    Raises:
        InputError: too few customers are credited with anything, or all with the same.
    """
    labels = [one.labels["network_value"] for one in examples]
    credited = {customer for label in labels for customer in label.index[label > 0]}
    if 0 < len(credited) < LEAST_CREDITED:
        raise InputError(
            f"Only {len(credited)} customer{'s are' if len(credited) > 1 else ' is'} credited with revenue "
            f"of others in any window; {LEAST_CREDITED} at least are needed to learn what sets them apart. "
            f"Bring more history or interactions, or a longer horizon_days (now {settings.horizon_days})."
        )
    if credited and all(np.ptp(label.to_numpy()) == 0 for label in labels if len(label)):
        raise InputError(
            "In every window all customers are credited with the same network value, so there is nothing to "
            "tell them apart by. Check that interactions hold who was in touch with whom."
        )
