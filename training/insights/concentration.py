"""How much of revenue, margin, lifetime and network value few customers hold, and whether they are the same.

Curves as by Lorenz (1905), from the top; intervals by bootstrap over customers (Efron 1979), the top being
chosen anew each time; those of an overlap, which may be zero, by Wilson (1927).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from ripple.models.batch_scoring import top_count
from ripple.training.evaluation import metrics
from ripple.training.evaluation.bootstrap import BOUNDS
from ripple.training.insights.customer_value import CustomerValue

TOPS = (0.01, 0.02, 0.1)
NETWORK, SPEND, BOTH = "network value", "spend", "both"
MEASURES = ("revenue", "margin", "lifetime_value", "network_value")
CURVES = (("revenue", SPEND), ("network_value", NETWORK), ("revenue", NETWORK))
POINTS = 120
ROUNDS = 200


@dataclass(frozen=True)
class Concentration:
    """Who holds how much.

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
    # a measure that is unknown of everybody has no total
    values = {name: customers[name].fillna(0.0).to_numpy() for name in MEASURES}
    whole = _shares(orders, values, np.ones(len(customers), dtype=np.int64))
    drawn = [_shares(orders, values, times) for times in metrics.draws(len(customers), seed, ROUNDS)]
    return Concentration(
        _rows(whole, np.quantile(drawn, BOUNDS, axis=0), len(customers)),
        _curves(orders, values),
        pd.DataFrame([_overlap(orders, top, len(customers)) for top in TOPS]),
        metrics.rank_correlation(rankings[SPEND], rankings[NETWORK]),
    )


def _shares(
    orders: Mapping[str, np.ndarray], values: Mapping[str, np.ndarray], times: np.ndarray
) -> np.ndarray:
    """Shares held, rankings × tops × measures, each customer being there so many *times*."""
    count = int(times.sum())
    totals = np.array([(value * times).sum() for value in values.values()])
    totals[totals <= 0] = np.nan
    held = np.zeros((len(orders), len(TOPS), len(values)))
    for i, order in enumerate(orders.values()):
        for j, top in enumerate(TOPS):
            first, number = metrics.taken(order, times, top_count(top, count))
            held[i, j] = [(value[first] * number).sum() for value in values.values()]
    return held / totals


def _overlap(orders: Mapping[str, np.ndarray], top: float, customers: int) -> dict[str, float]:
    places = top_count(top, customers)
    both = len(np.intersect1d(orders[SPEND][:places], orders[NETWORK][:places]))
    bounds = binomtest(both, places).proportion_ci(method="wilson")
    return {"top": top, "customers": places, "both": both, "share": both / places} | {
        "low": bounds.low,
        "high": bounds.high,
    }


def _rows(share: np.ndarray, bounds: np.ndarray, customers: int) -> pd.DataFrame:
    index = pd.MultiIndex.from_product(
        ((NETWORK, SPEND, BOTH), TOPS, MEASURES), names=["ranking", "top", "measure"]
    )
    table = pd.DataFrame(
        {"share": share.ravel(), "low": bounds[0].ravel(), "high": bounds[1].ravel()}, index=index
    )
    table = table.reset_index()
    table.insert(2, "customers", [top_count(top, customers) for top in table["top"]])
    return table


def _curves(orders: Mapping[str, np.ndarray], values: Mapping[str, np.ndarray]) -> pd.DataFrame:
    size = len(next(iter(orders.values())))
    # closer together at the top, where the curves are steep
    counts = np.unique(np.round(size * np.linspace(0.0, 1.0, POINTS) ** 2).astype(np.int64))
    curves = {}
    for measure, ranking in CURVES:
        held = np.concatenate(([0.0], np.cumsum(values[measure][orders[ranking]])))
        curves[measure, ranking] = held[counts] / held[-1] if held[-1] > 0 else np.full(len(counts), np.nan)
    return pd.DataFrame(curves, index=counts / size)
