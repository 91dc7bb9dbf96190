"""The label of features: first uses by others that would not have come without a customer.

Exposure, strata, hazard and strength are those of purchases (see `label` and `influence`), with first uses of
features as the outcome. Each counts as one: it has no price, so this is a number and no amount of money.
"""

from __future__ import annotations

from datetime import datetime

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from ripple.arrays import Floats, sums
from ripple.features.expressions import DECIMALS
from ripple.features.tables.tables import Tables
from ripple.settings import Settings
from ripple.training.attribution.adoptions import FEATURE_USES, AdoptionHistory
from ripple.training.attribution.influence import Attributions
from ripple.training.attribution.label import MIN_COMPLEMENT, attribute_window, influence_values

NEEDED_TABLES = ("usage", "interactions")
"""The tables without which nobody can be credited with first uses of features."""


def feature_adoptions(tables: Tables, start: datetime, end: datetime, settings: Settings) -> ir.Table | None:
    """Credit for the first uses of features in (start, end], by customer who had joined before *start*.

    Returns:
        `customer_id`; `influenced_feature_adoptions`, the expected number of first uses by others that would
        not have come by *end* without the customer, generations included; and `influenced_adopters`, the
        expected number of distinct others among them whom the customer moved at first hand. Zeros included,
        ordered by customer. None without usage or interactions.
    """
    if not all(table in tables for table in NEEDED_TABLES):
        return None
    history, attributions = attribute_window(tables, start, end, settings, FEATURE_USES)
    credited = pd.DataFrame(
        {
            "customer_id": history.customer_ids.to_pandas(),
            "influenced_feature_adoptions": np.round(influence_values(history, attributions)[0], DECIMALS),
            "influenced_adopters": np.round(influenced_adopters(history, attributions), DECIMALS),
        }
    )
    customers = tables["customers"].filter(tables["customers"].joined_at < start).select("customer_id")
    return customers.inner_join(ibis.memtable(credited), "customer_id").order_by("customer_id")


def influenced_adopters(history: AdoptionHistory, attributions: Attributions) -> Floats:
    """Expected number of distinct customers with an adoption that each customer caused at first hand."""
    caused = np.minimum(attributions.probability * attributions.incremental_share, 1.0 - MIN_COMPLEMENT)
    target = history.adoptions.customer[attributions.adoption]
    pair, number = np.unique(attributions.source * history.customer_count + target, return_inverse=True)
    influenced = -np.expm1(sums(number, np.log1p(-caused), pair.size))
    return sums(pair // history.customer_count, influenced, history.customer_count)
