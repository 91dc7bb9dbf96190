import numpy as np

from ripple.training.report.sections.why.explanation import Sampled
from ripple.training.report.sections.why.explanation_stability import explanation_stability_section
from ripple.training.result import TrainingResult
from tests.support.runs.rendered_page import numbers
from tests.support.runs.results import altered


def test_the_same_effects_give_the_same_reasons(result: TrainingResult) -> None:
    sample = Sampled.of(result)
    section = explanation_stability_section(
        altered(result, earlier_effects={"2025-03-07": sample.value}), sample
    )
    (row,) = section["rows"]
    assert (row["first"].sort, row["family"].sort, row["kept"].sort, row["ranks"].sort) == (1, 1, 3, 1)
    assert numbers(section["finding"]) == ["100", "95", "99", "100", "7", "2025", "100"]


def test_other_reasons_are_counted_customer_by_customer(result: TrainingResult) -> None:
    sample = Sampled.of(result)
    other = sample.value.copy()
    first = np.abs(other).argmax(axis=1)
    half = len(other) // 2
    other[np.arange(half), first[:half]] = 0.0
    section = explanation_stability_section(altered(result, earlier_effects={"2025-03-07": other}), sample)
    assert section["rows"][0]["first"].sort == 1 - half / len(other)


def test_without_earlier_effects_there_are_no_rows(bleak: TrainingResult) -> None:
    section = explanation_stability_section(bleak, Sampled.of(bleak))
    assert (section["rows"], section["plot"]) == ([], "")
