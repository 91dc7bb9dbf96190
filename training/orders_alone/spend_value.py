"""The value of every customer by what they spend themselves, and the margin on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ripple.settings import Settings
from ripple.training.estimators.conformal import conformal_interval
from ripple.training.evaluation.prediction_table import CUTOFF
from ripple.training.insights.customer_value import lifetime_value, margin, margin_shares
from ripple.training.insights.direct_value import DirectValue
from ripple.training.insights.realised_ratios import RealisedRatios


@dataclass(frozen=True)
class SpendValue:
    """The value of every customer at the end of the data, network value apart.

    Attributes:
        customers: by customer_id, in currency, the highest lifetime value first: `revenue` and `margin` so
            far, `margin_share` (margin ÷ revenue), `direct_value` expected over the horizon with `low` and
            `high`, `lifetime_value` (see `insights.customer_value`), and `gain`, the margin on direct value.
            What takes margins is nan where they are unknown.
        direct: expected direct value, and its evaluation.
        ratios: realised ÷ predicted direct value at the evaluation cutoffs.
        margin_share: margin ÷ revenue of all customers together; nan where it is not known.
        coverage: nominal coverage of the intervals.
    """

    customers: pd.DataFrame
    direct: DirectValue
    ratios: RealisedRatios
    margin_share: float
    coverage: float

    def total_bounds(self, customers: pd.DataFrame, seed: int) -> tuple[float, float]:
        """The bounds of the total direct value of *customers*, which are rows of `customers`."""
        spend = customers["direct_value"].to_numpy()
        return self.ratios.total_bounds(spend, np.zeros(len(spend), dtype=np.int64), self.coverage, seed)


def spend_value(features: pd.DataFrame, direct: DirectValue, settings: Settings) -> SpendValue:
    """Bring together what is known of customers, by customer_id, at the end of the data."""
    coverage, spend = settings.model.interval, direct.expected
    predicted, realised = (direct.predictions[name].to_numpy() for name in ("predicted", "realised"))
    low, high = conformal_interval(predicted, realised, coverage).bounds(spend.to_numpy())
    revenue = features["total_revenue"].reindex(spend.index)
    share, overall = margin_shares(features.reindex(spend.index), revenue, settings)
    customers = pd.DataFrame(
        {
            "revenue": revenue,
            "margin_share": share,
            "margin": margin(share, overall, revenue),
            "direct_value": spend,
            "low": low,
            "high": high,
            "lifetime_value": lifetime_value(direct.lifetime, share, overall),
            "gain": share.fillna(overall) * spend,
        }
    )
    cutoff = direct.predictions[CUTOFF].to_numpy()
    return SpendValue(
        customers.sort_values("lifetime_value", ascending=False, kind="stable"),
        direct,
        RealisedRatios(cutoff, predicted, realised, np.zeros(len(predicted), dtype=np.int64)),
        overall,
        coverage,
    )
