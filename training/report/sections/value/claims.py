"""Quoted claims about influential customers, and the same figures measured in this data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ripple.training.attribution.feature_adoptions import FeatureAdoptions
from ripple.training.insights.claims import Claim, Estimate, Name
from ripple.training.report.sections.trust.placebos import no_influence_notice, placebo_caveat
from ripple.training.report.text import words
from ripple.training.report.text.words import Cell
from ripple.training.result import TrainingResult

WIDTH = 150.0
"""The width of the small plot in points; its right end is a little beyond its largest number."""


@dataclass(frozen=True)
class Wording:
    """The text of a claim.

    Attributes:
        quoted: the claim as a sentence.
        quoted_figure: its figure.
        measured: how the figure is measured here.
        as_text: the function that writes a measured figure.
    """

    quoted: str
    quoted_figure: str
    measured: str
    as_text: Callable[[float], str]


def _plain(number: float) -> str:
    return "under 0.1" if 0 < number < 0.05 else f"{number:.1f}"


def _times(number: float) -> str:
    return f"{_plain(number)} times"


WORDINGS: dict[Name, Wording] = {
    "revenue": Wording(
        "The top 2 % of customers drive nearly 30 % of revenue",
        "30 %",
        "of what customers of before the period spent in it, the share of the 2 % of them who spent most",
        words.percent,
    ),
    "value": Wording(
        "Customers with high network value bring 3 to 5 times what they buy themselves",
        "3 to 5 times",
        "network value ÷ own spend, of the top {top} by network value as predicted when the period began",
        _times,
    ),
    "purchases": Wording(
        "For every purchase of their own, they influence 8 purchases of others",
        "8",
        "purchases of others credited to these customers ÷ their own purchases",
        _plain,
    ),
    "engaged": Wording(
        "The most engaged 10 % bring 2.4 times the referral and influenced revenue of the average customer",
        "2.4 times",
        "mean network value of the 10 % most engaged when the period began ÷ mean of all customers",
        _times,
    ),
    "followers": Wording(
        "Their patterns are adopted by 6 others within 18 months",
        "6",
        "expected number of other customers who first used a feature because of one of the 10 % most engaged",
        _plain,
    ),
    "advanced": Wording(
        "Customers who use more than 80 % of the advanced features influence 11 others",
        "11",
        "expected number of other customers who first used a feature because of one who had used more than "
        "80 % of the advanced features when the period began",
        _plain,
    ),
}


COMPARISONS = {
    "spent by the same share of customers with the highest predicted network value": "spent by the same "
    "share of customers with the highest predicted network value",
    "credited to them, from what others spent": "as much as that total is credited to them, from what others "
    "spent, newcomers included",
}
"""What is shown for keys of evidence.json that say it otherwise."""


@dataclass(frozen=True)
class ClaimPlot:
    """The quoted range, the measured interval and the measured figure, in points from the left."""

    quoted_left: float
    quoted_width: float
    left: float
    width: float
    figure: float
    description: str


@dataclass(frozen=True)
class Row:
    """One row of the table.

    Attributes:
        comparison: −1 where the measured figure is below the quoted range, 1 where it is above, 0 where its
            interval overlaps the range; None where it cannot be measured, or is no influence here.
        plot: None where the claim cannot be measured; `meaning` then says why.
    """

    quoted: str
    measured: str
    quoted_figure: Cell
    figure: Cell
    interval: str
    period: str
    comparison: int | None
    plot: ClaimPlot | None
    meaning: str


def claims_section(result: TrainingResult) -> dict[str, Any]:
    """A row per claim, how many agree with this data, and how much of it may be chance."""
    rows = [_row(claim, result) for claim in result.insights.claims]
    compared = sum(row.comparison is not None for row in rows)
    agreeing = sum(row.comparison == 0 for row in rows)
    not_influence = sum(row.comparison is None and row.plot is not None for row in rows)
    unmeasured = len(rows) - compared - not_influence
    notice, value = no_influence_notice(result), result.insights.customer_value
    return {
        "finding": (
            f"{agreeing} of {words.plural(compared, 'quoted figure')} that can be compared with this data "
            f"{'agrees' if agreeing == 1 else 'agree'} with it; {unmeasured} cannot be measured"
            + (
                f"; {not_influence} would be about influence, which is not shown here"
                if not_influence
                else ""
            )
        ),
        "caveat": (
            f"{notice.title} The values below are "
            f"{'referral value' if value.chance_share < 1 else 'noise'}; do not read them as influence."
            if notice
            else "Influence is what would not have happened anyway. " + placebo_caveat(result)
        ),
        "rows": rows,
        "width": WIDTH,
        "features": feature_adoptions_text(result.insights.feature_adoptions),
    }


def feature_adoptions_text(label: FeatureAdoptions | None) -> str:
    """How much of the first uses of features is credited to others."""
    if label is None:
        return "Who moves others to use a feature is not known: that needs a usage table."
    return (
        f"{words.percent(label.share, 1)} of {words.plural(label.first_uses, 'first use')} of features from "
        f"{words.day(label.start)} to {words.day(label.end)} would not have come without another customer; "
        f"up to {words.percent(label.placebo_share)} of that may be chance. A first use has no price: it is "
        "not part of network value."
    )


def _row(claim: Claim, result: TrainingResult) -> Row:
    wording = WORDINGS[claim.name]
    measured = wording.measured.format(top=words.exact_percent(result.settings.top_share))
    low, high = claim.quoted
    quoted = Cell(wording.quoted_figure, low, low=low, high=high)
    period = ""
    if claim.period:
        period = f"{words.plural(claim.period.days, 'day')} from {words.day(claim.period.start)}"
    if claim.estimate is None:
        meaning = f"Cannot be measured: {claim.why_not}."
        return Row(
            wording.quoted,
            measured,
            quoted,
            Cell("not measured", None, missing=True),
            "",
            period,
            None,
            None,
            meaning,
        )
    figure = wording.as_text(claim.estimate.figure)
    interval = f"{wording.as_text(claim.estimate.low)} to {wording.as_text(claim.estimate.high)}"
    not_influence = _not_influence(claim, result)
    comparison = None if not_influence else _comparison(claim, claim.estimate)
    return Row(
        wording.quoted,
        measured,
        quoted,
        Cell(figure, claim.estimate.figure, low=claim.estimate.low, high=claim.estimate.high),
        interval,
        f"{period}; {words.plural(claim.estimate.customers, 'customer')}",
        comparison,
        _plot(claim, claim.estimate, f"quoted {wording.quoted_figure}, measured {figure}, {interval}"),
        _meaning(claim, not_influence or _verdict(claim, _comparison(claim, claim.estimate)), wording),
    )


def _comparison(claim: Claim, measured: Estimate) -> int:
    low, high = claim.quoted
    return (measured.low > high) - (measured.high < low)


def _not_influence(claim: Claim, result: TrainingResult) -> str:
    """Why a figure that is quoted of influence is not one here; "" where it may be."""
    if claim.placebo_share is not None:
        return "All of it may be chance" if claim.placebo_share >= 1 else ""
    notice = no_influence_notice(result)
    if claim.name == "revenue" or notice is None:
        return ""
    value = "referral value" if result.insights.customer_value.chance_share < 1 else "noise"
    return f"This is {value}, not influence: {notice.title[0].lower()}{notice.title[1:].removesuffix('.')}"


def _verdict(claim: Claim, comparison: int) -> str:
    verdict = {
        0: "Agrees with the quoted figure within the interval",
        1: "More than the quoted figure",
        -1: "Less than the quoted figure",
    }[comparison]
    if claim.placebo_share is not None:
        verdict += f"; up to {words.percent(claim.placebo_share)} of it may be chance"
    return verdict


def _meaning(claim: Claim, verdict: str, wording: Wording) -> str:
    others = "; ".join(
        f"{wording.as_text(figure)} {COMPARISONS.get(group, group)}"
        for group, figure in claim.comparisons.items()
    )
    return f"{verdict}. For comparison: {others}." if others else f"{verdict}."


def _plot(claim: Claim, measured: Estimate, description: str) -> ClaimPlot:
    scale = WIDTH / (1.08 * max(measured.high, measured.figure, claim.quoted[1]))
    low, high = (scale * bound for bound in claim.quoted)
    return ClaimPlot(
        low,
        max(high - low, 2.0),
        scale * measured.low,
        scale * (measured.high - measured.low),
        scale * measured.figure,
        description,
    )
