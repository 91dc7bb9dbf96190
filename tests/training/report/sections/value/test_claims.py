from collections.abc import Callable

import pytest

from ripple.training.insights.claims import Claim, Estimate
from ripple.training.report.sections.value.claims import WORDINGS, Row, claims_section
from ripple.training.result import TrainingResult
from tests.support.runs.rendered_page import numbers
from tests.support.runs.results import altered


def row_of(result: TrainingResult, claim: Claim) -> Row:
    (row,) = claims_section(altered(result, claims=(claim,)))["rows"]
    return row


def claim(result: TrainingResult, *estimate: float, **rest: object) -> Claim:
    """A claim of 3 to 5 times with another measured figure and interval."""
    measured = Estimate(*estimate, customers=40)
    return Claim("value", (3.0, 5.0), measured, result.insights.claims[0].period, **rest)


def test_each_claim_has_a_measured_figure_with_its_interval(result: TrainingResult) -> None:
    rows = claims_section(result)["rows"]
    assert [row.quoted for row in rows] == [wording.quoted for wording in WORDINGS.values()]
    measured = [row for row in rows if row.plot]
    assert len(measured) == 5
    for row in measured:
        assert row.quoted_figure
        assert len(numbers(row.figure.text)) == 1
        assert len(numbers(row.interval)) == 2
        assert "days from 1 January 2025" in row.period
        assert row.comparison in (-1, 0, 1)


@pytest.mark.parametrize("name", WORDINGS)
def test_quoted_numbers_are_those_that_are_compared_with(result: TrainingResult, name: str) -> None:
    (one,) = [one for one in result.insights.claims if one.name == name]
    figure = WORDINGS[name].quoted_figure
    scale = 100 if "%" in figure else 1
    expected = [scale * bound for bound in dict.fromkeys(one.quoted)]
    assert [float(number) for number in numbers(figure)] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("estimate", "comparison"),
    [
        ((4.0, 3.5, 4.5), 0),
        ((2.0, 1.0, 3.1), 0),
        ((1.0, 0.5, 2.9), -1),
        ((9.0, 5.1, 12.0), 1),
    ],
)
def test_the_comparison_follows_from_the_interval(
    result: TrainingResult, estimate: tuple[float, ...], comparison: int
) -> None:
    assert row_of(result, claim(result, *estimate)).comparison == comparison


def test_the_comparison_is_worded(result: TrainingResult) -> None:
    estimates = ((4.0, 3.5, 4.5), (1.0, 0.5, 2.9), (9.0, 5.1, 12.0))
    assert len({row_of(result, claim(result, *estimate)).meaning for estimate in estimates}) == 3


def test_other_groups_stand_beside_the_figure(result: TrainingResult) -> None:
    row = row_of(result, claim(result, 4.0, 3.5, 4.5, comparisons={"of all customers": 0.3}))
    assert row.meaning.endswith("0.3 times of all customers.")


@pytest.mark.parametrize("estimate", [(4.0, 3.5, 4.5), (9.0, 5.1, 12.0), (0.1, 0.0, 0.2)])
def test_the_plot_contains_all_its_numbers(result: TrainingResult, estimate: tuple[float, ...]) -> None:
    plot = row_of(result, claim(result, *estimate)).plot
    assert plot
    assert 0 <= plot.left <= plot.figure <= plot.left + plot.width < 150
    assert plot.quoted_left + plot.quoted_width < 150
    assert f"{estimate[0]:.1f}" in numbers(plot.description)


def test_claims_that_cannot_be_measured_have_a_reason_and_no_number(
    result: TrainingResult, bleak: TrainingResult
) -> None:
    section = claims_section(bleak)
    unmeasured = [row for row in section["rows"] if row.comparison is None]
    assert len(unmeasured) >= 3
    for row, one in zip(section["rows"], bleak.insights.claims, strict=True):
        if row.comparison is None:
            assert one.why_not in row.meaning
            assert (row.plot, row.interval, numbers(row.figure.text)) == (None, "", [])
    measured = len(section["rows"]) - len(unmeasured)
    assert numbers(section["finding"])[1:] == [str(measured), str(len(unmeasured))]


def test_the_finding_counts_the_figures_that_agree(result: TrainingResult) -> None:
    assert numbers(claims_section(result)["finding"]) == ["0", "5", "1"]
    agreeing = altered(result, claims=(claim(result, 4.0, 3.5, 4.5), claim(result, 1.0, 0.5, 2.9)))
    assert numbers(claims_section(agreeing)["finding"]) == ["1", "2", "0"]


def test_without_influence_no_figure_is_about_influence(
    result: TrainingResult, with_influence: Callable[..., TrainingResult]
) -> None:
    section, other = claims_section(with_influence(90.0, 60.0, 3.0)), claims_section(result)
    assert section["caveat"].startswith("No influence was found.")
    revenue, *others = zip(section["rows"], other["rows"], strict=True)
    assert revenue[0].meaning == revenue[1].meaning
    *others, followers, advanced = others
    assert followers[0].meaning == followers[1].meaning
    assert advanced[0].meaning == advanced[1].meaning
    assert all("referral value" in row.meaning for row, _ in others)
    assert not any("referral value" in row.meaning for _, row in others)
    # the heading counts what the rows say: of five measured ones, two are about features
    assert [row.comparison is None for row in section["rows"]] == [True, True, True, True, False, False]
    assert numbers(section["finding"]) == ["0", "2", "1", "3"]


def test_claims_about_patterns_are_of_first_uses_and_say_how_much_may_be_chance(
    result: TrainingResult, bleak: TrainingResult
) -> None:
    section = claims_section(result)
    *others, followers, advanced = section["rows"]
    for row in (followers, advanced):
        assert "first used a feature" in row.measured
        assert "25 % of it may be chance" in row.meaning.replace("\u00a0", " ")
        assert "bought something" in row.meaning
    assert not any("may be chance" in row.meaning for row in others)
    assert numbers(section["features"])[:2] == ["32.0", "5,000"]
    assert numbers(claims_section(bleak)["features"]) == []
