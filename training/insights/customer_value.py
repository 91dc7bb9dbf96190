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

from ripple.settings import Settings
from ripple.training.attribution.robustness import Robustness
from ripple.training.estimators.heads import BANDS, conformal
from ripple.training.evaluation.out_of_sample import CUTOFF
from ripple.training.insights.spend import Direct

ROUNDS = 400


@dataclass(frozen=True)
class CustomerValue:
    """Every customer's worth at the end of the data.

    Attributes:
        customers: by customer_id, in currency: `revenue` and `margin` so far, `direct_value` and
            `network_value` expected over the horizon, `value` their sum with `low` and `high`, `kind` (1
            where more of it is network value, else 0), `lifetime_value` (revenue so far and direct value),
            and `gain`, the margin on `value` as far as that is `counted`. `margin_share` is margin ÷ revenue
            so far. What takes margins is nan where nothing is known of them.
        direct: how direct value was foreseen, and how well.
        past, network_past: what came of the value, and of the network value, foreseen at the judged cutoffs.
        margin_share: margin ÷ revenue of all customers together; nan where it is not known.
        credible: see `credible_share`.
        realised_ratio: realised ÷ predicted network value of all customers, at the median evaluation cutoff.
        counted: share of expected network value that may be spent on: credible, and as far as it came true.
        coverage: of the intervals.
    """

    customers: pd.DataFrame
    direct: Direct
    past: Past
    network_past: Past
    margin_share: float
    credible: float
    realised_ratio: float
    counted: float
    coverage: float

    def bounds(self, own: pd.DataFrame, seed: int) -> tuple[float, float]:
        """Of the value of these rows of `customers` together."""
        return self.past.total(own["value"].to_numpy(), own["kind"].to_numpy(), self.coverage, seed)

    def network_bounds(self, own: pd.DataFrame, seed: int) -> tuple[float, float]:
        """The same of their network value."""
        network = own["network_value"].to_numpy()
        return self.network_past.total(network, own["kind"].to_numpy(), self.coverage, seed)


class Past:
    """Realised ÷ foreseen value at the judged cutoffs, by cutoff, kind of customer and band of value."""

    def __init__(
        self, cutoff: np.ndarray, foreseen: np.ndarray, realised: np.ndarray, kind: np.ndarray
    ) -> None:
        """One entry per cutoff and customer; nothing foreseen is zero, and a kind is 0 or 1."""
        self._edges = np.unique(np.quantile(foreseen, BANDS))
        cell, ratio = self._cell(foreseen, kind), realised / foreseen
        at = [cutoff == one for one in np.unique(cutoff)]
        # where a cutoff had nobody like that, it has those of all cutoffs; where none had, everybody
        self._ratios = [
            [
                next(ratio[like] for like in (now & (cell == i), cell == i, now) if like.any())
                for i in range(2 * (len(self._edges) + 1))
            ]
            for now in at
        ]

    def _cell(self, foreseen: np.ndarray, kind: np.ndarray) -> np.ndarray:
        return kind * (len(self._edges) + 1) + np.searchsorted(self._edges, foreseen, side="right")

    def total(
        self, foreseen: np.ndarray, kind: np.ndarray, coverage: float, seed: int
    ) -> tuple[float, float]:
        """Bounds of what customers, of whom so much is *foreseen*, bring together.

        As if one of the judged periods came again, each of them doing as well or badly against what was
        foreseen as a customer drawn from those of the same kind and band. The sum of what is foreseen is
        inside.
        """
        random, cell = np.random.default_rng(seed), self._cell(foreseen, kind)
        parts = [(i, foreseen[cell == i]) for i in np.unique(cell)]
        totals = np.zeros(ROUNDS)
        for i in range(ROUNDS):
            ratios = self._ratios[random.integers(len(self._ratios))]
            for j, part in parts:
                totals[i] += (part * ratios[j][random.integers(0, len(ratios[j]), len(part))]).sum()
        low, high = np.quantile(totals, ((1 - coverage) / 2, (1 + coverage) / 2))
        return min(float(low), foreseen.sum()), max(float(high), foreseen.sum())


def customer_value(
    features: pd.DataFrame,
    scores: pd.DataFrame,
    direct: Direct,
    predictions: pd.DataFrame,
    credible: float,
    settings: Settings,
) -> CustomerValue:
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
    # own spend is far surer than network value, so those of whom the one or the other is most differ
    kind, past_kind = _kind(network, spend), _kind(predictions["predicted"], direct.predictions["predicted"])
    low, high = np.zeros(len(value)), np.zeros(len(value))
    for one in (0, 1):
        like = past_kind == one if (past_kind == one).any() else np.ones(len(foreseen), dtype=bool)
        interval = conformal(foreseen[like], realised[like], coverage)
        low[kind == one], high[kind == one] = interval.bounds(value[kind == one])
    revenue = features["total_revenue"].reindex(network.index)
    share, overall = _margin_shares(features.reindex(network.index), revenue, settings)
    known = np.isfinite(overall)
    sums = predictions.groupby(CUTOFF)[["predicted", "realised"]].sum()
    realised_ratio = float((sums["realised"] / sums["predicted"]).median())
    counted = credible * min(1.0, realised_ratio)
    customers = pd.DataFrame(
        {
            "revenue": revenue,
            "margin_share": share,
            "margin": share.fillna(0.0).where(revenue == 0, share) * revenue if known else np.nan,
            "direct_value": spend,
            "lifetime_value": revenue + spend,
            "network_value": network,
            "value": value,
            "kind": kind,
            "low": low,
            "high": high,
            # a customer without orders yet is taken to buy at the margin of all
            "gain": share.fillna(overall) * spend + overall * counted * network,
        }
    )
    cutoff, network_foreseen = predictions[CUTOFF].to_numpy(), predictions["predicted"].to_numpy()
    return CustomerValue(
        customers,
        direct,
        Past(cutoff, foreseen, realised, past_kind),
        Past(cutoff, network_foreseen, predictions["realised"].to_numpy(), past_kind),
        overall,
        credible,
        realised_ratio,
        counted,
        coverage,
    )


def _kind(network: pd.Series, spend: pd.Series) -> np.ndarray:
    """1 for customers expected to bring more than they spend, else 0."""
    return (network.to_numpy() > spend.to_numpy()).astype(np.int64)


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
    kept = 1 - robustness.placebo_share if robustness and robustness.has_influence else 0.0
    return (totals["referral_value"] + kept * totals["influence_value"]) / totals["network_value"]
