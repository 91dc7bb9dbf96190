"""Whether what is credited as influence may be coincidence: what placebos and other settings find."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from ripple.settings import Credit
from ripple.training.attribution.robustness import LATE_TIES, MIN_SHARE, SHUFFLED_TIMES, Robustness
from ripple.training.report.plots import figures
from ripple.training.report.text import words
from ripple.training.report.text.words import Cell
from ripple.training.result import TrainingResult

PLACEBOS = {
    SHUFFLED_TIMES: "the dates of first purchases dealt out anew among alike customers who bought the same "
    "product; who bought stays, who came first does not",
    LATE_TIES: "only those count who were first in touch after the purchase, and so cannot have caused it",
}
"""Name → what it does."""
ASSUMPTION = (
    "incremental, assuming nothing unmeasured drives both within a stratum (both a buyer and those in touch "
    "with them)"
)
UNKNOWN = "no influence to compare with"
MANY = 10
"""Times the label's, from which on a percentage is hard to read."""
MOSTLY = 0.9
"""Share of referral credit from which on the listed value may be called referral value."""
STEADY, SHAKY = 0.8, 0.5
"""Share of the top that has to stay for it to be called steady; below the other, it is called shaky."""


@dataclass(frozen=True)
class Absence:
    """The news that there is no influence, in a line and in paragraphs."""

    title: str
    paragraphs: list[str]


def alike(credit: Credit) -> str:
    """Whom an adopter is compared with."""
    if credit.by_stratum:
        return "the same stratum, a group of customers who are mostly in touch with each other"
    return "the one stratum that holds all customers"


def doubt(result: TrainingResult) -> str:
    """A sentence to stand beside any amount of influence."""
    found = result.robustness
    if found is None:
        return "Influence was not tested: this run has no interactions table."
    if found.influence <= 0:
        return "No influence was credited that could be coincidence."
    if found.placebo_share >= 1:
        return "All of the influence may be coincidence."
    if found.placebo_share <= 0:
        return "Tests for coincidence found nothing in the influence."
    share = words.percent(found.placebo_share)
    if not found.has_influence:
        return f"The influence is too little to tell from noise; up to about {share} may be coincidence."
    return f"Up to about {share} of the influence may be coincidence."


def absence(result: TrainingResult) -> Absence | None:
    """What to say before anything else where no influence was found."""
    found = result.robustness
    if found is None or found.has_influence:
        return None
    return Absence(
        "No influence was found.",
        [
            f"{_too_little(result, found)} Do not act on the ranking as influence.",
            _listed(result),
        ],
    )


def coincidence(result: TrainingResult) -> dict[str, Any]:
    """The section: a finding, what it means, the placebos and the other settings."""
    found, currency = result.robustness, result.settings.currency
    if found is None:
        return {
            "finding": "Not tested: this run has no interactions table",
            "paragraphs": [
                "Influence is credited only where customers are recorded to have been in touch. Without an "
                "interactions table no influence is credited, so there is nothing that could be "
                "coincidence, and nothing on this page is influence."
            ],
            "tested": False,
            "plot": "",
        }
    amounts = pd.concat([pd.Series({"the label": found.influence}), found.placebos["influence"]])
    return {
        "finding": _finding(found, currency),
        "paragraphs": _paragraphs(result, found),
        "tested": True,
        "compared": found.influence > 0,
        "plot": figures.placebos(amounts, currency) if amounts.max() > 0 else "",
        "placebos": [
            (
                name,
                PLACEBOS.get(name, ""),
                _money(row["influence"], currency),
                _of_label(row["share"], found),
            )
            for name, row in _rows(found.placebos)
        ],
        "label": (_money(found.influence, currency), _of_label(1.0, found)),
        "sensitivity_finding": _sensitivity_finding(found, result.settings.top_share, currency),
        "sensitivity": [
            (
                name,
                _note(name, result.settings.credit),
                _money(row["influence"], currency),
                _of_label(row["ratio"], found),
                _of_label(row["top_overlap"], found),
            )
            for name, row in _rows(found.sensitivity)
        ],
    }


def _rows(table: pd.DataFrame) -> list[tuple[str, pd.Series]]:
    return [(str(name), row) for name, row in table.iterrows()]


def _period(found: Robustness) -> str:
    return f"the latest closed period, {words.day(found.start)} to {words.day(found.end)}"


def _too_little(result: TrainingResult, found: Robustness) -> str:
    currency = result.settings.currency
    revenue, when = words.money(found.revenue, currency), f"In {_period(found)},"
    if found.influence <= 0:
        return f"{when} nothing of {revenue} revenue was credited to influence."
    amount = words.money(found.influence, currency)
    credited = f"{words.percent(found.revenue_share)} of revenue ({amount} of {revenue})"
    as_much = found.placebo_share >= 1
    if found.revenue_share < MIN_SHARE:
        beside = ", and no more than a placebo, a test that should find nothing, finds too" if as_much else ""
        return (
            f"{when} only {credited} was credited to influence. That is less than "
            f"{words.share_name(MIN_SHARE)}, too little to tell from noise{beside}."
        )
    return (
        f"{when} {credited} was credited to influence, but a placebo, a test that should find nothing, finds "
        f"no less: {words.percent(found.placebo_share)} of it."
    )


def _listed(result: TrainingResult) -> str:
    """What the network value on the page is, where it is not influence."""
    share = referral_share(result)
    if share <= 0:
        return "No referral was credited in that period either, so the values listed on this page are noise."
    listed = "The value that this page lists is referral credit: what customers spend whom others brought in."
    if result.label_totals["influence_value"] <= 0:
        return listed
    part = f"Of all that was credited in that period, {words.percent(share)} was for recorded referrals"
    if share >= MOSTLY:
        return f"{listed} {part}; the rest cannot be told from noise."
    return f"{part}: what customers spent whom others brought in. The rest cannot be told from noise."


def referral_share(result: TrainingResult) -> float:
    """Of the network value credited in the latest closed period, the part for referrals."""
    totals = result.label_totals
    return totals["referral_value"] / totals["network_value"] if totals["network_value"] > 0 else 0.0


def _finding(found: Robustness, currency: str) -> str:
    if found.influence <= 0:
        return (
            f"No influence was credited, 0 of {words.money(found.revenue, currency)} revenue, so there is "
            "nothing that could be coincidence"
        )
    shuffled, late = (float(found.placebos["share"][name]) for name in (SHUFFLED_TIMES, LATE_TIES))
    of_100 = f"up to about {_of_100(shuffled)}" if 0.005 <= shuffled < 1 else _of_100(shuffled)
    return (
        f"Of every 100{words.SPACE}{currency} credited as influence, {of_100} would also be credited "
        "if adoption times were shuffled among alike customers, and "
        f"{_of_100(late)} would be credited on ties seen only after the purchase"
    )


def _paragraphs(result: TrainingResult, found: Robustness) -> list[str]:
    currency = result.settings.currency
    tested = (
        "An adoption is a customer’s first purchase of a product. A placebo is a test that should find "
        "nothing; what it finds all the same may be coincidence: alike customers buy alike, at the same "
        f"time, without anybody’s influence. Two placebos were run on {_period(found)}, in which "
        f"{words.money(found.influence, currency)} of {words.money(found.revenue, currency)} revenue "
        f"({words.percent(found.revenue_share)}) was credited as influence{_newcomers(result, found)}."
    )
    if found.influence <= 0:
        most = float(found.placebos["influence"].max())
        return [tested, f"The placebos credited {words.money(most, currency)} at most."]
    return [
        tested,
        "Shuffled times overstate coincidence, because influenced customers still stand beside their sources "
        "after the shuffle, and are credited to them again. Read that number as a ceiling for this kind of "
        "coincidence, not as the share that is wrong.",
        _rest(result, found),
    ]


def _newcomers(result: TrainingResult, found: Robustness) -> str:
    """The test looks at all customers, the label of a period only at those who were there when it began."""
    currency, credited = result.settings.currency, result.label_totals["influence_value"]
    if words.money(credited, currency) == words.money(found.influence, currency):
        return ""
    return ", to customers who joined during the period too"


def _rest(result: TrainingResult, found: Robustness) -> str:
    """What to think of the influence that is no coincidence."""
    if found.placebo_share >= 1:
        return "In this run nothing is left beyond what a placebo finds: none of it may be called influence."
    if not found.has_influence:
        return (
            f"In this run less than {words.share_name(MIN_SHARE)} of revenue is credited to begin with: "
            "too little to be called influence."
        )
    return (
        f"What is left is {ASSUMPTION}. A buyer is compared with customers of "
        f"{alike(result.settings.credit)}. No placebo can test that assumption."
    )


def _sensitivity_finding(found: Robustness, top_share: float, currency: str) -> str:
    rows = found.sensitivity
    if found.influence <= 0:
        most = float(rows["influence"].max())
        if most <= 0:
            return "Under every other setting, too, nothing was credited: it does not hang on one choice."
        return (
            f"Under other settings up to {words.money(most, currency)} was credited. Since the label itself "
            "credits nothing, do not take that for influence."
        )
    low, high = (words.money(float(end), currency) for end in rows["influence"].agg(["min", "max"]))
    worst, overlap = str(rows["top_overlap"].idxmin()), float(rows["top_overlap"].min())
    top = words.share_name(top_share)
    stay = (
        f"The label credits {words.money(found.influence, currency)}; under the choices below the amount "
        f"runs from {low} to {high}. Of the top {top} by influence, at least {words.percent(overlap)} are "
        f"the same customers; the fewest with “{worst}”. "
    )
    if not found.has_influence:
        return stay + "Since no influence was found, neither way of ordering them means anything."
    if overlap >= STEADY:
        return stay + "So who is in the top hardly depends on these choices."
    if overlap >= SHAKY:
        return stay + "So most of the top stands whatever the choice, but single names may not."
    return stay + (
        "So who is in the top depends on choices nobody can be sure of: use the list to choose a group, not "
        "to judge a single customer."
    )


def _of_100(share: float) -> str:
    return "fewer than 1" if 0 < share < 0.005 else words.count(100 * share)


def _money(amount: float, currency: str) -> Cell:
    return Cell(words.money(float(amount), currency), float(amount))


def _of_label(share: float, found: Robustness) -> Cell:
    """A share of the label's, where the label credits anything."""
    if found.influence <= 0:
        return Cell(f"not available: {UNKNOWN}", None, missing=True)
    return words.cell(float(share), _share(float(share)), UNKNOWN)


def _share(share: float) -> str:
    return words.percent(share) if share < MANY else f"{words.count(share)} times"


def _note(variant: str, credit: Credit) -> str:
    if variant.startswith("window of "):
        days = f"{credit.window_days:g} days"
        return f"how long an earlier purchase can explain a later one; the label allows {days}"
    return {
        "baseline by stratum alone": "what would have happened anyway is read off alike customers, whatever "
        "each of them tends to buy",
        "baseline by product alone": "what would have happened anyway is read off all customers, alike "
        "or not",
        "all counted as expansion": "nothing is subtracted for purchases that would only have come later",
    }.get(variant, "")
