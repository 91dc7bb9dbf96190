"""Learn: how much few customers hold, whether big spenders are the influential, and how spend is foreseen."""

from __future__ import annotations

import math
from typing import Any

from ripple.training.insights import spend as head
from ripple.training.insights.concentration import BOTH, NETWORK, SPEND
from ripple.training.report.plots.lorenz import lorenz
from ripple.training.report.sections.trust.placebos import absence, doubt
from ripple.training.report.text import words
from ripple.training.report.text.words import Cell
from ripple.training.result import TrainingResult

RANKINGS = {
    SPEND: "revenue so far",
    NETWORK: "expected",
    BOTH: "expected network value and expected spend together",
}
MEASURES = {
    "revenue": ("Revenue", "what they have spent themselves so far", "nobody has spent anything"),
    "margin": ("Margin", "margin on that", "no margin is known"),
    "lifetime_value": (
        "Lifetime value",
        "revenue so far and what they are expected to spend over the next period",
        "nobody has spent anything",
    ),
    "network_value": (
        "Network value",
        "revenue of others that is expected to be credited to them over the next period",
        "nobody is expected to bring anything",
    ),
}
"""Measure → its name, what it is, and why it can be undefined."""
Shares = dict[tuple[str, float, str], Any]
"""The rows of `Concentration.shares` by ranking, top and measure."""


def learn(result: TrainingResult) -> dict[str, Any]:
    """Concentration, overlap and the forecast of direct value."""
    found, absent = result.concentration, absence(result)
    rows: list[Any] = list(found.shares.itertuples())
    shares = {(row.ranking, row.top, row.measure): row for row in rows}
    tops = list(found.overlap["top"])
    return {
        "finding": _finding(shares, tops[0]),
        "overlap_finding": _overlap(result),
        "doubt": absent.title if absent else doubt(result),
        "plot": lorenz(found.curves),
        "measures": [(name, note) for name, note, _ in MEASURES.values()],
        "shares": [
            (
                f"top {words.share_name(top)} by {ranking}",
                note,
                words.count(shares[ranking, top, "revenue"].customers),
                [_share(shares[ranking, top, measure], why) for measure, (_, _, why) in MEASURES.items()],
            )
            for ranking, note in RANKINGS.items()
            for top in tops
        ],
        "overlap": [_overlapping(row) for row in found.overlap.itertuples()],
        "direct_finding": _direct(result),
        "direct": _judged(result.customer_value.direct),
        "direct_top": words.share_name(result.customer_value.direct.share),
    }


def _held(row: Any) -> str:
    return words.estimate(row.share, row.low, row.high)


def _known(share: float) -> str:
    return words.cell(share, words.percent(share), "nobody has spent anything").text


def _finding(shares: Shares, top: float) -> str:
    spend, network = (shares[ranking, top, "revenue"] for ranking in (SPEND, NETWORK))
    return (
        f"The top {words.share_name(top)} by spend brought {_held(spend)} of revenue so far; the top "
        f"{words.share_name(top)} by network value brought {_known(network.share)}, but hold "
        f"{_held(shares[NETWORK, top, 'network_value'])} of expected network value"
    )


def _overlap(result: TrainingResult) -> str:
    row: Any = list(result.concentration.overlap.itertuples())[-1]
    top = words.share_name(row.top)
    found = (
        f"Of the {words.count(row.customers)} customers in the top {top} by spend, {row.both} are in the top "
        f"{top} by network value too: {_held(row)}. If the two had nothing to do with each other it would be "
        f"{top}."
    )
    if row.low > row.top:
        meaning = "They go together more often than by chance, but most of either group are not in the other."
        if row.share > 0.5:
            meaning = "Most big spenders are influential too."
    elif row.high < row.top:
        meaning = "Those who spend much are less often influential than others."
    else:
        meaning = "That is no more than chance: spend does not tell who is influential."
    return f"{found} {meaning}"


def _share(row: Any, why: str) -> Cell:
    if not (math.isfinite(row.low) and math.isfinite(row.high)):
        return words.cell(row.share, words.percent(row.share), why)
    bounds = f"{100 * row.low:.0f} to {100 * row.high:.0f}"
    return words.cell(row.share, f"{words.percent(row.share)} ({bounds})", why)


def _overlapping(row: Any) -> tuple[str, str, str, Cell, str]:
    alone = words.count(row.customers - row.both)
    top = words.share_name(row.top)
    return top, words.count(row.both), alone, _share(row, "nobody is there"), top


def _direct(result: TrainingResult) -> str:
    own, settings = result.customer_value.direct, result.settings
    lead, low, high = own.lead
    expected = words.money(float(own.expected.sum()), settings.currency)
    opening = (
        f"Over the next {settings.horizon_days} days all customers together are expected to spend {expected} "
        "themselves. A third model foresees it from the same features, judged at the same cutoffs as network "
        "value."
    )
    if not all(map(math.isfinite, own.lead)):
        return f"{opening} How well could not be tested: in a backtest period nobody spent anything."
    means = own.judged.groupby("ranking")["capture"].mean()
    top = words.share_name(own.share)
    compared = (
        f"The top {top} it picked spent {words.percent(means[head.MODEL])} of what the true top {top} spent; "
        f"those who had spent most in the period before, {words.percent(means[head.RULE])}. The lead is "
        f"{words.signed_points(lead)} points (95{words.SPACE}% interval {words.signed_points(low)} to "
        f"{words.signed_points(high)})"
    )
    if low > 0:
        return f"{opening} {compared}."
    return f"{opening} {compared}, so it is not shown that the model beats that rule."


def _judged(own: head.Direct) -> list[tuple[str, str, list[Cell]]]:
    names = {head.MODEL: "the model", head.RULE: "spent in the period before"}
    why = "nobody spent anything in this period"
    return [
        (
            words.day(row["cutoff"]),
            names[row["ranking"]],
            [
                words.cell(row["capture"], words.percent(row["capture"]), why),
                words.cell(row["gini"], words.decimal(row["gini"]), why),
                words.cell(row["total"], words.decimal(row["total"]), why),
            ],
        )
        for row in own.judged.to_dict("records")
    ]
