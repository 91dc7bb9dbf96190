from dataclasses import replace

from ripple.training.report.sections.trust.heads import heads_section
from ripple.training.result import TrainingResult
from tests.support.runs.rendered_page import numbers
from tests.support.runs.results import altered


def test_every_number_is_also_given_in_words(result: TrainingResult) -> None:
    rows = heads_section(result)["rows"]
    assert [(row["total"][0].sort, row["total"][1]) for row in rows] == [
        (3.2, "3.2 times the realised total"),
        (0.7, "30\u00a0% too low"),
        (1.02, "within 5\u00a0% of the realised total"),
    ]
    assert [(row["coverage"][0].sort, row["coverage"][1]) for row in rows] == [
        (0.6, "too narrow"),
        (0.82, "about right"),
        (0.93, "too wide"),
    ]
    assert [row["brier"][1].split(" than ")[0] for row in rows] == [
        "9\u00a0% worse",
        "no better",
        "35\u00a0% better",
    ]


def test_the_total_has_the_interval_that_was_predicted(result: TrainingResult, bleak: TrainingResult) -> None:
    rows = heads_section(result)["rows"]
    assert [row["interval"].text for row in rows] == [
        "50,000 to 128,000",
        "12,000 to 24,000",
        "18,000 to 36,000",
    ]
    assert all(row["interval"].missing for row in heads_section(bleak)["rows"])


def test_the_finding_is_about_the_latest_cutoff(result: TrainingResult) -> None:
    section = heads_section(result)
    assert numbers(section["finding"]) == ["5", "2025", "5", "80", "93", "35"]
    assert section["nominal"] == "80\u00a0%"


def test_without_calibration_every_number_is_missing(bleak: TrainingResult) -> None:
    section = heads_section(bleak)
    for row in section["rows"]:
        assert all(row[name][0].missing for name in ("total", "coverage", "brier"))
    assert numbers(section["finding"]) == ["5", "2025"]


def test_a_total_far_too_low_is_given_as_a_share(result: TrainingResult) -> None:
    low = result.evaluation.backtest.heads.assign(predicted_share=0.3)
    rows = heads_section(altered(result, backtest=replace(result.evaluation.backtest, heads=low)))["rows"]
    assert rows[0]["total"][1] == "30\u00a0% of the realised total"
