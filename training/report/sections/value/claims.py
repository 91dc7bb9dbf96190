"""Claims, measured: what is quoted about influential customers, beside what this data shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ripple.training.insights.claims import Claim, Name
from ripple.training.report.sections.trust.placebos import absence, doubt
from ripple.training.report.text import words
from ripple.training.result import TrainingResult

WIDTH = 150.0
"""Of the small picture, in points; its right end is a little beyond the largest number in it."""


@dataclass(frozen=True)
class Wording:
    """A claim as quoted, in words and in short, how it is measured here, how its numbers are written."""

    quoted: str
    claimed: str
    measured: str
    written: Callable[[float], str]


def _plain(number: float) -> str:
    return "under 0.1" if 0 < number < 0.05 else f"{number:.1f}"


def _times(number: float) -> str:
    return f"{_plain(number)} times"


WORDINGS: dict[Name, Wording] = {
    "revenue": Wording(
        "The top 2 % of customers drive nearly 30 % of revenue",
        "30 %",
        "of all revenue in the period, the share spent by the 2 % of customers who spent most in it",
        words.percent,
    ),
    "value": Wording(
        "Customers of high network value bring 3 to 5 times what they buy themselves",
        "3 to 5 times",
        "network value ÷ own spend, of the top {top} by network value as foreseen when the period began",
        _times,
    ),
    "purchases": Wording(
        "For every purchase of their own, they influence 8 purchases of others",
        "8",
        "purchases of others credited to them ÷ purchases of their own, of the same customers",
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
        "expected number of other customers who bought something because of one of the 10 % most engaged; "
        "what others buy is traced, not how they use it",
        _plain,
    ),
    "advanced": Wording(
        "Customers who use more than 80 % of the advanced features influence 11 others",
        "11",
        "expected number of other customers who bought something because of one who had used more than 80 % "
        "of the advanced features when the period began",
        _plain,
    ),
}


@dataclass(frozen=True)
class Picture:
    """What is quoted, the interval found and the figure found, in points from the left."""

    quoted_left: float
    quoted_width: float
    left: float
    width: float
    figure: float
    spoken: str


@dataclass(frozen=True)
class Row:
    """One claim as the table shows it; `picture` is None and `found` says why where it cannot be measured."""

    quoted: str
    measured: str
    claimed: str
    found: str
    interval: str
    period: str
    picture: Picture | None
    meaning: str


def claims(result: TrainingResult) -> dict[str, Any]:
    """The finding, the doubt that goes with it, and a row per claim."""
    rows = [_row(claim, result) for claim in result.claims]
    measured = [claim for claim in result.claims if claim.found]
    agreeing = sum(_compared(claim) == 0 for claim in measured)
    absent = absence(result)
    return {
        "finding": (
            f"Of {len(rows)} figures that are often quoted, {len(measured)} can be measured in this data, "
            f"and {agreeing} of these {'is' if agreeing == 1 else 'are'} in line with it"
        ),
        "doubt": (
            f"{absent.title} What is credited to customers below is "
            f"{'referral value' if result.customer_value.credible else 'noise'}; do not read it as influence."
            if absent
            else "Influence is what Ripple credits beyond what would have happened anyway. " + doubt(result)
        ),
        "rows": rows,
        "width": WIDTH,
    }


def _row(claim: Claim, result: TrainingResult) -> Row:
    wording = WORDINGS[claim.name]
    written, claimed = wording.written, wording.claimed
    measured = wording.measured.format(top=words.share_name(result.settings.top_share))
    when = ""
    if claim.period:
        when = f"{words.plural(claim.period.days, 'day')} from {words.day(claim.period.start)}"
    if claim.found is None:
        why = f"Cannot be measured here, because {claim.why_not}."
        return Row(wording.quoted, measured, claimed, "not measured", "", when, None, why)
    found = claim.found
    interval = f"{written(found.low)} to {written(found.high)}"
    return Row(
        wording.quoted,
        measured,
        claimed,
        written(found.figure),
        interval,
        f"{when}; {words.plural(found.customers, 'customer')}",
        _picture(claim, f"quoted {claimed}, found {written(found.figure)}, {interval}"),
        _meaning(claim, written, result),
    )


def _compared(claim: Claim) -> int:
    """−1 where less is found than is quoted, 1 where more, 0 where the interval allows what is quoted."""
    assert claim.found is not None
    low, high = claim.quoted
    return (claim.found.low > high) - (claim.found.high < low)


def _meaning(claim: Claim, written: Callable[[float], str], result: TrainingResult) -> str:
    assert claim.found is not None
    verdict = {
        0: "In line with what is quoted, as far as the interval tells",
        1: f"More than is quoted: here, reckon with {written(claim.found.figure)}",
        -1: f"Less than is quoted: here, reckon with {written(claim.found.figure)}",
    }[_compared(claim)]
    if claim.name != "revenue" and absence(result):
        verdict = "Not about influence, of which there was no sign"
        if result.customer_value.credible:
            verdict += ": this is referral value"
    beside = "; ".join(f"{written(figure)} {what}" for what, figure in claim.beside.items())
    return f"{verdict}. For comparison: {beside}." if beside else f"{verdict}."


def _picture(claim: Claim, spoken: str) -> Picture:
    assert claim.found is not None
    scale = WIDTH / (1.08 * max(claim.found.high, claim.found.figure, claim.quoted[1]))
    low, high = (scale * edge for edge in claim.quoted)
    return Picture(
        low,
        max(high - low, 2.0),
        scale * claim.found.low,
        scale * (claim.found.high - claim.found.low),
        scale * claim.found.figure,
        spoken,
    )
