import math
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ripple.training.report.text import words
from tests.support.runs.rendered_page import numbers


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (1_021_038.4, "1.02 million"),
        (28_561.46, "28,561"),
        (88.294, "88.29"),
        (0.084, "0.08"),
        (0.004, "less than 0.01"),
        (0.0, "0"),
    ],
)
def test_money_keeps_the_digits_that_matter(amount: float, text: str) -> None:
    assert words.money(amount, "EUR") == f"{text}\u00a0EUR"


@pytest.mark.parametrize(
    ("share", "text"), [(0.237, "24"), (0.004, "0.4"), (0.00001, "under 0.1"), (0.0, "0"), (1.0, "100")]
)
def test_a_share_is_a_percentage(share: float, text: str) -> None:
    assert words.percent(share) == f"{text}\u00a0%"


@pytest.mark.parametrize(("share", "text"), [(0.01, "1"), (0.005, "0.5"), (0.07, "7"), (0.025, "2.5")])
def test_a_chosen_share_is_not_rounded(share: float, text: str) -> None:
    assert words.exact_percent(share) == f"{text}\u00a0%"


@pytest.mark.parametrize(
    ("difference", "text"), [(0.246, "+24.6"), (-0.0386, "−3.9"), (0.0, "0.0"), (-0.0001, "0.0")]
)
def test_points_carry_a_sign_unless_they_are_nothing(difference: float, text: str) -> None:
    assert words.signed_points(difference) == text


@pytest.mark.parametrize(
    ("times", "text"),
    [
        (1.8, "×1.80"),
        (12.49, "×12"),
        (250.0, "×250"),
        (0.56, "×0.56"),
        (0.012, "×0.012"),
        (1e-9, "×0.0001 or less"),
    ],
)
def test_factors_are_short(times: float, text: str) -> None:
    assert words.factor(math.log(times)) == text


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_a_cell_is_a_number_or_a_reason(value: float) -> None:
    cell = words.cell(value, "shown", "why")
    assert cell.missing == (not math.isfinite(value))
    assert cell.text == ("not available: why" if cell.missing else "shown")


def test_lists_and_counts_read_well() -> None:
    assert words.joined(["a"]) == "a"
    assert words.joined(["a", "b", "c"]) == "a, b and c"
    assert words.feature_words("out_degree") == "out degree"
    assert words.plural(1, "cutoff") == "1 cutoff"
    assert words.plural(1200, "row") == "1,200 rows"
    assert words.day(datetime(2025, 7, 5)) == "5 July 2025"
    assert words.decimal(-0.049) == "−0.05"


def test_an_estimate_has_its_interval_where_that_is_known() -> None:
    nan = math.nan
    assert words.estimate(0.5, 0.4, 0.6) == "50\u00a0% (95\u00a0% interval 40\u00a0% to 60\u00a0%)"
    assert words.estimate(0.5, nan, nan) == "50\u00a0%"
    assert numbers(words.estimate(nan, nan, nan)) == []


def test_the_wilson_interval_is_that_of_the_formula() -> None:
    assert words.wilson_interval(3, 10) == pytest.approx((0.1078, 0.6032), abs=1e-4)


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (1.0, "over 99 %"),
        (0.991, "over 99 %"),
        (0.99, "99 %"),
        (0.24, "24 %"),
        (0.01, "1 %"),
        (0.004, "under 1 %"),
    ],
)
def test_no_probability_is_certain(share: float, text: str) -> None:
    assert words.probability(share).replace(words.NO_BREAK_SPACE, " ") == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(0.0, "0"), (950.0, "950"), (350_000.0, "350 k"), (1.2e6, "1.2 M"), (2.5e9, "2.5 bn")],
)
def test_numbers_on_axes_are_short(number: float, text: str) -> None:
    assert words.short_number(number).replace("\u00a0", " ") == text
