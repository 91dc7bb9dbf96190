"""Earn: value and margin of the top customers, thin margins, and the most to spend on keeping a customer."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ripple.training.examples.membership import top_mask
from ripple.training.report.plots.amounts import amount_bars
from ripple.training.report.sections.trust.placebos import no_influence_notice
from ripple.training.report.text import words
from ripple.training.report.text.words import Cell
from ripple.training.result import TrainingResult

MAX_CUSTOMERS = 10
NO_MARGIN = "no margin is known"
NO_REVENUE = "no revenue is known"


@dataclass(frozen=True)
class Group:
    """Averages per customer of a group; `margin_share` is the margin ÷ revenue of the whole group."""

    name: str
    note: str
    customers: Cell
    revenue: Cell
    margin_share: Cell
    margin: Cell
    direct: Cell
    network: Cell
    gain: Cell
    interval: str


def profitability_section(result: TrainingResult) -> dict[str, Any]:
    """Averages of the top and of everybody, thin margins, and the most to spend on keeping a customer."""
    customers, settings = result.insights.customer_value.customers, result.settings
    top = words.exact_percent(settings.top_share)
    masks = {
        f"top {top} by network value": (
            "expected",
            result.population.scores["top_member"].reindex(customers.index),
        ),
        f"top {top} by spend": (
            "revenue so far",
            top_mask(customers["revenue"].to_numpy(), settings.top_share),
        ),
        "all customers": ("", np.ones(len(customers), dtype=bool)),
    }
    groups = [_group(name, note, mask, result) for name, (note, mask) in masks.items()]
    known = math.isfinite(result.insights.customer_value.margin_share)
    averages = {
        name: customers.loc[np.asarray(mask), ["network_value", "direct_value"]].mean()
        for name, (_, mask) in masks.items()
    }
    bars = pd.DataFrame(averages).T.rename(columns={"network_value": "network", "direct_value": "direct"})
    return {
        "finding": _finding(
            groups[0] if result.insights.customer_value.chance_share < 1 else groups[1], groups[2], result
        ),
        "caution": _caution(result),
        "known": known,
        "plot": amount_bars(bars, "Expected value per customer", settings.currency),
        "groups": groups,
        "thin_finding": _thin_finding(result) if known else "",
        "thin": _thin(result) if known else [],
        "keep": _keep(result) if known else [],
        "thin_share": words.exact_percent(settings.plays.thin_margin),
        "no_margin": (
            "Margins and cost limits are not known: orders have no column margin. Add it, or set the usual "
            "margin as plays.margin_share in ripple.toml."
        ),
        "interval": words.exact_percent(result.insights.customer_value.coverage),
    }


def _money(amount: float, result: TrainingResult, why: str = NO_MARGIN) -> Cell:
    return words.cell(float(amount), words.money(float(amount), result.settings.currency), why)


def _percent(share: float) -> Cell:
    return words.cell(float(share), words.percent(float(share)), "no orders whose margin is known")


def _group(name: str, note: str, mask: Any, result: TrainingResult) -> Group:
    customer_value, currency = result.insights.customer_value, result.settings.currency
    group = customer_value.customers[np.asarray(mask)]
    with_margin, gain = group[group["margin"].notna()], float(group["gain"].mean())
    revenue = float(with_margin["revenue"].sum())
    low, high = customer_value.total_bounds(group, result.settings.seed)
    scale = gain / float(group["value"].sum())
    return Group(
        name,
        note,
        words.number(len(group)),
        _money(group["revenue"].mean(), result, NO_REVENUE),
        _percent(with_margin["margin"].sum() / revenue if revenue > 0 else math.nan),
        _money(with_margin["margin"].mean(), result),
        _money(group["direct_value"].mean(), result),
        _money(group["network_value"].mean(), result),
        replace(_money(gain, result), low=words.finite(scale * low), high=words.finite(scale * high)),
        words.money_between(scale * low, scale * high, currency) if math.isfinite(scale) else "",
    )


def _finding(top: Group, everybody: Group, result: TrainingResult) -> str:
    opening = (
        f"{top.direct.text} of own spend and {top.network.text} of network value are expected from a "
        f"customer in the {top.name} over the next {result.settings.horizon_days} days"
    )
    if top.gain.missing:
        return f"{opening}; the margin on it is not known, because orders have no column margin"
    return (
        f"{opening}; spend at most their margin of {top.gain.text} ({top.interval}) to keep one, and "
        f"{everybody.gain.text} to keep an average customer"
    )


def _caution(result: TrainingResult) -> str:
    value = result.insights.customer_value
    notice = no_influence_notice(result)
    opening = f"{notice.title} " if notice else ""
    return (
        f"{opening}{words.percent(value.spendable_share)} of expected network value counts here: "
        f"{words.percent(1 - value.chance_share)} is referral value or influence beyond the placebos, and of "
        f"that {words.percent(min(1.0, value.realised_ratio))} was realised in the backtest. Discounts and "
        "the cost to serve are not in the tables; subtract them before you spend."
    )


def _valued(result: TrainingResult) -> pd.DataFrame:
    """Customers with high network value or high spend, the most valuable first."""
    high = (result.insights.playbook.customer_segments[["network", "direct"]] == "high").any(axis=1)
    return result.insights.customer_value.customers[high].sort_values("value", ascending=False, kind="stable")


def _with_thin_margin(result: TrainingResult) -> pd.DataFrame:
    valued = _valued(result)
    return valued[valued["margin_share"] < result.settings.plays.thin_margin]


def _thin_finding(result: TrainingResult) -> str:
    everybody, thin, currency = _valued(result), _with_thin_margin(result), result.settings.currency
    share = words.exact_percent(result.settings.plays.thin_margin)
    group = "customers with high network value or high spend"
    if thin.empty:
        return f"0 of {words.count(len(everybody))} {group} have a margin below {share}."
    return (
        f"{words.count(len(thin))} of {words.count(len(everybody))} {group} have a margin below {share}. "
        f"Their expected own spend is {words.money(thin['direct_value'].sum(), currency)}, their expected "
        f"network value {words.money(thin['network_value'].sum(), currency)}. Do not give them discounts: "
        "thank them with something that costs little."
    )


def _rows(customers: pd.DataFrame, result: TrainingResult) -> list[tuple[str, list[Cell]]]:
    return [
        (
            str(name),
            [
                _money(row["revenue"], result, NO_REVENUE),
                _percent(row["margin_share"]),
                _money(row["direct_value"], result),
                _money(row["network_value"], result),
                _money(row["gain"], result),
            ],
        )
        for name, row in customers.head(MAX_CUSTOMERS).iterrows()
    ]


def _thin(result: TrainingResult) -> list[tuple[str, list[Cell]]]:
    return _rows(_with_thin_margin(result), result)


def _keep(result: TrainingResult) -> list[tuple[str, list[Cell]]]:
    best = result.insights.customer_value.customers.sort_values("gain", ascending=False, kind="stable")
    return _rows(best, result)
