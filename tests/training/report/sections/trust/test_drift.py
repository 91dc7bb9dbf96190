import pandas as pd

from ripple.training.report.sections.trust.drift import drift_section
from ripple.training.result import TrainingResult
from tests.support.runs.rendered_page import numbers
from tests.support.runs.results import altered


def test_drift_counts_shifted_features_and_separates_chance_from_change(result: TrainingResult) -> None:
    psi = pd.Series([0.05, 0.3, 0.5, 0.12, 0.001], index=result.population.drift.index[:5])
    section = drift_section(
        altered(result, drift=result.population.drift.iloc[:5].assign(psi=psi, by_chance=0.01))
    )
    assert numbers(section["finding"]) == ["1", "3", "0.25", "0.05", "0.01"]
    assert [state for _, _, state in section["rows"]] == [
        "stable",
        "shifted",
        "shifted",
        "moved",
        "no more than chance",
    ]


def test_scores_come_first_and_then_features_by_drift(result: TrainingResult) -> None:
    rows = drift_section(result)["rows"]
    assert [name for name, _, _ in rows[:2]] == ["expected network value", "probability of the top"]
    psi = [cells[0].sort for _, cells, _ in rows[2:]]
    assert psi == sorted(psi, reverse=True)
    assert len(rows) == len(result.population.drift)


def test_medians_have_their_units(result: TrainingResult) -> None:
    rows = {name: cells for name, cells, _ in drift_section(result)["rows"]}
    assert rows["expected network value"][2].text.endswith("US$<")
    assert rows["tenure days"][1].text.endswith("days")
    assert rows["probability of the top"][1].text.endswith("%")


def test_without_numbers_on_drift_there_are_no_rows(bleak: TrainingResult) -> None:
    assert drift_section(bleak)["rows"] == []
