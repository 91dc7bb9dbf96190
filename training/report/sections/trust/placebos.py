"""The share of credited influence that may be chance: placebo tests, and the label under other settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from ripple.settings import Credit
from ripple.training.attribution.controls.negative_controls import TWO_HOP, ControlFinding
from ripple.training.attribution.robustness import (
    LATE_TIES,
    MIN_FOLLOWERS,
    MIN_SHARE,
    SHUFFLED_TIMES,
    Robustness,
)
from ripple.training.report.plots import figures
from ripple.training.report.text import words
from ripple.training.report.text.words import Cell
from ripple.training.result import TrainingResult

PLACEBOS = {
    SHUFFLED_TIMES: "the dates of first purchases are shuffled among similar customers who bought the same "
    "product: the buyers stay the same, who was first does not",
    LATE_TIES: "only contacts that began after the purchase count, which cannot have caused it",
}
"""The description of each placebo, by name."""
ASSUMPTION = (
    "incremental, assuming nothing unmeasured drives both within a stratum (both a buyer and those in touch "
    "with them)"
)
NO_INFLUENCE = "no influence to compare with"
MIN_RATIO_AS_TIMES = 10
"""The ratio to the label from which it is written as "10 times" and no longer as a percentage."""
MOSTLY_REFERRALS = 0.9
"""The share of referral value from which all listed value is called referral value."""
STABLE_OVERLAP, MIN_OVERLAP = 0.8, 0.5
"""The shares of the top that stay under other settings from which the top is stable, or usable as a group."""
ValueMeaning = Literal["referral value", "mostly referral value", "partly referral value", "noise"]
TopStability = Literal["stable", "mostly stable", "unstable", "meaningless"]
CONCLUSIONS: dict[TopStability, str] = {
    "stable": "The top hardly depends on these settings.",
    "mostly stable": "Most of the top does not depend on these settings; single names may.",
    "unstable": "The top depends on settings that nobody can be sure of: use the list to choose a group, "
    "not a single customer.",
    "meaningless": "Neither order means anything, as there is no influence to order by.",
}
"""The conclusion from the stability of the top under other settings."""


@dataclass(frozen=True)
class Notice:
    """The notice that no influence was found: a title and paragraphs."""

    title: str
    paragraphs: list[str]


def comparison_group(credit: Credit) -> str:
    """The customers with whom an adopter is compared, in words."""
    if credit.by_stratum:
        return "the same stratum, a group of customers who are mostly in touch with each other"
    return "the only stratum, which contains all customers"


def placebo_caveat(result: TrainingResult) -> str:
    """The sentence that is shown with every amount of network value: how much of it may be chance.

    It gives the figure that the gate checks.
    """
    robustness = result.label.robustness
    if robustness is None:
        return "Influence was not tested: this run has no interactions table."
    if robustness.influence <= 0:
        return "No influence was credited." if robustness.is_measurable else robustness.absence
    if robustness.placebo_share >= 1:
        return "All of the influence may be chance."
    if robustness.placebo_share <= 0:
        return "The placebo tests found 0 influence, so there is no sign that it is chance."
    share = words.percent(result.label.chance_share)
    if not robustness.has_influence:
        return (
            f"The influence is no larger than noise; up to about {share} of the credited value may be chance."
        )
    return f"Up to about {share} of the credited value may be chance."


def no_influence_notice(result: TrainingResult) -> Notice | None:
    """The notice that comes before everything else where no influence was found; None where some was.

    Where hardly anybody bought what another had bought before, influence cannot be found, and the notice says
    so.
    """
    robustness = result.label.robustness
    if robustness is None or robustness.has_influence:
        return None
    if not robustness.is_measurable:
        return Notice(robustness.absence, [_why_not_measurable(robustness), _meaning_of_values(result)])
    return Notice(
        robustness.absence,
        [
            f"{_why_no_influence(result, robustness)} Do not act on the ranking as influence.",
            _meaning_of_values(result),
        ],
    )


def placebo_section(result: TrainingResult) -> dict[str, Any]:
    """The placebos and the label under other settings, as tables, a figure and text."""
    robustness, currency = result.label.robustness, result.settings.currency
    if robustness is None:
        return {
            "finding": "Not tested: this run has no interactions table",
            "paragraphs": [
                "Influence is estimated from recorded contacts between customers. Without an interactions "
                "table no influence is credited, and nothing on this page is influence."
            ],
            "tested": False,
            "plot": "",
        }
    controls = result.label.controls
    amounts = pd.concat([pd.Series({"the label": robustness.influence}), robustness.placebos["influence"]])
    return {
        "finding": _finding(robustness, currency),
        "paragraphs": _paragraphs(result, robustness),
        "tested": True,
        "controls": [_control(finding, result) for finding in controls.findings()] if controls else [],
        "controls_limit": words.percent(result.settings.controls.credited_share),
        "compared": robustness.influence > 0,
        "plot": figures.placebos(amounts, currency) if amounts.max() > 0 else "",
        "placebos": [
            (
                name,
                PLACEBOS.get(name, ""),
                _money(row["influence"], currency),
                _ratio_to_label(row["share"], robustness),
            )
            for name, row in _rows(robustness.placebos)
        ],
        "label": (_money(robustness.influence, currency), _ratio_to_label(1.0, robustness)),
        "top_stability": _top_stability(robustness),
        "sensitivity_finding": _sensitivity_finding(robustness, result.settings.top_share, currency),
        "sensitivity": [
            (
                name,
                _note(name, result.settings.credit),
                _money(row["influence"], currency),
                _ratio_to_label(row["ratio"], robustness),
                _ratio_to_label(row["top_overlap"], robustness),
            )
            for name, row in _rows(robustness.sensitivity)
        ],
    }


def _control(finding: ControlFinding, result: TrainingResult) -> tuple[str, str, Cell]:
    """A negative control: its name, what was found in a sentence, and the share that is credited."""
    limit = result.settings.controls.credited_share
    name = "contacts of contacts" if finding.name == TWO_HOP else finding.name
    verdict = " That is too much, beyond its error." if finding.exceeds(limit) else ""
    share = words.cell(finding.share, words.percent(finding.share, 1), "too few")
    return name, f"{finding.text}{verdict}", share


def _rows(table: pd.DataFrame) -> list[tuple[str, pd.Series]]:
    return [(str(name), row) for name, row in table.iterrows()]


def _period(robustness: Robustness) -> str:
    return f"the latest closed period, {words.day(robustness.start)} to {words.day(robustness.end)}"


def _why_no_influence(result: TrainingResult, robustness: Robustness) -> str:
    currency = result.settings.currency
    revenue, period = words.money(robustness.revenue, currency), _period(robustness)
    if robustness.influence <= 0:
        return f"0 of {revenue} revenue was credited to influence in {period}."
    amount = words.money(robustness.influence, currency)
    credited = (
        f"{words.percent(robustness.revenue_share)} of revenue ({amount} of {revenue}) was credited to "
        f"influence in {period}"
    )
    placebo = "a placebo, a test that should find no influence, finds"
    share = words.percent(robustness.placebo_share)
    if robustness.revenue_share >= MIN_SHARE:
        return f"{credited}, but {placebo} {share} of that amount."
    as_much = f"; {placebo} {share} of that amount" if robustness.placebo_share >= 1 else ""
    return f"{credited}. That is less than {words.exact_percent(MIN_SHARE)}, no more than noise{as_much}."


def _why_not_measurable(robustness: Robustness) -> str:
    count = robustness.followers or 0
    return (
        f"{words.count(count)} first purchases in {_period(robustness)} were of a product that another "
        f"customer had bought before. Influence shows in who buys the same after whom, and fewer than "
        f"{MIN_FOLLOWERS} such purchases show nothing, whether customers influence each other or not. Map "
        "products to names that several customers buy, such as a category. Do not act on the ranking as "
        "influence."
    )


def _meaning_of_values(result: TrainingResult) -> str:
    """The meaning of network value on the page, where it is not influence."""
    share = words.percent(referral_share(result))
    referrals = "the spend of customers who joined by a recorded referral"
    match value_meaning(result):
        case "noise":
            return "No referral was credited in that period either, so the values on this page are noise."
        case "referral value":
            return f"The values on this page are referral value: {referrals}."
        case "mostly referral value":
            opening = "The values on this page are mostly referral value. "
        case _:
            opening = ""
    return (
        f"{opening}{share} of all value credited in that period is referral value, {referrals}. The rest is "
        "no more than noise."
    )


def value_meaning(result: TrainingResult) -> ValueMeaning:
    """The meaning of the network value of the latest closed period, where no influence was found."""
    share = referral_share(result)
    if share <= 0:
        return "noise"
    if result.label.totals["influence_value"] <= 0:
        return "referral value"
    return "mostly referral value" if share >= MOSTLY_REFERRALS else "partly referral value"


def referral_share(result: TrainingResult) -> float:
    """The share of referral value in the network value of the latest closed period."""
    totals = result.label.totals
    return totals["referral_value"] / totals["network_value"] if totals["network_value"] > 0 else 0.0


def _finding(robustness: Robustness, currency: str) -> str:
    if not robustness.is_measurable:
        return (
            f"{words.count(robustness.followers or 0)} first purchases were of a product that another "
            "customer had bought before: influence cannot be measured"
        )
    if robustness.influence <= 0:
        return f"0 of {words.money(robustness.revenue, currency)} revenue was credited to influence"
    shuffled, late = (float(robustness.placebos["share"][name]) for name in (SHUFFLED_TIMES, LATE_TIES))
    of_100 = f"up to about {_of_100(shuffled)}" if 0.005 <= shuffled < 1 else _of_100(shuffled)
    return (
        f"Of every 100{words.NO_BREAK_SPACE}{currency} credited to influence, {of_100} would also be "
        f"credited if adoption times were shuffled among similar customers, and {_of_100(late)} for contacts "
        "that began only after the purchase"
    )


def _paragraphs(result: TrainingResult, robustness: Robustness) -> list[str]:
    currency = result.settings.currency
    tests = (
        f"{words.money(robustness.influence, currency)} of {words.money(robustness.revenue, currency)} "
        f"revenue ({words.percent(robustness.revenue_share)}) was credited to influence in "
        f"{_period(robustness)}{_newcomers(result, robustness)}. Two placebos were run on that period. A "
        "placebo is a test that should find no influence. What it credits all the same may be chance: "
        "similar customers buy similar things at the same time, without influencing each other. An adoption "
        "is a customer’s first purchase of a product."
    )
    if robustness.influence <= 0:
        largest = float(robustness.placebos["influence"].max())
        return [tests, f"The placebos credited {words.money(largest, currency)} at most."]
    return [
        tests,
        "Shuffled times give an upper bound, not the share that is wrong: after shuffling, influenced "
        "customers are still in contact with those who influenced them, and are credited to them again. "
        f"{placebo_caveat(result)}",
        _remaining_influence(result, robustness),
    ]


def _newcomers(result: TrainingResult, robustness: Robustness) -> str:
    """The test covers all customers, the label of a period only those who had joined when it began."""
    currency, credited = result.settings.currency, result.label.totals["influence_value"]
    if words.money(credited, currency) == words.money(robustness.influence, currency):
        return ""
    return ", customers who joined during it included"


def _remaining_influence(result: TrainingResult, robustness: Robustness) -> str:
    """The meaning of the influence beyond the placebos."""
    if robustness.placebo_share >= 1:
        return "In this run the placebos credit all of it, so none of it may be called influence."
    if not robustness.has_influence:
        return (
            f"In this run less than {words.exact_percent(MIN_SHARE)} of revenue is credited, too little to "
            "be called influence."
        )
    return (
        f"The rest is {ASSUMPTION}. A buyer is compared with customers of "
        f"{comparison_group(result.settings.credit)}. No placebo can test that assumption."
    )


def _sensitivity_finding(robustness: Robustness, top_share: float, currency: str) -> str:
    variants = robustness.sensitivity
    if robustness.influence <= 0:
        largest = float(variants["influence"].max())
        if largest <= 0:
            return "0 was credited under every other setting too, so this does not depend on one setting."
        return (
            f"Up to {words.money(largest, currency)} was credited under other settings. The label itself "
            "credits 0, so do not read that as influence."
        )
    low, high = (words.money(float(bound), currency) for bound in variants["influence"].agg(["min", "max"]))
    worst, overlap = str(variants["top_overlap"].idxmin()), float(variants["top_overlap"].min())
    top = words.exact_percent(top_share)
    numbers = (
        f"The label credits {words.money(robustness.influence, currency)}; under the settings below it would "
        f"credit {low} to {high}. At least {words.percent(overlap)} of the top {top} by influence are the "
        f"same customers; the fewest with “{worst}”. "
    )
    return numbers + CONCLUSIONS[_top_stability(robustness)]


def _top_stability(robustness: Robustness) -> TopStability:
    if not robustness.has_influence:
        return "meaningless"
    overlap = float(robustness.sensitivity["top_overlap"].min())
    if overlap >= STABLE_OVERLAP:
        return "stable"
    return "mostly stable" if overlap >= MIN_OVERLAP else "unstable"


def _of_100(share: float) -> str:
    return "fewer than 1" if 0 < share < 0.005 else words.count(100 * share)


def _money(amount: float, currency: str) -> Cell:
    return Cell(words.money(float(amount), currency), float(amount))


def _ratio_to_label(ratio: float, robustness: Robustness) -> Cell:
    """A ratio to the amount of the label; missing where the label credits nothing."""
    if robustness.influence <= 0:
        return Cell(f"not available: {NO_INFLUENCE}", None, missing=True)
    return words.cell(float(ratio), _share(float(ratio)), NO_INFLUENCE)


def _share(share: float) -> str:
    return words.percent(share) if share < MIN_RATIO_AS_TIMES else f"{words.count(share)} times"


def _note(variant: str, credit: Credit) -> str:
    if variant.startswith("window of "):
        days = f"{credit.window_days:g} days"
        return f"the time after a purchase in which it can explain others; the label uses {days}"
    return {
        "baseline by stratum alone": "what would have happened anyway is estimated from similar customers, "
        "for all products together",
        "baseline by product alone": "what would have happened anyway is estimated from all customers, "
        "similar or not",
        "all counted as expansion": "purchases that would have come later anyway are not subtracted",
    }.get(variant, "")
