"""The answer first: who the top is, what they are worth, and whether the model earns its place."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from training.backtest import MODEL
from training.evidence import Evidence
from training.report import words
from training.report.periods import judged

POPULARITY = "time-decayed credit"
"""The way of crediting influence that cannot tell it from popularity."""

Kind = Literal["better", "worse", "unclear", "unknown"]


@dataclass(frozen=True)
class Verdict:
    """Whether the model beats the best simple rule, in a line and in a paragraph."""

    kind: Kind
    title: str
    text: str


@dataclass(frozen=True)
class Tile:
    """A key figure."""

    label: str
    figure: str
    note: str


def headline(evidence: Evidence) -> dict[str, Any]:
    """Answer, verdict, key figures and how the label was made."""
    found = evidence.headline()
    settings = evidence.settings
    members = evidence.scores[evidence.scores["top_member"]]
    until = evidence.as_of + timedelta(days=settings.horizon_days)
    return {
        "answer": (
            f"{words.count(found['top_customers'])} of {words.count(found['customers'])} customers, the top "
            f"{words.share_name(settings.top_share)}, account for "
            f"{words.percent(found['top_value_share'])} of the network value expected over the next "
            f"{settings.horizon_days} days"
        ),
        "worth": (
            f"Together {words.money(members['network_value'].sum(), settings.currency)} of "
            f"{words.money(evidence.scores['network_value'].sum(), settings.currency)}, from "
            f"{words.day(evidence.as_of)} to {words.day(until)}. A customer’s network value is the revenue "
            "from other customers that is credited to them; what they spend themselves is not part of it."
        ),
        "verdict": verdict(evidence),
        "tiles": _tiles(evidence, found),
        "label": label_made(evidence),
    }


def verdict(evidence: Evidence) -> Verdict:
    """Better, worse or unclear, as the 95 % interval of the lead says."""
    backtest = evidence.backtest
    lead, low, high = backtest.lead
    rule = f"“{backtest.best_baseline}”"
    if not all(math.isfinite(number) for number in backtest.lead):
        return Verdict(
            "unknown",
            "It could not be tested whether Ripple beats a simple rule.",
            "The comparison is not available: in at least one backtest period nobody had any network value.",
        )
    looks = len(judged(evidence))
    top = words.share_name(evidence.settings.top_share)
    compared = (
        f"In {words.plural(looks, 'backtest period')}, the {top} of customers that Ripple put first held "
        f"{words.percent(backtest.capture(MODEL), 1)} of the network value held by the {top} who really came "
        f"first; the best simple rule, {rule}, reached "
        f"{words.percent(backtest.capture(backtest.best_baseline), 1)}."
    )
    if low > 0:
        return Verdict(
            "better",
            f"Ripple beats the best simple rule, {rule}.",
            f"{compared} The lead is {words.points(lead)} percentage points, with a 95 % interval of "
            f"{words.points(low)} to {words.points(high)}. {_drawn(low, high)}",
        )
    if high < 0:
        return Verdict(
            "worse",
            f"Ripple does not beat the best simple rule, {rule}: it does worse.",
            f"{compared} Ripple trails by {words.points(lead)} percentage points, with a 95 % interval of "
            f"{words.points(high)} to {words.points(low)} behind. {_drawn(low, high)} To choose the top "
            f"{top}, use the rule and not this model.",
        )
    side = "ahead" if lead > 0 else "behind"
    return Verdict(
        "unclear",
        f"It is not shown that Ripple beats the best simple rule, {rule}.",
        f"{compared} Ripple is {words.points(lead)} percentage points {side}, but the 95 % interval runs "
        f"from {words.signed_points(low)} to {words.signed_points(high)} and includes zero: the "
        f"difference may be chance. {_drawn(low, high)}",
    )


def _drawn(low: float, high: float) -> str:
    return (
        "In plain words: with another draw of customers from the same crowd, the difference would lie "
        f"between {words.signed_points(low)} and {words.signed_points(high)} points 95 times in 100."
    )


def _tiles(evidence: Evidence, found: dict[str, float]) -> list[Tile]:
    settings, backtest = evidence.settings, evidence.backtest
    top = words.share_name(settings.top_share)
    lead, low, high = backtest.lead
    value = evidence.scores["network_value"]
    per_head = value[evidence.scores["top_member"]].mean()
    known = math.isfinite(lead) and math.isfinite(low) and math.isfinite(high)
    return [
        Tile(f"customers in the top {top}", words.count(found["top_customers"]), "by expected network value"),
        Tile(
            "of all expected network value",
            words.percent(found["top_value_share"]),
            f"held by that top {top}",
        ),
        Tile(
            "expected per top customer",
            words.money(per_head, settings.currency),
            f"average; over all customers {words.money(value.mean(), settings.currency)}",
        ),
        Tile(
            "captured in the backtest",
            words.cell(found["capture"], words.percent(found["capture"], 1), "no value").text,
            f"of what the true top {top} held; best rule "
            + words.cell(
                found["best_baseline_capture"], words.percent(found["best_baseline_capture"], 1), "no value"
            ).text,
        ),
        Tile(
            "points of lead",
            words.signed_points(lead) if known else "not available",
            f"over the best rule; 95 % interval {words.signed_points(low)} to {words.signed_points(high)}"
            if known
            else "there was no value to compare by",
        ),
    ]


def label_made(evidence: Evidence) -> list[str]:
    """How network value was credited, and what that measures besides influence."""
    totals, currency = evidence.label_totals, evidence.settings.currency
    method = evidence.bundle.spec.label
    referral, influence, value = (
        totals[part] for part in ("referral_value", "influence_value", "network_value")
    )
    credited = (
        f"What the model learns from, its label, is “{method}”. In the latest closed period of "
        f"{evidence.settings.horizon_days} days it credited {words.money(value, currency)} of "
        f"{words.money(totals['revenue'], currency)} revenue to customers other than the buyers"
    )
    if influence <= 0:
        return [
            f"{credited}. All of it is referral credit: what customers spent whom a recorded referral had "
            "brought in. In this period no other influence was credited."
        ]
    parts = (
        f"{credited}: {words.money(referral, currency)} for customers whom a recorded referral had brought "
        f"in, and {words.money(influence, currency)} ({words.percent(influence / value)}) for influence on "
        "what others bought."
    )
    if POPULARITY not in method:
        return [parts]
    return [
        parts,
        "Time-decayed credit measures popularity along with influence: a customer with many contacts is "
        "credited for some purchases that would have happened anyway. Do not read network value as revenue "
        "that would be lost without the customer.",
    ]
