"""A small graph: 0 and 1 in touch both ways, 2 reached by 1, 3 reached by 0 long ago, 4 alone."""

from __future__ import annotations

import numpy as np
import pytest

from ripple.features.graph.contacts import Contacts
from tests.support.oracles.graphs import CONTACT_DAYS, POWER_OF_KIND, contact_days


@pytest.fixture
def contacts() -> Contacts:
    return Contacts.read(contact_days(CONTACT_DAYS), POWER_OF_KIND)


@pytest.fixture
def joined() -> np.ndarray:
    return np.ones(5, dtype=bool)
