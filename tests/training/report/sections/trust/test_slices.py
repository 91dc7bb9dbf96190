from dataclasses import replace
from typing import Any

import pandas as pd

from ripple.training.report.sections.trust.slices import slices_section
from ripple.training.result import TrainingResult
from tests.support.runs.rendered_page import numbers
from tests.support.runs.results import altered


def section_of(result: TrainingResult, **columns: Any) -> dict[str, Any]:
    """The section with other columns of the slices."""
    slices = result.evaluation.backtest.slices.assign(**columns)
    return slices_section(altered(result, backtest=replace(result.evaluation.backtest, slices=slices)))


def test_the_finding_counts_kinds_that_are_off_and_names_the_worst(result: TrainingResult) -> None:
    section = slices_section(result)
    assert numbers(section["finding"]) == ["1", "3", "2", "1", "2", "0.40"]
    assert "“new since training”" in section["finding"]
    assert numbers(section_of(result, predicted_share=3.0)["finding"])[:2] == ["4", "4"]
    assert numbers(section_of(result, predicted_share=1.1)["finding"])[:2] == ["0", "4"]


def test_the_newest_customers_have_both_captures(result: TrainingResult) -> None:
    assert numbers(slices_section(result)["newest"]) == ["30", "50"]
    assert section_of(result, capture=float("nan"))["newest"] == ""


def test_numbers_that_are_undefined_are_missing(result: TrainingResult) -> None:
    name, cells = slices_section(result)["rows"][-1]
    assert name == "country <X>"
    assert [cell.missing for cell in cells] == [False, False, False, True, False, True, True]


def test_without_slices_or_realised_value_nothing_is_drawn(result: TrainingResult) -> None:
    unrealised = section_of(result, predicted_share=float("nan"))
    assert numbers(unrealised["finding"]) == ["5"]
    assert unrealised["plot"] == ""
    none = slices_section(
        altered(result, backtest=replace(result.evaluation.backtest, slices=pd.DataFrame()))
    )
    assert (none["rows"], none["plot"]) == ([], "")
