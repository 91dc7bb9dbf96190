"""The value of every customer: revenue so far, expected direct and network value, and the margin on them.

Network value is what others spend and direct value what customers spend themselves, so the two add up to the
value that stands or falls with one customer (customer engagement value, Kumar et al. 2010). Its interval is
conformal on that sum, from the cutoffs of the backtest, at which both had been predicted.

Over several customers the two do not add up: what is network value of one is direct value of another. What
may be spent on customers together therefore counts every amount once (`CustomerValue.gain`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ripple.settings import Settings
from ripple.training.estimators.conformal import conformal_interval
from ripple.training.evaluation.prediction_table import CUTOFF
from ripple.training.insights.direct_value import DirectValue
from ripple.training.insights.realised_ratios import RealisedRatios


@dataclass(frozen=True)
class CustomerValue:
    """The value of every customer at the end of the data.

    Attributes:
        customers: by customer_id, in currency: `revenue` and `margin` so far, `direct_value` and
            `network_value` expected over the horizon, `value` their sum with `low` and `high`, `kind` (1
            where more of it is network value, else 0), `lifetime_value` (the margin on what they will spend
            over the horizon of lifetime value, discounted; the spend itself where no margin is known), and
            `gain`, the margin on the spendable share of network value and on that part of direct value which
            is nobody's spendable network value: over all customers it adds up to the margin on their
            expected direct value. `margin_share` is margin ÷ revenue so far. What takes margins is nan where
            they are unknown.
        direct: expected direct value, and its evaluation.
        value_ratios, network_value_ratios: realised ÷ predicted value, and network value, at the evaluation
            cutoffs.
        margin_share: margin ÷ revenue of all customers together; nan where it is not known.
        chance_share: share of network value that may be due to chance; see `attribution.robustness`.
        realised_ratio: realised ÷ predicted network value of all customers, at the median evaluation cutoff.
        spendable_share: share of expected network value that may be spent on: what is not chance, times
            `realised_ratio` where that is below 1.
        coverage: nominal coverage of the intervals.
    """

    customers: pd.DataFrame
    direct: DirectValue
    value_ratios: RealisedRatios
    network_value_ratios: RealisedRatios
    margin_share: float
    chance_share: float
    realised_ratio: float
    spendable_share: float
    coverage: float

    def total_bounds(self, customers: pd.DataFrame, seed: int) -> tuple[float, float]:
        """The bounds of the total value of *customers*, which are rows of `customers`."""
        value, kind = customers["value"].to_numpy(), customers["kind"].to_numpy()
        return self.value_ratios.total_bounds(value, kind, self.coverage, seed)

    def network_total_bounds(self, customers: pd.DataFrame, seed: int) -> tuple[float, float]:
        """The bounds of the total network value of *customers*, which are rows of `customers`."""
        value, kind = customers["network_value"].to_numpy(), customers["kind"].to_numpy()
        return self.network_value_ratios.total_bounds(value, kind, self.coverage, seed)


def customer_value(
    features: pd.DataFrame,
    scores: pd.DataFrame,
    direct: DirectValue,
    predictions: pd.DataFrame,
    chance_share: float,
    settings: Settings,
) -> CustomerValue:
    """Bring together what is known of customers, by customer_id, at the end of the data.

    Args:
        predictions: of network value at the evaluation cutoffs, row by row those of *direct*.
        chance_share: see `CustomerValue`.
    """
    coverage = settings.model.interval
    predicted = (predictions["predicted"] + direct.predictions["predicted"]).to_numpy()
    realised = (predictions["realised"] + direct.predictions["realised"]).to_numpy()
    network = scores["network_value"]
    spend = direct.expected.reindex(network.index)
    value = (network + spend).to_numpy()
    # own spend is far surer than network value, so customers differ by which of the two is larger
    kind, past_kind = _kind(network, spend), _kind(predictions["predicted"], direct.predictions["predicted"])
    low, high = np.zeros(len(value)), np.zeros(len(value))
    for one in (0, 1):
        same = past_kind == one if (past_kind == one).any() else np.ones(len(predicted), dtype=bool)
        interval = conformal_interval(predicted[same], realised[same], coverage)
        low[kind == one], high[kind == one] = interval.bounds(value[kind == one])
    revenue = features["total_revenue"].reindex(network.index)
    share, overall = margin_shares(features.reindex(network.index), revenue, settings)
    sums = predictions.groupby(CUTOFF)[["predicted", "realised"]].sum()
    realised_ratio = float((sums["realised"] / sums["predicted"]).median())
    spendable = (1 - chance_share) * min(1.0, realised_ratio)
    customers = pd.DataFrame(
        {
            "revenue": revenue,
            "margin_share": share,
            "margin": margin(share, overall, revenue),
            "direct_value": spend,
            "lifetime_value": lifetime_value(direct.lifetime.reindex(network.index), share, overall),
            "network_value": network,
            "value": value,
            "kind": kind,
            "low": low,
            "high": high,
            "gain": gains(share.fillna(overall), spend, spendable * network),
        }
    )
    cutoff, network_predicted = predictions[CUTOFF].to_numpy(), predictions["predicted"].to_numpy()
    network_realised = predictions["realised"].to_numpy()
    return CustomerValue(
        customers,
        direct,
        RealisedRatios(cutoff, predicted, realised, past_kind),
        RealisedRatios(cutoff, network_predicted, network_realised, past_kind),
        overall,
        chance_share,
        realised_ratio,
        spendable,
        coverage,
    )


def gains(margin_share: pd.Series, spend: pd.Series, network: pd.Series) -> pd.Series:
    """The margin that stands or falls with each customer, every expected amount counted once.

    Of what customers are expected to *spend*, others are credited with the sum of *network*. That part is
    taken off everybody's own spend in proportion, and counts at the mean margin for those who are credited.

    Args:
        margin_share: margin ÷ revenue of each customer.
        spend: expected direct value, in currency.
        network: that part of expected network value which counts, in currency.
    """
    spent, credited = float(spend.sum()), float(network.sum())
    if spent <= 0:
        return 0.0 * margin_share * spend
    mean_share = float((margin_share * spend).sum()) / spent
    own_part = max(0.0, 1 - credited / spent)
    credited_part = min(1.0, spent / credited) if credited > 0 else 0.0
    return own_part * margin_share * spend + credited_part * mean_share * network


def _kind(network: pd.Series, spend: pd.Series) -> np.ndarray:
    """1 for customers whose network value is expected to exceed their direct value, else 0."""
    return (network.to_numpy() > spend.to_numpy()).astype(np.int64)


def margin(share: pd.Series, overall: float, revenue: pd.Series) -> pd.Series | float:
    """The margin on the *revenue* so far of every customer; nan where it is not known."""
    return share.fillna(0.0).where(revenue == 0, share) * revenue if np.isfinite(overall) else np.nan


def lifetime_value(spend: pd.Series, share: pd.Series, overall: float) -> pd.Series:
    """The margin on the lifetime *spend* of every customer; the spend itself where no margin is known.

    Customers without orders yet are taken to buy at the margin of all.
    """
    return share.fillna(overall) * spend if np.isfinite(overall) else spend


def margin_shares(features: pd.DataFrame, revenue: pd.Series, settings: Settings) -> tuple[pd.Series, float]:
    """Margin ÷ revenue of every customer and of all together; nan where unknown."""
    assumed = settings.plays.margin_share
    if "margin_share" not in features:
        share = pd.Series(np.nan if assumed is None else assumed, revenue.index)
        return share, float("nan") if assumed is None else assumed
    share = features["margin_share"]
    known = share.notna()
    paid = float(revenue[known].sum())
    return share, float((share * revenue)[known].sum() / paid) if paid > 0 else float("nan")
