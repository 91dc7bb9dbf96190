"""The page of a run on orders alone, in one HTML file that needs nothing but a browser."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd

from ripple.settings import Lifetime
from ripple.training.attribution.feature_adoptions import COLUMNS, FeatureAdoptions
from ripple.training.evaluation.prediction_table import CUTOFF, evaluated_at
from ripple.training.examples.feasibility import NETWORK_VALUE_NEEDS
from ripple.training.examples.membership import top_mask
from ripple.training.insights.concentration import LIFETIME, SPEND
from ripple.training.orders_alone.spend_result import SpendResult
from ripple.training.report.page import Part, template
from ripple.training.report.plots.lorenz import lorenz
from ripple.training.report.sections.answer.headline import Tile
from ripple.training.report.sections.value.claims import feature_adoptions_text
from ripple.training.report.sections.value.concentration import DIRECT_RANKINGS
from ripple.training.report.text import words
from ripple.training.report.text.glossary import glossary
from ripple.training.report.text.words import Cell

PARTS = (
    Part("spend_answer", "Answer", "The answer"),
    Part("spend_learn", "Learn", "Learn"),
    Part("spend_earn", "Earn", "Earn, while protecting profitability"),
    Part("spend_trust", "Trust", "Can you trust it?"),
)
TERMS = ("capture", "cutoff", "backtest", "Gini", "Spearman", "95\u00a0% interval", "embargo")
"""The terms of the glossary that the page uses."""
MAX_CUSTOMERS = 25
"""The number of customers that are listed; the table of customers has all of them."""
NO_MARGIN, NO_REVENUE, NO_SPEND = "no margin is known", "no revenue is known", "nobody spent anything"


def render(result: SpendResult) -> str:
    """The report on *result* as one HTML page; the same result gives the same bytes."""
    known = glossary(result.settings)
    terms = {name: known[name] for name in TERMS} | {
        "direct value": f"what a customer spends themselves over {result.settings.horizon_days} days",
        "lifetime value": lifetime_meaning(result),
        "capture": f"spend of the {_top(result)} that a ranking puts first ÷ spend of the {_top(result)} "
        "that spent the most; 100\u00a0% is perfect",
        "BG/NBD": "the usual model of repeat purchases: a customer buys at a rate of their own until they "
        "leave for good (Fader, Hardie & Lee 2005)",
    }
    return template("page.html.j2", terms).render(
        name=result.name,
        dataset=result.dataset,
        as_of=result.as_of,
        parts=PARTS,
        horizon_days=result.settings.horizon_days,
        needs=result.needs,
        title=_title(result),
        spread=_spread(result.feature_adoptions),
        interval=words.exact_percent(result.value.coverage),
        lifetime_meaning=lifetime_meaning(result),
        answer=_answer(result),
        learn=_learn(result),
        earn=_earn(result),
        trust=_trust(result),
    )


def lifetime_meaning(result: SpendResult) -> str:
    """What lifetime value is in this run."""
    lifetime: Lifetime = result.settings.lifetime
    what = "margin on what" if math.isfinite(result.value.margin_share) else "what"
    return (
        f"{what} a customer will spend over the next {words.count(lifetime.horizon_days)} days, discounted "
        f"at {words.exact_percent(lifetime.discount_rate)} a year; an estimate"
    )


def _top(result: SpendResult) -> str:
    return f"top {words.exact_percent(result.value.direct.share)}"


def _money(amount: float, result: SpendResult, why: str = NO_MARGIN) -> Cell:
    return words.cell(float(amount), words.money(float(amount), result.settings.currency), why)


def _answer(result: SpendResult) -> dict[str, Any]:
    customers, headline, currency = result.value.customers, result.headline(), result.settings.currency
    interval = words.exact_percent(result.value.coverage)
    share = result.value.direct.share
    top = customers[top_mask(customers["lifetime_value"].to_numpy(), share)]
    low, high = result.value.total_bounds(customers, result.settings.seed)
    total = headline["lifetime_value"]
    held = words.percent(top["lifetime_value"].sum() / total) if total > 0 else "an unknown share"
    until = result.as_of + timedelta(days=result.settings.horizon_days)
    return {
        "title": (
            f"{words.count(len(top))} of {words.count(len(customers))} customers, the {_top(result)}, hold "
            f"{held} of lifetime value"
        ),
        "lead": (
            f"All customers together are expected to spend {words.money(headline['direct_value'], currency)} "
            f"({interval} interval {words.money_between(low, high, currency)}"
            f") from {words.day(result.as_of)} to {words.day(until)}. Their lifetime value is "
            f"{words.money(total, currency)}: {lifetime_meaning(result)}."
        ),
        "tiles": [
            Tile("customers", words.count(len(customers)), f"{words.count(len(top))} in the {_top(result)}"),
            Tile(
                "expected spend of a customer",
                words.money(customers["direct_value"].mean(), currency),
                f"average over {result.settings.horizon_days} days",
            ),
            Tile("lifetime value of a customer", words.money(total / len(customers), currency), "average"),
            Tile(
                "captured in the backtest",
                words.cell(headline["direct_capture"], words.percent(headline["direct_capture"], 1), "").text,
                f"of what the true {_top(result)} spent; by spend in the previous period "
                + words.percent(headline["last_period_capture"], 1),
            ),
        ],
        "rows": [
            (
                str(name),
                [
                    _money(row["revenue"], result, NO_REVENUE),
                    _money(row["direct_value"], result),
                    words.between(
                        row["low"], row["high"], words.money_between(row["low"], row["high"], currency), ""
                    ),
                    _money(row["lifetime_value"], result),
                ],
            )
            for name, row in customers.head(MAX_CUSTOMERS).iterrows()
        ],
    }


def _title(result: SpendResult) -> str:
    if result.needs == NETWORK_VALUE_NEEDS:
        return "Network value is not predicted here: it needs contacts or referrals"
    return "Network value is not predicted here: no purchase is credited to others"


def _spread(label: FeatureAdoptions | None) -> dict[str, Any] | None:
    """Who moved others to use a feature; None where that is not known."""
    if label is None:
        return None
    return {
        "finding": feature_adoptions_text(label),
        "rows": [
            (
                str(name),
                [words.cell(float(row[column]), words.decimal(float(row[column])), "") for column in COLUMNS],
            )
            for name, row in label.top(MAX_CUSTOMERS).iterrows()
        ],
    }


def _learn(result: SpendResult) -> dict[str, Any]:
    rows: list[Any] = list(result.shares.itertuples())
    shares = {(row.ranking, row.top, row.measure): row for row in rows}
    tops = sorted({top for _, top, _ in shares})
    held = shares[LIFETIME, tops[-1], "lifetime_value"]
    return {
        "finding": (
            f"The top {words.exact_percent(tops[-1])} by lifetime value hold "
            f"{words.estimate(held.share, held.low, held.high)} of it"
        ),
        "plot": lorenz(result.curves),
        "rows": [
            (
                f"top {words.exact_percent(top)} by {ranking}",
                note,
                words.number(shares[ranking, top, "revenue"].customers),
                [_share(shares[ranking, top, measure]) for measure in ("revenue", "lifetime_value")],
            )
            for ranking, note in ((SPEND, "revenue so far"), (LIFETIME, "forecast"))
            for top in tops
        ],
    }


def _share(row: Any) -> Cell:
    shown = words.cell(row.share, words.estimate(row.share, row.low, row.high), NO_SPEND)
    return replace(shown, low=words.finite(row.low), high=words.finite(row.high))


def _earn(result: SpendResult) -> dict[str, Any]:
    customers, known = result.value.customers, math.isfinite(result.value.margin_share)
    masks = {
        f"top {words.exact_percent(share)} by lifetime value": top_mask(
            customers["lifetime_value"].to_numpy(), share
        )
        for share in sorted({result.settings.top_share, result.value.direct.share})
    } | {"all customers": np.ones(len(customers), dtype=bool)}
    everybody = customers["gain"].mean()
    valued = customers[top_mask(customers["direct_value"].to_numpy(), result.value.direct.share)]
    thin = valued[valued["margin_share"] < result.settings.plays.thin_margin]
    limit = words.exact_percent(result.settings.plays.thin_margin)
    return {
        "known": known,
        "finding": (
            f"Spend at most {words.money(everybody, result.settings.currency)} to keep an average customer: "
            f"the margin expected over the next {result.settings.horizon_days} days"
            if known
            else "What keeping a customer may cost is not known, because orders have no column margin"
        ),
        "groups": [(name, *_group(customers[mask], result)) for name, mask in masks.items()],
        "thin": (
            f"{words.count(len(thin))} of the {words.count(len(valued))} customers who are expected to spend "
            f"the most have a margin below {limit}. Do not give them discounts."
        ),
    }


def _group(group: pd.DataFrame, result: SpendResult) -> tuple[Cell, list[Cell]]:
    with_margin = group[group["margin"].notna()]
    revenue = float(with_margin["revenue"].sum())
    share = float(with_margin["margin"].sum() / revenue) if revenue > 0 else math.nan
    return words.number(len(group)), [
        _money(group["revenue"].mean(), result, NO_REVENUE),
        words.cell(share, words.percent(share), NO_MARGIN),
        _money(group["direct_value"].mean(), result),
        _money(group["lifetime_value"].mean(), result),
        _money(group["gain"].mean(), result),
    ]


def _trust(result: SpendResult) -> dict[str, Any]:
    direct, checks, plan = result.value.direct, result.data.checks, result.data.schedule
    lead, low, high = direct.lead
    known = all(map(math.isfinite, direct.lead))
    clear = "The model is better" if low > 0 else "The model is worse" if high < 0 else "That is not clear"
    longer = direct.lifetime_metrics
    return {
        "finding": (
            f"The {_top(result)} by the model spent {words.signed_points(lead)} points more of what the true "
            f"{_top(result)} spent than the {_top(result)} by spend in the previous period "
            f"(95{words.NO_BREAK_SPACE}% interval {words.signed_points(low)} to {words.signed_points(high)}"
            f"). {clear}"
            if known
            else "The predictions could not be evaluated: in a backtest period nobody spent anything"
        ),
        "top": _top(result),
        "near": _evaluation(direct.metrics),
        "longer": _evaluation(longer) if len(longer) else [],
        "tables": [(name, words.number(number)) for name, number in checks.rows.items()],
        "set_aside": [str(finding.key) for finding in checks.set_aside],
        "warnings": checks.warnings,
        "cutoffs": [
            (cutoff, cutoff + plan.horizon, words.number(len(plan.training_for(cutoff))))
            for cutoff in evaluated_at(direct.predictions)
        ],
        "features": result.features,
    }


def _evaluation(metrics: pd.DataFrame) -> list[tuple[Any, Cell | None, str, list[Cell]]]:
    return [
        (
            row[CUTOFF],
            words.number(row["days"]) if "days" in row else None,
            DIRECT_RANKINGS[row["ranking"]],
            [
                words.cell(row["capture"], words.percent(row["capture"]), NO_SPEND),
                *(words.cell(row[name], words.decimal(row[name]), NO_SPEND) for name in METRICS),
            ],
        )
        for row in metrics.to_dict("records")
    ]


METRICS = ("gini", "spearman", "total")
