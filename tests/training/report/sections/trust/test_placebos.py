from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest

from ripple.training.attribution.controls.negative_controls import NegativeControls
from ripple.training.attribution.controls.outcomes import ControlOutcome
from ripple.training.attribution.controls.two_hop import TwoHop
from ripple.training.registry.gate import decide
from ripple.training.report import render
from ripple.training.report.sections.answer.customers import customers_section
from ripple.training.report.sections.answer.headline import headline_section
from ripple.training.report.sections.trust.placebos import (
    no_influence_notice,
    placebo_caveat,
    placebo_section,
    value_meaning,
)
from ripple.training.report.sections.value.claims import claims_section
from ripple.training.report.sections.value.plays import plays_section
from ripple.training.result import TrainingResult
from tests.support.runs.rendered_page import numbers
from tests.support.runs.results import altered

WithInfluence = Callable[..., TrainingResult]


@pytest.mark.parametrize(
    ("shuffled", "late", "of_100"),
    [
        (8_600.0, 400.0, ["43", "2"]),
        (0.0, 0.0, ["0", "0"]),
        (20.0, 20.0, ["1", "1"]),
        (26_000.0, 0.0, ["130", "0"]),
    ],
)
def test_the_finding_gives_both_placebos_of_every_hundred(
    with_influence: WithInfluence, shuffled: float, late: float, of_100: list[str]
) -> None:
    finding = placebo_section(with_influence(20_000.0, shuffled, late))["finding"]
    assert numbers(finding) == ["100", *of_100]
    assert finding.count("fewer than 1") == [shuffled, late].count(20.0)


def test_the_paragraphs_give_the_amounts_and_the_assumption(result: TrainingResult) -> None:
    paragraphs = placebo_section(result)["paragraphs"]
    assert numbers(paragraphs[0])[:3] == ["20,000", "90,000", "22"]
    assert "assuming nothing unmeasured drives both within a stratum" in paragraphs[-1]


@pytest.mark.parametrize(("influence", "shuffled"), [(90.0, 60.0), (20_000.0, 20_000.0)])
def test_where_no_influence_was_found_nothing_is_called_incremental(
    with_influence: WithInfluence, influence: float, shuffled: float
) -> None:
    section = placebo_section(with_influence(influence, shuffled, 3.0))
    assert "incremental" not in " ".join(section["paragraphs"])
    assert section["top_stability"] == "meaningless"


def test_both_tables_hold_the_amounts_and_describe_each_row(result: TrainingResult) -> None:
    section = placebo_section(result)
    placebos, settings = result.label.robustness.placebos, result.label.robustness.sensitivity
    assert [(name, amount.sort, share.sort) for name, _, amount, share in section["placebos"]] == [
        (name, row["influence"], row["share"]) for name, row in placebos.iterrows()
    ]
    assert [(row[0], *(cell.sort for cell in row[2:])) for row in section["sensitivity"]] == [
        (name, row["influence"], round(row["ratio"], 6), round(row["top_overlap"], 6))
        for name, row in settings.iterrows()
    ]
    assert all(note for _, note, *_ in section["placebos"] + section["sensitivity"])
    assert "the label 20,000\u00a0US$&lt;, shuffled times 8,600\u00a0US$&lt;, late ties" in section["plot"]


@pytest.mark.parametrize(
    ("overlap", "stability"), [(0.85, "stable"), (0.62, "mostly stable"), (0.3, "unstable")]
)
def test_the_stability_of_the_top_follows_from_the_lowest_overlap(
    with_influence: WithInfluence, overlap: float, stability: str
) -> None:
    section = placebo_section(with_influence(20_000.0, 8_600.0, 0.0, overlap=overlap))
    assert section["top_stability"] == stability
    lowest = f"{100 * min(overlap, 0.8):.0f}"
    assert numbers(section["sensitivity_finding"]) == ["20,000", "16,200", "34,800", lowest, "5"]


def test_many_times_the_label_is_not_given_in_percent(with_influence: WithInfluence) -> None:
    section = placebo_section(with_influence(90.0, 60.0, 3.0, variants=100.0))
    assert section["sensitivity"][0][3].text == "81 times"


def test_influence_of_newcomers_explains_a_difference_from_the_label(result: TrainingResult) -> None:
    alike = placebo_section(result)["paragraphs"][0]
    totals = result.label.totals | {"influence_value": 19_000.0}
    assert len(placebo_section(altered(result, totals=totals))["paragraphs"][0]) > len(alike)


CONTROLS = NegativeControls(
    datetime(2025, 1, 1),
    datetime(2025, 6, 30),
    TwoHop(400, 0.2, 0.002, 0.001),
    (
        ControlOutcome("price rise", 300, 0.31, 0.02),
        ControlOutcome("tender", 90, 0.04, float("nan")),
        ControlOutcome("birthday", 12, float("nan"), float("nan")),
    ),
)


def test_negative_controls_are_shown_with_what_is_too_much(result: TrainingResult) -> None:
    assert placebo_section(replace(result, label=replace(result.label, controls=None)))["controls"] == []
    label = replace(result.label, controls=CONTROLS)
    section = placebo_section(replace(result, label=label))
    paths, rise, tender, birthday = section["controls"]
    assert (paths[0], paths[2].sort) == ("contacts of contacts", 0.002)
    assert "too much" not in paths[1]
    assert "(± 4.0%) of 300 first times of 'price rise'" in rise[1]
    assert rise[1].endswith("That is too much, beyond its error.")
    # an error that is not known is not written
    assert "4.0% of 90 first times" in tender[1]
    assert birthday[2].missing
    page = render(replace(result, label=label))
    assert "Is nothing credited that nobody can influence?" in page
    assert "price rise" in page


def test_without_interactions_nothing_was_tested(bleak: TrainingResult) -> None:
    section = placebo_section(bleak)
    assert not section["tested"]
    assert not section["plot"]
    assert no_influence_notice(bleak) is None


@pytest.mark.parametrize(("variants", "amounts"), [(0.0, ["0"]), (1.0, ["1,740", "0"])])
def test_without_any_influence_nothing_is_compared_with_it(
    with_influence: WithInfluence, variants: float, amounts: list[str]
) -> None:
    section = placebo_section(with_influence(0.0, 0.0, 0.0, variants=variants))
    assert numbers(section["finding"]) == ["0", "90,000"]
    assert not section["compared"]
    assert not section["plot"]
    assert numbers(section["sensitivity_finding"]) == amounts
    assert all(share.missing for *_, share in section["placebos"] + section["sensitivity"])


def test_a_placebo_that_credits_what_the_label_does_not_is_still_shown(with_influence: WithInfluence) -> None:
    section = placebo_section(with_influence(0.0, 50.0, 0.0))
    assert numbers(section["paragraphs"][-1]) == ["50.00"]
    assert section["plot"]


@pytest.mark.parametrize(
    ("influence", "shuffled", "referral", "reason", "meaning", "referrals"),
    [
        (90.0, 60.0, 10_000.0, ["0.1", "90.00", "90,000"], "mostly referral value", ["99"]),
        (90.0, 95.0, 10_000.0, ["0.1", "90.00", "90,000"], "mostly referral value", ["99"]),
        (20_000.0, 22_000.0, 10_000.0, ["22", "20,000", "90,000"], "partly referral value", ["33"]),
        (90.0, 60.0, 0.0, ["0.1", "90.00", "90,000"], "noise", []),
        (0.0, 0.0, 10_000.0, ["0", "90,000"], "referral value", []),
        (0.0, 0.0, 0.0, ["0", "90,000"], "noise", []),
    ],
)
def test_the_notice_gives_the_amounts_and_what_the_values_are(
    with_influence: WithInfluence,
    influence: float,
    shuffled: float,
    referral: float,
    reason: list[str],
    meaning: str,
    referrals: list[str],
) -> None:
    result = with_influence(influence, shuffled, 3.0 if influence else 0.0, referral)
    notice = no_influence_notice(result)
    assert notice is not None
    why, values = notice.paragraphs
    assert numbers(why)[: len(reason)] == reason
    assert value_meaning(result) == meaning
    assert numbers(values) == referrals


@pytest.mark.parametrize(
    ("influence", "shuffled", "share"),
    [(90.0, 60.0, ["1"]), (90.0, 95.0, ["1", "106"]), (20_000.0, 22_000.0, ["110"]), (0.0, 0.0, [])],
)
def test_the_notice_gives_the_limit_or_the_placebo_that_was_missed(
    with_influence: WithInfluence, influence: float, shuffled: float, share: list[str]
) -> None:
    notice = no_influence_notice(with_influence(influence, shuffled, 0.0))
    assert notice is not None
    period = ["5", "2025", "1", "2026"]
    after_period = numbers(notice.paragraphs[0])
    assert after_period[-len(period) - len(share) :] == [*period, *share]


def test_where_influence_cannot_be_measured_the_page_does_not_say_that_there_is_none(
    with_influence: WithInfluence,
) -> None:
    none = with_influence(0.0, 0.0, 0.0)
    alone = altered(none, robustness=replace(none.label.robustness, followers=4))
    notice = no_influence_notice(alone)
    assert notice is not None
    assert notice.title == "Influence cannot be measured here."
    assert numbers(notice.paragraphs[0])[0] == "4"
    assert numbers(placebo_section(alone)["finding"]) == ["4"]
    sections = (headline_section, customers_section, plays_section, claims_section, placebo_section)
    assert "o influence was found" in str([section(none) for section in sections])
    page = str([section(alone) for section in sections])
    assert "o influence was found" not in page
    assert page.count(notice.title) > 3
    assert "cannot be measured" in decide(alone, None, None).checks[-3].text


def test_the_caveat_fits_the_placebos(result: TrainingResult, with_influence: WithInfluence) -> None:
    runs = [
        result,
        with_influence(90.0, 60.0, 0.0),
        with_influence(20_000.0, 0.0, 0.0),
        with_influence(20_000.0, 22_000.0, 0.0),
        with_influence(0.0, 0.0, 0.0),
        altered(result, robustness=None),
    ]
    caveats = [placebo_caveat(run) for run in runs]
    assert [numbers(caveat) for caveat in caveats] == [["29"], ["0.9"], ["0"], [], [], []]
    assert len(set(caveats)) == len(caveats)
