from collections.abc import Callable
from dataclasses import replace

import pytest

from ripple.training.report.sections.trust.placebos import absence, coincidence, doubt
from ripple.training.result import TrainingResult

WithInfluence = Callable[..., TrainingResult]


def test_the_finding_counts_what_both_placebos_find_of_every_hundred(result: TrainingResult) -> None:
    assert coincidence(result)["finding"] == (
        "Of every 100\u00a0US$< credited as influence, up to about 43 would also be credited if adoption "
        "times were shuffled among alike customers, and 2 would be credited on ties seen only after the "
        "purchase"
    )


@pytest.mark.parametrize(
    ("shuffled", "late", "said"),
    [
        (0.0, 0.0, "influence, 0 would also be credited"),
        (20.0, 20.0, "influence, fewer than 1 would also be credited"),
        (26_000.0, 0.0, "influence, 130 would also be credited"),
        (0.0, 20.0, "and fewer than 1 would be credited on ties"),
    ],
)
def test_shares_of_nothing_and_of_more_than_all_are_told_in_words(
    with_influence: WithInfluence, shuffled: float, late: float, said: str
) -> None:
    assert said in coincidence(with_influence(20_000.0, shuffled, late))["finding"]


def test_what_the_placebos_mean_is_told_without_promising_a_cause(result: TrainingResult) -> None:
    said = " ".join(coincidence(result)["paragraphs"])
    assert "20,000\u00a0US$< of 90,000\u00a0US$< revenue (22\u00a0%)" in said
    assert "Shuffled times overstate coincidence" in said
    assert "still stand beside their sources" in said
    assert "incremental, assuming nothing unmeasured drives both within a stratum" in said


@pytest.mark.parametrize(("influence", "shuffled"), [(90.0, 60.0), (20_000.0, 20_000.0)])
def test_where_no_influence_was_found_nothing_is_called_incremental(
    with_influence: WithInfluence, influence: float, shuffled: float
) -> None:
    found = coincidence(with_influence(influence, shuffled, 3.0))
    assert "incremental" not in " ".join(found["paragraphs"])
    assert "called influence" in found["paragraphs"][-1]
    assert "neither way of ordering them means anything" in found["sensitivity_finding"]


def test_both_tables_hold_what_was_found_and_say_what_it_is(result: TrainingResult) -> None:
    found = coincidence(result)
    placebos, settings = result.robustness.placebos, result.robustness.sensitivity
    assert [(name, amount.sort, share.sort) for name, _, amount, share in found["placebos"]] == [
        (name, row["influence"], row["share"]) for name, row in placebos.iterrows()
    ]
    assert [(row[0], *(cell.sort for cell in row[2:])) for row in found["sensitivity"]] == [
        (name, row["influence"], round(row["ratio"], 6), round(row["top_overlap"], 6))
        for name, row in settings.iterrows()
    ]
    assert all(note for _, note, *_ in found["placebos"] + found["sensitivity"])
    assert "the label 20,000\u00a0US$&lt;, shuffled times 8,600\u00a0US$&lt;, late ties" in found["plot"]


@pytest.mark.parametrize(
    ("overlap", "conclusion"),
    [
        (0.85, "hardly depends on these choices"),
        (0.62, "most of the top stands"),
        (0.3, "not to judge a single customer"),
    ],
)
def test_the_reader_is_told_what_to_conclude_from_the_lowest_overlap(
    with_influence: WithInfluence, overlap: float, conclusion: str
) -> None:
    said = coincidence(with_influence(20_000.0, 8_600.0, 0.0, overlap=overlap))["sensitivity_finding"]
    assert "the amount runs from 16,200\u00a0US$< to 34,800\u00a0US$<." in said
    lowest = min(overlap, 0.8)
    assert f"at least {100 * lowest:.0f}\u00a0% are the same customers" in said
    assert conclusion in said


def test_many_times_the_label_is_not_told_in_percent(with_influence: WithInfluence) -> None:
    found = coincidence(with_influence(90.0, 60.0, 3.0, variants=100.0))
    assert found["sensitivity"][0][3].text == "81 times"


def test_influence_of_newcomers_explains_a_difference_from_the_label(result: TrainingResult) -> None:
    assert "joined during" not in coincidence(result)["paragraphs"][0]
    totals = result.label_totals | {"influence_value": 19_000.0}
    found = coincidence(replace(result, label_totals=totals))["paragraphs"][0]
    assert found.endswith("was credited as influence, to customers who joined during the period too.")


def test_without_interactions_it_says_not_tested(bleak: TrainingResult) -> None:
    found = coincidence(bleak)
    assert found["finding"] == "Not tested: this run has no interactions table"
    assert not found["tested"]
    assert not found["plot"]
    assert absence(bleak) is None


@pytest.mark.parametrize(
    ("variants", "said"),
    [(0.0, "Under every other setting, too, nothing was credited"), (1.0, "do not take that for influence")],
)
def test_without_any_influence_nothing_is_compared_with_it(
    with_influence: WithInfluence, variants: float, said: str
) -> None:
    found = coincidence(with_influence(0.0, 0.0, 0.0, variants=variants))
    assert "0 of 90,000\u00a0US$< revenue" in found["finding"]
    assert not found["compared"]
    assert not found["plot"]
    assert said in found["sensitivity_finding"]
    assert all(share.missing for *_, share in found["placebos"] + found["sensitivity"])


def test_a_placebo_that_finds_what_the_label_does_not_is_still_shown(with_influence: WithInfluence) -> None:
    found = coincidence(with_influence(0.0, 50.0, 0.0))
    assert "The placebos credited 50.00\u00a0US$< at most." in found["paragraphs"]
    assert found["plot"]


@pytest.mark.parametrize(
    ("influence", "shuffled", "referral", "said"),
    [
        (
            90.0,
            60.0,
            10_000.0,
            "only 0.1\u00a0% of revenue (90.00\u00a0US$< of 90,000\u00a0US$<) was",
        ),
        (90.0, 60.0, 10_000.0, "less than 1\u00a0%, too little to tell from noise. Do not act"),
        (90.0, 95.0, 10_000.0, "and no more than a placebo"),
        (90.0, 60.0, 10_000.0, "lists is referral credit: what customers spend whom others brought in"),
        (90.0, 60.0, 10_000.0, "99\u00a0% was for recorded referrals; the rest cannot be told from noise"),
        (20_000.0, 22_000.0, 10_000.0, "finds no less: 110\u00a0% of it"),
        (20_000.0, 22_000.0, 10_000.0, "33\u00a0% was for recorded referrals"),
        (90.0, 60.0, 0.0, "the values listed on this page are noise"),
        (0.0, 0.0, 10_000.0, "nothing of 90,000\u00a0US$< revenue was credited to influence"),
        (0.0, 0.0, 0.0, "the values listed on this page are noise"),
    ],
)
def test_the_absence_of_influence_is_told_with_its_reason_and_what_is_listed(
    with_influence: WithInfluence, influence: float, shuffled: float, referral: float, said: str
) -> None:
    found = absence(with_influence(influence, shuffled, 3.0 if influence else 0.0, referral))
    assert found is not None
    assert said in " ".join(found.paragraphs)
    assert "Do not act on the ranking as influence." in found.paragraphs[0]


def test_the_doubt_fits_what_was_found(result: TrainingResult, with_influence: WithInfluence) -> None:
    assert "Up to about 43\u00a0%" in doubt(result)
    assert "found nothing" in doubt(with_influence(20_000.0, 0.0, 0.0))
    assert doubt(with_influence(20_000.0, 22_000.0, 0.0)).startswith("All of the influence")
    assert "too little to tell from noise; up to about 67\u00a0%" in doubt(with_influence(90.0, 60.0, 0.0))
    assert "No influence was credited" in doubt(with_influence(0.0, 0.0, 0.0))
    assert "not tested" in doubt(replace(result, robustness=None))
