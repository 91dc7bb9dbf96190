"""The answer first: who the top is, what they are worth, and whether the model earns its place."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from ripple.training.evaluation.cutoff_evaluation import MODEL
from ripple.training.report.sections.trust.placebos import (
    ASSUMPTION,
    MOSTLY,
    absence,
    alike,
    doubt,
    referral_share,
)
from ripple.training.report.text import words
from ripple.training.report.text.evaluated_cutoffs import judged
from ripple.training.result import TrainingResult

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


def headline(result: TrainingResult) -> dict[str, Any]:
    """Whether there is no influence, answer, verdict, key figures and how the label was made."""
    found = result.headline()
    absent = absence(result)
    return {
        "absence": absent,
        "answer": _few(result, found) if absent is None else _what_is_listed(result),
        "worth": _worth(result, found, absent is not None),
        "verdict": verdict(result),
        "tiles": _tiles(result, found),
        "label": label_made(result),
    }


def _few(result: TrainingResult, found: dict[str, float]) -> str:
    settings = result.settings
    return (
        f"{words.count(found['top_customers'])} of {words.count(found['customers'])} customers, the top "
        f"{words.share_name(settings.top_share)}, account for "
        f"{words.percent(found['top_value_share'])} of the network value expected over the next "
        f"{settings.horizon_days} days"
    )


def _what_is_listed(result: TrainingResult) -> str:
    """The answer where no influence was found, which is not one about influence."""
    share = referral_share(result)
    if share >= MOSTLY:
        return (
            "What is listed instead is referral value, the expected spend of customers whom others bring in"
        )
    if share > 0:
        return f"Only {words.percent(share)} of what is listed is referral value; the rest may mean nothing"
    return "What is listed is not known to be worth anything"


def _worth(result: TrainingResult, found: dict[str, float], absent: bool) -> str:
    settings = result.settings
    members = result.scores[result.scores["top_member"]]
    until = result.as_of + timedelta(days=settings.horizon_days)
    together = (
        f"{words.money(members['network_value'].sum(), settings.currency)} of "
        f"{words.money(result.scores['network_value'].sum(), settings.currency)}, from "
        f"{words.day(result.as_of)} to {words.day(until)}."
    )
    meaning = (
        "A customer’s network value is the revenue from other customers that is credited to them; what they "
        "spend themselves is not part of it."
    )
    if absent:
        return (
            f"The {words.count(found['top_customers'])} of {words.count(found['customers'])} customers at "
            f"the head of the list are expected to hold {together} {meaning}"
        )
    return f"Together {together} {meaning} {doubt(result)}"


def verdict(result: TrainingResult) -> Verdict:
    """Better, worse or unclear, as the 95 % interval of the lead says."""
    backtest = result.backtest
    lead, low, high = backtest.lead
    rule = f"“{backtest.best_baseline}”"
    if not all(math.isfinite(number) for number in backtest.lead):
        return Verdict(
            "unknown",
            "It could not be tested whether Ripple beats a simple rule.",
            "The comparison is not available: in at least one backtest period nobody had any network value.",
        )
    looks = len(judged(result))
    top = words.share_name(result.settings.top_share)
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


def _tiles(result: TrainingResult, found: dict[str, float]) -> list[Tile]:
    settings, backtest = result.settings, result.backtest
    top = words.share_name(settings.top_share)
    lead, low, high = backtest.lead
    value = result.scores["network_value"]
    per_head = value[result.scores["top_member"]].mean()
    known = math.isfinite(lead) and math.isfinite(low) and math.isfinite(high)
    return [
        Tile(
            f"customers in the top {top}",
            words.count(found["top_customers"]),
            "by expected network value",
        ),
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
                found["best_baseline_capture"],
                words.percent(found["best_baseline_capture"], 1),
                "no value",
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


def label_made(result: TrainingResult) -> list[str]:
    """How network value was credited, what was subtracted from it, and how much of it is in doubt."""
    totals, currency = result.label_totals, result.settings.currency
    referral, influence, value = (
        totals[part] for part in ("referral_value", "influence_value", "network_value")
    )
    credited = (
        f"What the model learns from, its label, is “{result.bundle.spec.label}”. In the latest closed "
        f"period of {result.settings.horizon_days} days it credited {words.money(value, currency)} of "
        f"{words.money(totals['revenue'], currency)} revenue to customers other than the buyers"
    )
    if influence <= 0:
        what = (
            "All of it is referral credit: what customers spent whom a recorded referral had brought in. In "
            "this period no other influence was credited."
            if value > 0
            else "Neither a referral nor other influence was credited in this period."
        )
        return [f"{credited}. {what}", *_subtracted(result)]
    return [
        f"{credited}: {words.money(referral, currency)} for customers whom a recorded referral had brought "
        f"in, and {words.money(influence, currency)} ({words.percent(influence / value)}) for influence on "
        f"what others bought. {doubt(result)}",
        *_subtracted(result),
    ]


def _subtracted(result: TrainingResult) -> list[str]:
    """How influence is credited; nothing where it cannot be."""
    if result.robustness is None:
        return ["Influence was not looked for: this run has no interactions table."]
    credit = result.settings.credit
    later = (
        " So is what would have come anyway, only later in the same period."
        if credit.expansion
        else " A purchase that would have come anyway, only later, counts in full."
    )
    tested = result.robustness
    if tested.influence <= 0:
        left = "In this run nothing is left."
    elif tested.has_influence:
        left = f"It is {ASSUMPTION}."
    else:
        left = "In this run it cannot be told from noise."
    return [
        "Influence is what is left after subtraction. Whoever buys a product for the first time is compared "
        f"with other customers of {alike(credit)}, who were at risk on the same day: they too could have "
        "bought it then. What such customers buy without being in touch with an earlier buyer would have "
        f"happened anyway, and is subtracted.{later} The rest is shared among the earlier buyers who had "
        f"been in touch, and with those who had moved them in turn. {left}"
    ]
