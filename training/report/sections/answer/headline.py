"""The answer: who is in the top, their expected value, and whether the model beats simple rules."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from ripple.training.evaluation.cutoff_evaluation import MODEL
from ripple.training.report.sections.trust.placebos import (
    ASSUMPTION,
    Notice,
    comparison_group,
    no_influence_notice,
    placebo_caveat,
    referral_share,
    value_meaning,
)
from ripple.training.report.text import words
from ripple.training.report.text.evaluated_cutoffs import evaluated_cutoffs
from ripple.training.result import TrainingResult

MIN_TOP, MAX_TOP_SHARE = 10, 0.5
"""The number of customers from which a top is judged, and the share of customers that it stays below."""
Kind = Literal["better", "worse", "unclear", "unknown"]


@dataclass(frozen=True)
class Verdict:
    """Whether the model beats the best simple rule: a kind, a title and a paragraph."""

    kind: Kind
    title: str
    text: str


@dataclass(frozen=True)
class Tile:
    """A key figure with its label and a note."""

    label: str
    figure: str
    note: str


def headline_section(result: TrainingResult) -> dict[str, Any]:
    """The answer, the verdict on the model and the label; a notice where no influence is."""
    metrics = result.headline()
    notice = no_influence_notice(result)
    return {
        "few": few_customers(result),
        "notice": notice,
        "answer": _answer(result, metrics) if notice is None else _answer_without_influence(result),
        "total": _total(result, metrics, notice is not None),
        "verdict": verdict(result),
        "label_finding": _label_finding(result),
        "label": label_description(result),
    }


def few_customers(result: TrainingResult) -> Notice | None:
    """The notice that the top is too few customers to judge; None where it is not."""
    scores, share = result.population.scores, result.settings.top_share
    members, customers = int(scores["top_member"].sum()), len(scores)
    if members >= MIN_TOP:
        return None
    enough = math.ceil(1000 * MIN_TOP / customers) / 1000
    advice = (
        f"Set top_share = {enough:g} for a top of {MIN_TOP} customers, or bring more customers."
        if enough < MAX_TOP_SHARE
        else "Bring more customers."
    )
    return Notice(
        f"{words.plural(members, 'customer')} in the top {words.exact_percent(share)} "
        f"{'is' if members == 1 else 'are'} too few to judge a ranking by.",
        [
            f"One name more or less changes the share of right "
            f"names by {words.percent(1 / members)}, and one large order decides who is there. {advice} "
            f"Until then, read the list as a group to look at, not as a ranking."
        ],
    )


def _answer(result: TrainingResult, metrics: dict[str, float]) -> str:
    settings = result.settings
    return (
        f"{words.count(metrics['top_customers'])} of {words.count(metrics['customers'])} customers, the top "
        f"{words.exact_percent(settings.top_share)}, account for "
        f"{words.percent(metrics['top_value_share'])} of the network value expected over the next "
        f"{settings.horizon_days} days"
    )


def _answer_without_influence(result: TrainingResult) -> str:
    """The meaning of the listed values, where they are not influence."""
    match value_meaning(result):
        case "noise":
            return "The values on this page may be noise"
        case "partly referral value":
            share = words.percent(referral_share(result))
            return f"{share} of the value on this page is referral value; the rest may be noise"
        case _:
            return "The values on this page are referral value: the expected spend of referred customers"


def _total(result: TrainingResult, metrics: dict[str, float], without_influence: bool) -> str:
    settings = result.settings
    members = result.population.scores[result.population.scores["top_member"]]
    until = result.population.as_of + timedelta(days=settings.horizon_days)
    together = (
        f"{words.money(members['network_value'].sum(), settings.currency)} of "
        f"{words.money(result.population.scores['network_value'].sum(), settings.currency)}, from "
        f"{words.day(result.population.as_of)} to {words.day(until)}. {_total_interval(result)}"
    )
    meaning = (
        "The network value of a customer is revenue from other customers that is credited to them; their own "
        "spend is not part of it."
    )
    if without_influence:
        return (
            f"The first {words.count(metrics['top_customers'])} of {words.count(metrics['customers'])} "
            f"customers are expected to hold {together} {meaning}"
        )
    return f"They are expected to hold {together} {meaning} {placebo_caveat(result)}"


def _total_interval(result: TrainingResult) -> str:
    total, settings = result.population.total, result.settings
    return (
        f"The {words.exact_percent(settings.model.interval)} interval of the total is "
        f"{words.money_between(total.low, total.high, settings.currency)}, from how far totals were off at "
        f"{words.plural(len(total.closed), 'earlier cutoff')}."
    )


def verdict(result: TrainingResult) -> Verdict:
    """Better, worse or unclear, as the 95 % interval of the lead says."""
    backtest = result.evaluation.backtest
    lead, low, high = backtest.lead
    rule = f"“{backtest.best_baseline}”"
    if not all(math.isfinite(number) for number in backtest.lead):
        return Verdict(
            "unknown",
            "Not tested: whether Ripple beats a simple rule.",
            "In at least 1 backtest period nobody had any network value, so there is nothing to compare.",
        )
    periods = words.plural(len(evaluated_cutoffs(result)), "backtest period")
    top = words.exact_percent(result.settings.top_share)
    compared = (
        f"Ripple captured {words.percent(backtest.capture(MODEL), 1)} in {periods}: its top {top} held that "
        f"share of the network value of the true top {top}. The best simple rule, {rule}, captured "
        f"{words.percent(backtest.capture(backtest.best_baseline), 1)}."
    )
    if low > 0:
        return Verdict(
            "better",
            f"Ripple beats the best simple rule, {rule}.",
            f"{compared} The lead is {words.points(lead)} percentage points, with a "
            f"95{words.NO_BREAK_SPACE}% interval of {words.points(low)} to {words.points(high)}. "
            f"{_interval_in_words(low, high)}",
        )
    if high < 0:
        return Verdict(
            "worse",
            f"Ripple is worse than the best simple rule, {rule}.",
            f"{compared} Ripple trails by {words.points(lead)} percentage points, with a "
            f"95{words.NO_BREAK_SPACE}% interval of {words.points(high)} to {words.points(low)} behind. "
            f"{_interval_in_words(low, high)} Use the rule to choose the top {top}, not this model.",
        )
    side = "ahead" if lead > 0 else "behind"
    return Verdict(
        "unclear",
        f"No clear difference between Ripple and the best simple rule, {rule}.",
        f"{compared} Ripple is {words.points(lead)} percentage points {side}, but the "
        f"95{words.NO_BREAK_SPACE}% interval runs from {words.signed_points(low)} to "
        f"{words.signed_points(high)} and includes 0: the difference may be chance. "
        f"{_interval_in_words(low, high)}",
    )


def _interval_in_words(low: float, high: float) -> str:
    return (
        f"Of 100 such intervals, each from other customers, about 95 would contain the true difference: here "
        f"{words.signed_points(low)} to {words.signed_points(high)} points."
    )


def _label_finding(result: TrainingResult) -> str:
    totals = result.label.totals
    share = totals["network_value"] / totals["revenue"] if totals["revenue"] > 0 else 0.0
    return f"{words.percent(share)} of revenue in the latest closed period was credited to other customers"


def label_description(result: TrainingResult) -> list[str]:
    """The amount of network value credited, and the method of estimating influence, in two paragraphs."""
    totals, currency = result.label.totals, result.settings.currency
    referral, influence, value = (
        totals[part] for part in ("referral_value", "influence_value", "network_value")
    )
    credited = (
        f"{words.money(value, currency)} of {words.money(totals['revenue'], currency)} revenue in the latest "
        f"closed period of {result.settings.horizon_days} days was credited to customers other than the "
        f"buyers. The label that the model is trained on is “{result.population.bundle.spec.label}”"
    )
    if influence <= 0:
        parts = (
            "All of it is referral value: the spend of customers who joined by a recorded referral. No "
            "influence was credited."
            if value > 0
            else "No referral and no influence was credited."
        )
        return [f"{credited}. {parts}", *_method(result)]
    return [
        f"{credited}. {words.money(referral, currency)} is for customers who joined by a recorded referral, "
        f"{words.money(influence, currency)} ({words.percent(influence / value)}) for influence on purchases "
        f"of others. {placebo_caveat(result)}",
        *_method(result),
    ]


def _method(result: TrainingResult) -> list[str]:
    """The method of estimating influence."""
    if result.label.robustness is None:
        return ["Influence was not estimated: this run has no interactions table."]
    credit = result.settings.credit
    later = (
        " Purchases that would have come later in the same period are subtracted too."
        if credit.expansion
        else " Purchases that would have come later in the same period count in full."
    )
    if result.label.robustness.influence <= 0:
        conclusion = "In this run it is 0."
    elif result.label.robustness.has_influence:
        conclusion = f"It is {ASSUMPTION}."
    else:
        conclusion = "In this run it is no larger than noise."
    return [
        "Influence is estimated by comparison. A customer who buys a product for the first time is compared "
        f"with other customers of {comparison_group(credit)}, who could have bought it on the same day. "
        "Purchases at the rate of those without contact to an earlier buyer would have happened anyway, and "
        f"are subtracted.{later} The rest is credited to the earlier buyers who were in contact, and to "
        f"those who influenced them. {conclusion}"
    ]
