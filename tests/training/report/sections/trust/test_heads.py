from dataclasses import replace

from ripple.training.report.sections.trust.heads import heads
from ripple.training.result import TrainingResult


def test_every_number_is_also_said_in_words(result: TrainingResult) -> None:
    rows = heads(result)["rows"]
    assert [row["total"][1] for row in rows] == [
        "3.2 times what came",
        "30\u00a0% too low",
        "right within 5\u00a0%",
    ]
    assert [row["coverage"][1] for row in rows] == [
        "too narrow",
        "about as wide as promised",
        "wider than promised",
    ]
    assert [row["brier"][1] for row in rows] == [
        "9\u00a0% worse than giving everyone the same odds",
        "no better than giving everyone the same odds",
        "35\u00a0% better than giving everyone the same odds",
    ]


def test_the_finding_is_about_the_latest_cutoff(result: TrainingResult) -> None:
    found = heads(result)["finding"]
    assert found.startswith(
        "At the latest cutoff, 5 July 2025, the predicted total was right within 5\u00a0%"
    )
    assert "wider than promised (93\u00a0% inside)" in found


def test_without_calibration_the_finding_says_so_once(bleak: TrainingResult) -> None:
    found = heads(bleak)["finding"]
    assert "could not be judged" in found
    assert found.count("no earlier period") == 1


def test_a_total_far_too_low_is_told_as_a_share(result: TrainingResult) -> None:
    far = result.backtest.heads.assign(predicted_share=0.3)
    rows = heads(replace(result, backtest=replace(result.backtest, heads=far)))["rows"]
    assert rows[0]["total"][1] == "only 30\u00a0% of what came"
