"""Learn: what the top customers hold, whether big spenders are influential, and predictions of spend."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

from ripple.training.insights.concentration import BOTH, NETWORK, SPEND
from ripple.training.insights.direct_value import LAST_PERIOD, PREDICTED, PROCESS, DirectValue
from ripple.training.report.plots.lorenz import lorenz
from ripple.training.report.sections.trust.placebos import no_influence_notice, placebo_caveat
from ripple.training.report.text import words
from ripple.training.report.text.words import Cell
from ripple.training.result import TrainingResult

RANKINGS = {
    SPEND: "revenue so far",
    NETWORK: "expected",
    BOTH: "expected network value and expected spend together",
}
MEASURES = {
    "revenue": ("Revenue", "their own spend so far", "nobody has spent anything"),
    "margin": ("Margin", "margin on that revenue", "no margin is known"),
    "lifetime_value": (
        "Lifetime value",
        "forecast of their own spend over a longer horizon, discounted; of the margin on it where that is "
        "known",
        "nobody has spent anything",
    ),
    "network_value": (
        "Network value",
        "revenue of others expected to be credited to them over the next period",
        "nobody has expected network value",
    ),
}
"""The name and description of each measure, and the reason why it can be undefined."""
OverlapKind = Literal["most", "above chance", "chance", "below chance"]
OVERLAP_MEANINGS: dict[OverlapKind, str] = {
    "most": "Most big spenders are influential too.",
    "above chance": "That is more than chance, but most big spenders are not in both.",
    "chance": "That is no more than chance: spend does not show who is influential.",
    "below chance": "That is less than chance: big spenders are less often influential than others.",
}
"""The conclusion from the overlap of the top by spend and the top by network value."""
Shares = dict[tuple[str, float, str], Any]
"""The rows of `Concentration.shares`, by ranking, top and measure."""


def concentration_section(result: TrainingResult) -> dict[str, Any]:
    """Concentration of value, overlap of spend and network value, and predictions of own spend."""
    concentration, notice = result.insights.concentration, no_influence_notice(result)
    rows: list[Any] = list(concentration.shares.itertuples())
    shares = {(row.ranking, row.top, row.measure): row for row in rows}
    tops = list(concentration.overlap["top"])
    return {
        "finding": _finding(shares, tops[0]),
        "overlap_kind": _overlap_kind(list(concentration.overlap.itertuples())[-1]),
        "overlap_finding": _overlap_finding(result),
        "overlap_meaning": OVERLAP_MEANINGS[_overlap_kind(list(concentration.overlap.itertuples())[-1])],
        "caveat": notice.title if notice else placebo_caveat(result),
        "plot": lorenz(concentration.curves),
        "measures": [(name, note) for name, note, _ in MEASURES.values()],
        "shares": [
            (
                f"top {words.exact_percent(top)} by {ranking}",
                note,
                words.number(shares[ranking, top, "revenue"].customers),
                [_share(shares[ranking, top, measure], why) for measure, (_, _, why) in MEASURES.items()],
            )
            for ranking, note in RANKINGS.items()
            for top in tops
        ],
        "overlap": [_overlap_row(row) for row in concentration.overlap.itertuples()],
        "direct_finding": _direct_finding(result),
        "direct": _direct_rows(result.insights.customer_value.direct),
        "direct_top": words.exact_percent(result.insights.customer_value.direct.share),
    }


def _estimate(row: Any) -> str:
    return words.estimate(row.share, row.low, row.high)


def _finding(shares: Shares, top: float) -> str:
    spend, network, expected = (
        words.estimate(shares[ranking, top, measure].share, math.nan, math.nan)
        for ranking, measure in ((SPEND, "revenue"), (NETWORK, "revenue"), (NETWORK, "network_value"))
    )
    share = words.exact_percent(top)
    return (
        f"The top {share} by spend brought {spend} of revenue so far; the top {share} by network value "
        f"brought {network} and hold {expected} of expected network value"
    )


def _overlap_finding(result: TrainingResult) -> str:
    row: Any = list(result.insights.concentration.overlap.itertuples())[-1]
    top = words.exact_percent(row.top)
    return (
        f"{row.both} of the {words.count(row.customers)} customers in the top {top} by spend are also in the "
        f"top {top} by network value: {_estimate(row)}. By chance it would be {top}."
    )


def _overlap_kind(row: Any) -> OverlapKind:
    if row.low > row.top:
        return "most" if row.share > 0.5 else "above chance"
    return "below chance" if row.high < row.top else "chance"


def _share(row: Any, why: str) -> Cell:
    if not (math.isfinite(row.low) and math.isfinite(row.high)):
        return words.cell(row.share, words.percent(row.share), why)
    bounds = f"{100 * row.low:.0f} to {100 * row.high:.0f}"
    shown = words.cell(row.share, f"{words.percent(row.share)} ({bounds})", why)
    return replace(shown, low=float(row.low), high=float(row.high))


def _overlap_row(row: Any) -> tuple[Cell, Cell, Cell, Cell, Cell]:
    top = Cell(words.exact_percent(row.top), float(row.top))
    in_one = words.number(row.customers - row.both)
    return top, words.number(row.both), in_one, _share(row, "nobody is there"), top


def _direct_finding(result: TrainingResult) -> str:
    direct, settings = result.insights.customer_value.direct, result.settings
    lead, low, high = direct.lead
    expected = words.money(float(direct.expected.sum()), settings.currency)
    opening = (
        f"{expected} of own spend is expected from all customers together over the next "
        f"{settings.horizon_days} days. A third model predicts it from the same features and from the times "
        "and amounts of orders; it is evaluated at the same cutoffs as network value."
    )
    if not all(map(math.isfinite, direct.lead)):
        return f"{opening} It could not be evaluated: in a backtest period nobody spent anything."
    means = direct.metrics.groupby("ranking")["capture"].mean()
    top = words.exact_percent(direct.share)
    lead_text = (
        f"{words.signed_points(lead)} points (95{words.NO_BREAK_SPACE}% interval {words.signed_points(low)} "
        f"to {words.signed_points(high)})"
    )
    captures = (
        f"Its top {top} captured {words.percent(means[PREDICTED])} of what the true top {top} spent; "
        f"the top {top} by spend in the previous period captured {words.percent(means[LAST_PERIOD])}."
    )
    if low > 0:
        return f"{opening} {captures} The model is better by {lead_text}."
    return f"{opening} {captures} The lead of {lead_text} is not clear."


DIRECT_RANKINGS = {
    PREDICTED: "the model",
    PROCESS: "BG/NBD with Gamma–Gamma",
    LAST_PERIOD: "spend in the previous period",
}


def _direct_rows(direct: DirectValue) -> list[tuple[datetime, str, list[Cell]]]:
    why = "nobody spent anything in this period"
    return [
        (
            row["cutoff"],
            DIRECT_RANKINGS[row["ranking"]],
            [
                words.cell(row["capture"], words.percent(row["capture"]), why),
                words.cell(row["gini"], words.decimal(row["gini"]), why),
                words.cell(row["total"], words.decimal(row["total"]), why),
            ],
        )
        for row in direct.metrics.to_dict("records")
    ]
