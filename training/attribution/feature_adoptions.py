"""The label of features: first uses by others that would not have come without a customer.

Exposure, strata, hazard and strength are those of purchases (see `label` and `influence`), with first uses of
features as the outcome. Each counts as one: it has no price, so this is a number and no amount of money.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from ripple.arrays import Floats, sums
from ripple.features.expressions import DECIMALS
from ripple.features.tables.tables import Tables
from ripple.settings import Settings
from ripple.training.attribution.adoptions import FEATURE_USES, AdoptionHistory
from ripple.training.attribution.influence import Attributions
from ripple.training.attribution.label import MIN_COMPLEMENT, influence_values
from ripple.training.attribution.robustness import LATE_TIES, SHUFFLED_TIMES, AttributionWindow

NEEDED_TABLES = ("usage", "interactions")
"""The tables without which nobody can be credited with first uses of features."""
COLUMNS = ("influenced_feature_adoptions", "influenced_adopters")
"""The columns of the label."""


@dataclass(frozen=True)
class FeatureAdoptions:
    """First uses of features in one window, and who is credited with them.

    Attributes:
        first_uses: number of first uses in the window.
        credited: a row per customer who had joined before `start`, zeros included, indexed and ordered by
            `customer_id`. `influenced_feature_adoptions` is the expected number of first uses by others that
            would not have come by `end` without the customer, generations included;
            `influenced_adopters` the expected number of distinct others whom they moved at first hand.
        influenced: the number of first uses credited to anybody.
        placebos: by name (see `robustness`), the number `influenced` and its `share` of the label's; empty
            where they were not computed.
    """

    start: datetime
    end: datetime
    first_uses: int
    credited: pd.DataFrame
    influenced: float
    placebos: pd.DataFrame

    @property
    def share(self) -> float:
        """First uses credited ÷ first uses."""
        return self.influenced / self.first_uses if self.first_uses else 0.0

    @property
    def placebo_share(self) -> float:
        """The larger of the placebos' shares, at most 1: up to so much of it may be due to chance."""
        return min(float(self.placebos["share"].max()), 1.0)

    def record(self) -> dict[str, Any]:
        """The label as plain data: its totals, its placebos, and the customers who moved most."""
        return {
            "start": self.start.isoformat(),
            "end": self.end.isoformat(),
            "first_uses": self.first_uses,
            "influenced": self.influenced,
            "share": self.share,
            "placebos": self.placebos.to_dict("index"),
            "customers": self.top().reset_index().to_dict("records"),
        }

    def top(self, number: int = 20) -> pd.DataFrame:
        """The rows of `credited` with the highest numbers of first uses, the highest first; none of zero."""
        most = self.credited.nlargest(number, COLUMNS[0], keep="first")
        return most[most[COLUMNS[0]] > 0]


def feature_adoptions(
    tables: Tables, start: datetime, end: datetime, settings: Settings, placebos: bool = False
) -> FeatureAdoptions | None:
    """The label of features in (start, end]; None without usage or interactions.

    Args:
        tables: what may be looked at; pass `Tables.before(cutoff)` to be blind to what came later.
    """
    if not all(table in tables for table in NEEDED_TABLES):
        return None
    window = AttributionWindow(tables, start, end, settings, FEATURE_USES)
    history, attributions = window.attributed(settings)
    influenced = influence_values(history, attributions)[0]
    columns = dict(zip(COLUMNS, (influenced, influenced_adopters(history, attributions)), strict=True))
    credited = pd.DataFrame(columns, history.customer_ids.to_pandas().rename("customer_id")).round(DECIMALS)
    total, rows = float(influenced.sum()), {}
    if placebos:
        for name, placebo in {SHUFFLED_TIMES: {"shuffled": True}, LATE_TIES: {"late_ties": True}}.items():
            number = float(window.influence_value(settings, **placebo).sum())
            rows[name] = {"influenced": number, "share": number / total if total else 0.0}
    return FeatureAdoptions(
        start,
        end,
        int((history.adoptions.day > 0).sum()),
        credited[history.joined < 0].sort_index(),
        total,
        pd.DataFrame.from_dict(rows, orient="index", columns=["influenced", "share"]),
    )


def influenced_adopters(history: AdoptionHistory, attributions: Attributions) -> Floats:
    """Expected number of distinct customers with an adoption that each customer caused at first hand."""
    caused = np.minimum(attributions.probability * attributions.incremental_share, 1.0 - MIN_COMPLEMENT)
    target = history.adoptions.customer[attributions.adoption]
    pair, number = np.unique(attributions.source * history.customer_count + target, return_inverse=True)
    influenced = -np.expm1(sums(number, np.log1p(-caused), pair.size))
    return sums(pair // history.customer_count, influenced, history.customer_count)
