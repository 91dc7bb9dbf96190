"""Concentration of revenue, margin, lifetime and network value, and the overlap of those who hold them.

Curves as by Lorenz (1905), from the top; intervals by bootstrap over customers (Efron 1979), the top being
chosen again in every resample; those of an overlap, which may be zero, by Wilson (1927).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from ripple.models.batch_scoring import top_count
from ripple.training.evaluation.bootstrap import BOUNDS, draws, places_taken
from ripple.training.evaluation.metrics import rank_correlation
from ripple.training.insights.customer_value import CustomerValue

TOP_SHARES = (0.01, 0.02, 0.1)
NETWORK, SPEND, BOTH, LIFETIME = "network value", "spend", "both", "lifetime value"
MEASURES = ("revenue", "margin", "lifetime_value", "network_value")
CURVES = (("revenue", SPEND), ("network_value", NETWORK), ("revenue", NETWORK))
POINTS = 120
"""The number of points of a curve."""


@dataclass(frozen=True)
class Concentration:
    """The shares of value that the top customers hold.

    Attributes:
        shares: one row per `ranking`, `top` and `measure`: the number of `customers` in that top, and the
            `share` of the measure's total that they hold with its 95 % bounds `low` and `high`; nan where the
            total is unknown or not positive. Rankings are by "network value" expected, by "spend", which is
            revenue so far, and by "both", which is expected network and direct value together.
        curves: one column per pair of `CURVES`: the share of the measure held by the best share of customers
            (index, from 0 to 1) of the ranking; nan where the total is not positive.
        overlap: one row per `top`: `customers` in it, how many are in it by spend and by network value
            (`both`), and the `share` that is, with its 95 % bounds.
        agreement: Spearman's rank correlation of revenue so far and expected network value.
    """

    shares: pd.DataFrame
    curves: pd.DataFrame
    overlap: pd.DataFrame
    agreement: float


def concentration(customer_value: CustomerValue, seed: int) -> Concentration:
    """Measure what the top 1, 2 and 10 % of customers hold, and whether big spenders are the influential."""
    customers = customer_value.customers
    rankings = {
        NETWORK: customers["network_value"].to_numpy(),
        SPEND: customers["revenue"].to_numpy(),
        BOTH: customers["value"].to_numpy(),
    }
    orders = {name: np.argsort(-score, kind="stable") for name, score in rankings.items()}
    # a measure that is unknown for everybody has no total
    values = {name: customers[name].fillna(0.0).to_numpy() for name in MEASURES}
    return Concentration(
        _share_table(orders, values, len(customers), seed),
        _curves(orders, values, CURVES),
        pd.DataFrame([_overlap(orders, share, len(customers)) for share in TOP_SHARES]),
        rank_correlation(rankings[SPEND], rankings[NETWORK]),
    )


def spend_concentration(customers: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Measure what the top 1, 2 and 10 % hold by spend and by lifetime value, without network value.

    Args:
        customers: `revenue` and `lifetime_value`, in currency, by customer_id.
        seed: of the resamples.

    Returns:
        `shares` and `curves` as in `Concentration`.
    """
    values = {name: customers[name].to_numpy() for name in ("revenue", "lifetime_value")}
    orders = {
        name: np.argsort(-value, kind="stable")
        for name, value in zip((SPEND, LIFETIME), values.values(), strict=True)
    }
    return (
        _share_table(orders, values, len(customers), seed),
        _curves(orders, values, (("revenue", SPEND), ("lifetime_value", LIFETIME))),
    )


def _shares(
    orders: Mapping[str, np.ndarray], values: Mapping[str, np.ndarray], counts: np.ndarray
) -> np.ndarray:
    """Shares held, rankings × tops × measures, each customer being present *counts* times."""
    size = int(counts.sum())
    totals = np.array([(value * counts).sum() for value in values.values()])
    totals[totals <= 0] = np.nan
    totals_held = np.zeros((len(orders), len(TOP_SHARES), len(values)))
    for i, order in enumerate(orders.values()):
        for j, share in enumerate(TOP_SHARES):
            first, taken = places_taken(order, counts, top_count(share, size))
            totals_held[i, j] = [(value[first] * taken).sum() for value in values.values()]
    return totals_held / totals


def _overlap(orders: Mapping[str, np.ndarray], share: float, customers: int) -> dict[str, float]:
    places = top_count(share, customers)
    both = len(np.intersect1d(orders[SPEND][:places], orders[NETWORK][:places]))
    bounds = binomtest(both, places).proportion_ci(method="wilson")
    return {"top": share, "customers": places, "both": both, "share": both / places} | {
        "low": bounds.low,
        "high": bounds.high,
    }


def _share_table(
    orders: Mapping[str, np.ndarray], values: Mapping[str, np.ndarray], customers: int, seed: int
) -> pd.DataFrame:
    share = _shares(orders, values, np.ones(customers, dtype=np.int64))
    resampled = [_shares(orders, values, counts) for counts in draws(customers, seed)]
    bounds = np.quantile(resampled, BOUNDS, axis=0)
    index = pd.MultiIndex.from_product((orders, TOP_SHARES, values), names=["ranking", "top", "measure"])
    table = pd.DataFrame(
        {"share": share.ravel(), "low": bounds[0].ravel(), "high": bounds[1].ravel()}, index=index
    )
    table = table.reset_index()
    table.insert(2, "customers", [top_count(top, customers) for top in table["top"]])
    return table


def _curves(
    orders: Mapping[str, np.ndarray],
    values: Mapping[str, np.ndarray],
    pairs: Sequence[tuple[str, str]],
) -> pd.DataFrame:
    size = len(next(iter(orders.values())))
    # closer together at the top, where the curves are steep
    counts = np.unique(np.round(size * np.linspace(0.0, 1.0, POINTS) ** 2).astype(np.int64))
    curves = {}
    for measure, ranking in pairs:
        cumulative = np.concatenate(([0.0], np.cumsum(values[measure][orders[ranking]])))
        total = cumulative[-1]
        curves[measure, ranking] = cumulative[counts] / total if total > 0 else np.full(len(counts), np.nan)
    return pd.DataFrame(curves, index=counts / size)
