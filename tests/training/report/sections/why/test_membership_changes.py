from dataclasses import replace

import pandas as pd

from ripple.training.evaluation.membership_changes import MembershipChanges
from ripple.training.report.sections.why.membership_changes import (
    NO_CHAMPION,
    NOT_A_CUSTOMER,
    membership_changes_section,
)
from ripple.training.result import TrainingResult
from tests.support.runs.rendered_page import numbers

NOBODY = MembershipChanges(
    "3", pd.Timestamp("2025-01-01"), 20, 0, 0, float("nan"), (), (), pd.DataFrame({"entered": [], "left": []})
)


def test_customers_who_entered_and_left_are_counted_and_have_reasons(result: TrainingResult) -> None:
    section = membership_changes_section(result)
    assert numbers(section["finding"]) == ["2", "20", "5", "3", "5", "2025", "2"]
    entered = {row["id"]: row for row in section["entered"]}
    best = list(result.population.scores.sort_values("rank").index)
    assert entered[best[0]]["ranks"][0].sort > 100
    assert entered[best[0]]["reasons"][0].count("×") == 1
    assert entered[best[1]]["reasons"] == [NOT_A_CUSTOMER]
    assert entered[best[1]]["ranks"][0].missing
    assert len(section["left"]) == 2
    assert any(sentence.count("×") == 5 for sentence in section["reasons"])


def test_without_a_champion_there_are_no_changes(result: TrainingResult) -> None:
    section = membership_changes_section(replace(result, changes=None))
    assert section["finding"] == NO_CHAMPION
    assert section["entered"] == section["left"] == []


def test_an_unchanged_top_has_zero_changes(result: TrainingResult) -> None:
    section = membership_changes_section(replace(result, changes=NOBODY))
    assert numbers(section["finding"]) == ["0", "20", "5", "3", "1", "2025", "0"]
    assert section["reasons"] == []
