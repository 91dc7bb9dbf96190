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
from ripple.training.result import Evidence

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


def earn(evidence: Evidence) -> dict[str, Any]:
    """Averages of the top and of everybody, thin margins, and the most to spend on keeping one."""
    customers, settings = evidence.worth.customers, evidence.settings
    top = words.share_name(settings.top_share)
    masks = {
        f"top {top} by network value": ("expected", evidence.scores["top_member"].reindex(customers.index)),
        f"top {top} by spend": (
            "revenue so far",
            metrics.top(customers["revenue"].to_numpy(), settings.top_share),
        ),
        "all customers": ("", np.ones(len(customers), dtype=bool)),
    }
    groups = [_group(name, note, mask, evidence) for name, (note, mask) in masks.items()]
    known = math.isfinite(evidence.worth.margin_share)
    drawn = {
        name: customers.loc[np.asarray(mask), ["network_value", "direct_value"]].mean()
        for name, (_, mask) in masks.items()
    }
    bars = pd.DataFrame(drawn).T.rename(columns={"network_value": "network", "direct_value": "own"})
    return {
        "finding": _finding(groups[0] if evidence.worth.credible else groups[1], groups[2], evidence),
        "caution": _caution(evidence),
        "known": known,
        "plot": stakes(bars, "Expected value per customer", settings.currency),
        "groups": groups,
        "thin_finding": _thin_finding(evidence) if known else "",
        "thin": _thin(evidence) if known else [],
        "keep": _keep(evidence) if known else [],
        "thin_share": words.share_name(settings.plays.thin_margin),
        "no_margin": (
            "What customers cost and what may be spent on them cannot be told: orders have no column margin. "
            "Add it, or tell the usual margin by plays.margin_share in ripple.toml."
        ),
        "interval": words.share_name(evidence.worth.coverage),
    }


def _money(amount: float, evidence: Evidence, why: str = NO_MARGIN) -> Cell:
    return words.cell(float(amount), words.money(float(amount), evidence.settings.currency), why)


def _percent(share: float) -> Cell:
    return words.cell(float(share), words.percent(float(share)), "no orders whose margin is known")


def _group(name: str, note: str, mask: Any, evidence: Evidence) -> Group:
    worth, currency = evidence.worth, evidence.settings.currency
    own = worth.customers[np.asarray(mask)]
    told, gain = own[own["margin"].notna()], float(own["gain"].mean())
    revenue = float(told["revenue"].sum())
    low, high = worth.bounds(own, evidence.settings.seed)
    part = gain / float(own["value"].sum())
    return Group(
        name,
        note,
        words.count(len(own)),
        _money(own["revenue"].mean(), evidence),
        _percent(told["margin"].sum() / revenue if revenue > 0 else math.nan),
        _money(told["margin"].mean(), evidence),
        _money(own["direct_value"].mean(), evidence),
        _money(own["network_value"].mean(), evidence),
        _money(gain, evidence),
        words.money_between(part * low, part * high, currency) if math.isfinite(part) else "",
    )


def _finding(top: Group, everybody: Group, evidence: Evidence) -> str:
    opening = (
        f"One of the {top.name} is expected to spend {top.own.text} and to move {top.network.text} over the "
        f"next {evidence.settings.horizon_days} days"
    )
    if top.gain.missing:
        return f"{opening}; what that leaves as margin is not known, as orders do not tell it"
    return (
        f"{opening}; of that, {top.gain.text} ({top.interval}) is margin, the most that keeping one may "
        f"cost, against {everybody.gain.text} for the average customer"
    )


def _caution(evidence: Evidence) -> str:
    worth = evidence.worth
    absent = absence(evidence)
    opening = f"{absent.title} " if absent else ""
    return (
        f"{opening}Of expected network value {words.percent(worth.counted)} is counted on: recorded "
        f"referrals and what tests for coincidence leave of influence ({words.percent(worth.credible)}), "
        "and of that what came true of such forecasts in the backtest "
        f"({words.percent(min(1.0, worth.came_true))}). Discounts and the cost to serve are not in the "
        "tables; subtract them before you spend."
    )


def _valued(evidence: Evidence) -> pd.DataFrame:
    """Customers of high network value or high spend, the most valuable first."""
    high = (evidence.playbook.segment_of[["network", "direct"]] == "high").any(axis=1)
    return evidence.worth.customers[high].sort_values("value", ascending=False, kind="stable")


def _below(evidence: Evidence) -> pd.DataFrame:
    own = _valued(evidence)
    return own[own["margin_share"] < evidence.settings.plays.thin_margin]


def _thin_finding(evidence: Evidence) -> str:
    everybody, thin, currency = _valued(evidence), _below(evidence), evidence.settings.currency
    share = words.share_name(evidence.settings.plays.thin_margin)
    valued = "customers of high network value or high spend"
    if thin.empty:
        return f"Not one of the {words.count(len(everybody))} {valued} has a margin below {share}."
    return (
        f"{words.count(len(thin))} of {words.count(len(everybody))} {valued} have a margin "
        f"below {share}; they are expected to spend {words.money(thin['direct_value'].sum(), currency)} at "
        f"that margin and to move {words.money(thin['network_value'].sum(), currency)}. No discount for "
        "these: thank them with something that costs little."
    )


def _rows(customers: pd.DataFrame, evidence: Evidence) -> list[tuple[str, list[Cell]]]:
    return [
        (
            str(name),
            [
                _money(row["revenue"], evidence),
                _percent(row["margin_share"]),
                _money(row["direct_value"], evidence),
                _money(row["network_value"], evidence),
                _money(row["gain"], evidence),
            ],
        )
        for name, row in customers.head(LISTED).iterrows()
    ]


def _thin(evidence: Evidence) -> list[tuple[str, list[Cell]]]:
    return _rows(_below(evidence), evidence)


def _keep(evidence: Evidence) -> list[tuple[str, list[Cell]]]:
    best = evidence.worth.customers.sort_values("gain", ascending=False, kind="stable")
    return _rows(best, evidence)
