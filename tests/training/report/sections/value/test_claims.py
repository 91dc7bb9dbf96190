from collections.abc import Callable
from dataclasses import replace

import pytest

from ripple.training.insights.claims import Claim, Measured
from ripple.training.report.sections.value.claims import WORDINGS, claims
from ripple.training.result import TrainingResult


def told(result: TrainingResult, claim: Claim):
    (row,) = claims(replace(result, claims=(claim,)))["rows"]
    return row


def claim(result: TrainingResult, *found: float, **rest: object) -> Claim:
    measured = Measured(*found, customers=40)
    return Claim("value", (3.0, 5.0), measured, result.claims[0].period, **rest)


def test_each_claim_stands_beside_what_is_found_with_its_interval(result: TrainingResult) -> None:
    rows = claims(result)["rows"]
    assert [row.quoted for row in rows] == [wording.quoted for wording in WORDINGS.values()]
    measured = [row for row in rows if row.picture]
    assert len(measured) == 5
    for row in measured:
        assert row.claimed
        assert row.found
        assert " to " in row.interval
        assert "days from 1 January 2025" in row.period
        assert row.meaning.endswith(".")


@pytest.mark.parametrize("written", [(quoted.claimed, name) for name, quoted in WORDINGS.items()])
def test_quoted_numbers_are_those_that_are_measured_against(result: TrainingResult, written) -> None:
    claimed, name = written
    (asked,) = [one for one in result.claims if one.name == name]
    scale = 100 if "%" in claimed else 1
    numbers = [float(word) for word in claimed.split() if word.replace(".", "").isdigit()]
    assert numbers == pytest.approx([scale * edge for edge in dict.fromkeys(asked.quoted)])


@pytest.mark.parametrize(
    ("found", "meaning"),
    [
        ((4.0, 3.5, 4.5), "In line with what is quoted"),
        ((2.0, 1.0, 3.1), "In line with what is quoted"),
        ((1.0, 0.5, 2.9), "Less than is quoted: here, reckon with 1.0 times."),
        ((9.0, 5.1, 12.0), "More than is quoted: here, reckon with 9.0 times."),
    ],
)
def test_the_meaning_follows_from_the_interval(result: TrainingResult, found, meaning: str) -> None:
    assert told(result, claim(result, *found)).meaning.startswith(meaning)


def test_what_stands_beside_is_told(result: TrainingResult) -> None:
    row = told(result, claim(result, 4.0, 3.5, 4.5, beside={"of all customers": 0.3}))
    assert row.meaning.endswith("For comparison: 0.3 times of all customers.")


def test_the_picture_holds_all_its_numbers(result: TrainingResult) -> None:
    for figures in ((4.0, 3.5, 4.5), (9.0, 5.1, 12.0), (0.1, 0.0, 0.2)):
        picture = told(result, claim(result, *figures)).picture
        assert 0 <= picture.left <= picture.figure <= picture.left + picture.width < 150
        assert picture.quoted_left + picture.quoted_width < 150
        assert f"found {figures[0]:.1f} times" in picture.spoken


def test_what_cannot_be_measured_says_why_and_has_no_number(
    result: TrainingResult, bleak: TrainingResult
) -> None:
    rows = claims(bleak)["rows"]
    unmeasured = [row for row in rows if row.picture is None]
    assert len(unmeasured) >= 3
    for row in unmeasured:
        assert row.meaning.startswith("Cannot be measured here, because ")
        assert row.found == "not measured"
    assert f"{len(rows) - len(unmeasured)} can be measured" in claims(bleak)["finding"]


def test_without_influence_no_figure_is_called_influence(
    with_influence: Callable[..., TrainingResult],
) -> None:
    found = claims(with_influence(90.0, 60.0, 3.0))
    assert found["doubt"].startswith("No influence was found.")
    revenue, *others = found["rows"]
    assert "Not about influence" not in revenue.meaning
    assert all(row.meaning.startswith("Not about influence, of which there was no sign") for row in others)
