"""A random history and the reference's view of it, with customers in three arbitrary strata."""

from __future__ import annotations

from typing import NamedTuple

import ibis.expr.types as ir
import numpy as np
import pytest

from ripple.arrays import Ints
from ripple.settings import Credit
from ripple.training.attribution.adoptions import AdoptionHistory, read_history
from ripple.training.attribution.exposures import read_contacts
from tests.support.event_tables import WINDOW, contagion, credit_settings, tables
from tests.support.reference_attribution.history import History


class Sample(NamedTuple):
    """The same customers and adoptions, as arrays and as the reference has them."""

    credit: Credit
    history: AdoptionHistory
    contacts: ir.Table
    stratum: Ints
    reference: History

    @property
    def names(self) -> list[str]:
        """Id of each customer."""
        return self.history.customer_ids.to_pylist()

    @property
    def products(self) -> list[str]:
        """Name of each product."""
        return self.reference.products


@pytest.fixture(scope="package")
def sample() -> Sample:
    """One draw of `contagion`."""
    return _draw("strata")


@pytest.fixture(scope="package")
def sample_by_model() -> Sample:
    """The same draw, with a baseline by strata and a model of who adopts."""
    return _draw("joined")


def _draw(baseline: str) -> Sample:
    rows, credit = contagion(3), credit_settings(baseline=baseline, lookback_days=15).credit
    dataset = tables(*rows)
    history = read_history(dataset, *WINDOW, credit)
    stratum = np.arange(history.customer_count) % 3
    by_name = dict(zip(history.customer_ids.to_pylist(), stratum.tolist(), strict=True))
    contacts = read_contacts(dataset, history, *WINDOW)
    return Sample(credit, history, contacts, stratum, History(*rows, *WINDOW, credit, by_name))
