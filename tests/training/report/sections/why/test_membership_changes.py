from dataclasses import replace

import pandas as pd

from ripple.training.evaluation.membership_changes import Changes
from ripple.training.report.sections.why.membership_changes import NONE_BEFORE, moves
from ripple.training.result import TrainingResult

NOBODY = Changes(
    "3", pd.Timestamp("2025-01-01"), 20, 0, 0, float("nan"), (), (), pd.DataFrame({"came": [], "went": []})
)


def test_who_came_and_went_is_counted_and_told_with_reasons(result: TrainingResult) -> None:
    found = moves(result)
    assert found["finding"].startswith(
        "Of the 20 customers in the top 5\u00a0%, 2 were not there in version 3, as of"
    )
    came = {row["id"]: row for row in found["came"]}
    best = list(result.scores.sort_values("rank").index)
    assert came[best[0]]["ranks"][0].sort > 100
    assert "went from" in came[best[0]]["reasons"][0]
    assert "×" in came[best[0]]["reasons"][0]
    assert came[best[1]]["reasons"] == ["was not there"]
    assert came[best[1]]["ranks"][0].missing
    assert any("Those who came were raised most by" in said for said in found["why"])


def test_without_a_champion_there_is_nothing_to_compare_with(result: TrainingResult) -> None:
    found = moves(replace(result, changes=None))
    assert found["finding"] == NONE_BEFORE
    assert "nothing is known of what changed" in found["short"]


def test_nobody_moving_is_said(result: TrainingResult) -> None:
    found = moves(replace(result, changes=NOBODY))
    assert ", 0 were not there in version 3" in found["finding"]
    assert found["why"] == []
