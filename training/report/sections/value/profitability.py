"""Earn while protecting profitability: what the top brings, where margin is thin, what to spend at most."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ripple.training.evaluation import metrics
from ripple.training.report.plots.amounts import stakes
from ripple.training.report.sections.trust.placebos import absence
from ripple.training.report.text import words
from ripple.training.report.text.words import Cell
from ripple.training.result import TrainingResult

LISTED = 10
NO_MARGIN = "no margin is known"


@dataclass(frozen=True)
class Group:
    """Averages per customer of a group, as cells; `margin_share` is of the group's revenue together."""

    name: str
    note: str
    customers: str
    revenue: Cell
    margin_share: Cell
    margin: Cell
    own: Cell
    network: Cell
    gain: Cell
    interval: str


def earn(result: TrainingResult) -> dict[str, Any]:
    """Averages of the top and of everybody, thin margins, and the most to spend on keeping one."""
    customers, settings = result.customer_value.customers, result.settings
    top = words.share_name(settings.top_share)
    masks = {
        f"top {top} by network value": ("expected", result.scores["top_member"].reindex(customers.index)),
        f"top {top} by spend": (
            "revenue so far",
            metrics.top(customers["revenue"].to_numpy(), settings.top_share),
        ),
        "all customers": ("", np.ones(len(customers), dtype=bool)),
    }
    groups = [_group(name, note, mask, result) for name, (note, mask) in masks.items()]
    known = math.isfinite(result.customer_value.margin_share)
    drawn = {
        name: customers.loc[np.asarray(mask), ["network_value", "direct_value"]].mean()
        for name, (_, mask) in masks.items()
    }
    bars = pd.DataFrame(drawn).T.rename(columns={"network_value": "network", "direct_value": "own"})
    return {
        "finding": _finding(groups[0] if result.customer_value.credible else groups[1], groups[2], result),
        "caution": _caution(result),
        "known": known,
        "plot": stakes(bars, "Expected value per customer", settings.currency),
        "groups": groups,
        "thin_finding": _thin_finding(result) if known else "",
        "thin": _thin(result) if known else [],
        "keep": _keep(result) if known else [],
        "thin_share": words.share_name(settings.plays.thin_margin),
        "no_margin": (
            "What customers cost and what may be spent on them cannot be told: orders have no column margin. "
            "Add it, or tell the usual margin by plays.margin_share in ripple.toml."
        ),
        "interval": words.share_name(result.customer_value.coverage),
    }


def _money(amount: float, result: TrainingResult, why: str = NO_MARGIN) -> Cell:
    return words.cell(float(amount), words.money(float(amount), result.settings.currency), why)


def _percent(share: float) -> Cell:
    return words.cell(float(share), words.percent(float(share)), "no orders whose margin is known")


def _group(name: str, note: str, mask: Any, result: TrainingResult) -> Group:
    customer_value, currency = result.customer_value, result.settings.currency
    own = customer_value.customers[np.asarray(mask)]
    told, gain = own[own["margin"].notna()], float(own["gain"].mean())
    revenue = float(told["revenue"].sum())
    low, high = customer_value.bounds(own, result.settings.seed)
    part = gain / float(own["value"].sum())
    return Group(
        name,
        note,
        words.count(len(own)),
        _money(own["revenue"].mean(), result),
        _percent(told["margin"].sum() / revenue if revenue > 0 else math.nan),
        _money(told["margin"].mean(), result),
        _money(own["direct_value"].mean(), result),
        _money(own["network_value"].mean(), result),
        _money(gain, result),
        words.money_between(part * low, part * high, currency) if math.isfinite(part) else "",
    )


def _finding(top: Group, everybody: Group, result: TrainingResult) -> str:
    opening = (
        f"One of the {top.name} is expected to spend {top.own.text} and to move {top.network.text} over the "
        f"next {result.settings.horizon_days} days"
    )
    if top.gain.missing:
        return f"{opening}; what that leaves as margin is not known, as orders do not tell it"
    return (
        f"{opening}; of that, {top.gain.text} ({top.interval}) is margin, the most that keeping one may "
        f"cost, against {everybody.gain.text} for the average customer"
    )


def _caution(result: TrainingResult) -> str:
    value = result.customer_value
    absent = absence(result)
    opening = f"{absent.title} " if absent else ""
    return (
        f"{opening}Of expected network value {words.percent(value.counted)} is counted on: recorded "
        f"referrals and what tests for coincidence leave of influence ({words.percent(value.credible)}), "
        "and of that what came true of such forecasts in the backtest "
        f"({words.percent(min(1.0, value.realised_ratio))}). Discounts and the cost to serve are not in the "
        "tables; subtract them before you spend."
    )


def _valued(result: TrainingResult) -> pd.DataFrame:
    """Customers of high network value or high spend, the most valuable first."""
    high = (result.playbook.segment_of[["network", "direct"]] == "high").any(axis=1)
    return result.customer_value.customers[high].sort_values("value", ascending=False, kind="stable")


def _below(result: TrainingResult) -> pd.DataFrame:
    own = _valued(result)
    return own[own["margin_share"] < result.settings.plays.thin_margin]


def _thin_finding(result: TrainingResult) -> str:
    everybody, thin, currency = _valued(result), _below(result), result.settings.currency
    share = words.share_name(result.settings.plays.thin_margin)
    valued = "customers of high network value or high spend"
    if thin.empty:
        return f"Not one of the {words.count(len(everybody))} {valued} has a margin below {share}."
    return (
        f"{words.count(len(thin))} of {words.count(len(everybody))} {valued} have a margin "
        f"below {share}; they are expected to spend {words.money(thin['direct_value'].sum(), currency)} at "
        f"that margin and to move {words.money(thin['network_value'].sum(), currency)}. No discount for "
        "these: thank them with something that costs little."
    )


def _rows(customers: pd.DataFrame, result: TrainingResult) -> list[tuple[str, list[Cell]]]:
    return [
        (
            str(name),
            [
                _money(row["revenue"], result),
                _percent(row["margin_share"]),
                _money(row["direct_value"], result),
                _money(row["network_value"], result),
                _money(row["gain"], result),
            ],
        )
        for name, row in customers.head(LISTED).iterrows()
    ]


def _thin(result: TrainingResult) -> list[tuple[str, list[Cell]]]:
    return _rows(_below(result), result)


def _keep(result: TrainingResult) -> list[tuple[str, list[Cell]]]:
    best = result.customer_value.customers.sort_values("gain", ascending=False, kind="stable")
    return _rows(best, result)
