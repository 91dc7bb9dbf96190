"""What every customer is worth: spent so far, expected to spend, expected to bring, and the margin on it.

Network value is what others spend and direct value what customers spend themselves, so the two add up to the
value that stands or falls with a customer (customer engagement value, Kumar et al. 2010). Its interval is
conformal on that sum, from the cutoffs of the backtest, at which both had been foreseen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from settings import Settings
from training.credit.robustness import Robustness
from training.direct import Direct
from training.fit import BANDS, conformal
from training.predictions import CUTOFF

ROUNDS = 400


@dataclass(frozen=True)
class Worth:
    """Every customer's worth at the end of the data.

    Attributes:
        customers: by customer_id, in currency: `revenue` and `margin` so far, `direct_value` and
            `network_value` expected over the horizon, `value` their sum with `low` and `high`,
            `lifetime_value` (revenue so far and direct value), and `gain`, the margin on `value` as far as
            that is `counted`. `margin_share` is margin ÷ revenue so far. What takes margins is nan where
            nothing is known of them.
        direct: how direct value was foreseen, and how well.
        past, network_past: what came of the value, and of the network value, foreseen at the judged cutoffs.
        margin_share: margin ÷ revenue of all customers together; nan where it is not known.
        credible: see `credible_share`.
        came_true: realised ÷ foreseen network value of all customers at the judged cutoffs.
        counted: share of expected network value that may be spent on: credible, and as far as it came true.
        coverage: of the intervals.
    """

    customers: pd.DataFrame
    direct: Direct
    past: Past
    network_past: Past
    margin_share: float
    credible: float
    came_true: float
    counted: float
    coverage: float


class Past:
    """Realised ÷ foreseen value of customers at the judged cutoffs, by cutoff and band of foreseen value."""

    def __init__(self, cutoff: np.ndarray, foreseen: np.ndarray, realised: np.ndarray) -> None:
        """One entry per cutoff and customer; nothing foreseen is zero."""
        self._edges = np.unique(np.quantile(foreseen, BANDS))
        band = np.searchsorted(self._edges, foreseen, side="right")
        ratio, everything = realised / foreseen, range(len(self._edges) + 1)
        self._ratios = [
            # a cutoff at which nobody was in a band has the band of all cutoffs
            [
                ratio[mine] if (mine := (cutoff == one) & (band == i)).any() else ratio[band == i]
                for i in everything
            ]
            for one in np.unique(cutoff)
        ]

    def total(self, foreseen: np.ndarray, coverage: float, seed: int) -> tuple[float, float]:
        """Bounds of what customers, of whom so much is *foreseen*, bring together.

        As if one of the judged periods came again, each of them doing as well or badly against what was
        foreseen as a customer drawn from those of the same band. The sum of what is foreseen is inside.
        """
        random, band = np.random.default_rng(seed), np.searchsorted(self._edges, foreseen, side="right")
        parts = [(i, foreseen[band == i]) for i in np.unique(band)]
        totals = np.zeros(ROUNDS)
        for i in range(ROUNDS):
            ratios = self._ratios[random.integers(len(self._ratios))]
            for j, part in parts:
                totals[i] += (part * ratios[j][random.integers(0, len(ratios[j]), len(part))]).sum()
        low, high = np.quantile(totals, ((1 - coverage) / 2, (1 + coverage) / 2))
        return min(float(low), foreseen.sum()), max(float(high), foreseen.sum())


def worth(
    features: pd.DataFrame,
    scores: pd.DataFrame,
    direct: Direct,
    predictions: pd.DataFrame,
    credible: float,
    settings: Settings,
) -> Worth:
    """Bring together what is known of customers, by customer_id, at the end of the data.

    Args:
        predictions: of network value at the judged cutoffs, row by row those of *direct*.
        credible: see `credible_share`.
    """
    coverage = settings.model.interval
    foreseen = (predictions["predicted"] + direct.predictions["predicted"]).to_numpy()
    realised = (predictions["realised"] + direct.predictions["realised"]).to_numpy()
    network = scores["network_value"]
    spend = direct.expected.reindex(network.index)
    value = (network + spend).to_numpy()
    low, high = conformal(foreseen, realised, coverage).around(value)
    revenue = features["total_revenue"].reindex(network.index)
    share, overall = _margin_shares(features.reindex(network.index), revenue, settings)
    known = np.isfinite(overall)
    came_true = float(predictions["realised"].sum() / predictions["predicted"].sum())
    counted = credible * min(1.0, came_true)
    customers = pd.DataFrame(
        {
            "revenue": revenue,
            "margin_share": share,
            "margin": share.fillna(0.0).where(revenue == 0, share) * revenue if known else np.nan,
            "direct_value": spend,
            "lifetime_value": revenue + spend,
            "network_value": network,
            "value": value,
            "low": low,
            "high": high,
            # a customer without orders yet is taken to buy at the margin of all
            "gain": share.fillna(overall) * spend + overall * counted * network,
        }
    )
    cutoff, network_foreseen = predictions[CUTOFF].to_numpy(), predictions["predicted"].to_numpy()
    return Worth(
        customers,
        direct,
        Past(cutoff, foreseen, realised),
        Past(cutoff, network_foreseen, predictions["realised"].to_numpy()),
        overall,
        credible,
        came_true,
        counted,
        coverage,
    )


def _margin_shares(features: pd.DataFrame, revenue: pd.Series, settings: Settings) -> tuple[pd.Series, float]:
    """Margin ÷ revenue of every customer and of all together; nan where unknown."""
    given = settings.plays.margin_share
    if "margin_share" not in features:
        share = pd.Series(np.nan if given is None else given, revenue.index)
        return share, float("nan") if given is None else given
    share = features["margin_share"]
    known = share.notna()
    paid = float(revenue[known].sum())
    return share, float((share * revenue)[known].sum() / paid) if paid > 0 else float("nan")


def credible_share(totals: Mapping[str, float], robustness: Robustness | None) -> float:
    """Share of network value that is no coincidence: all referral value, of influence what placebos leave.

    Args:
        totals: network value and its parts in the latest closed window.
    """
    if totals["network_value"] <= 0:
        return 0.0
    kept = 1 - robustness.coincidence if robustness and robustness.influence_found else 0.0
    return (totals["referral_value"] + kept * totals["influence_value"]) / totals["network_value"]
