from dataclasses import replace
from typing import Any

import pandas as pd

from ripple.training.report.sections.trust.drift import drifted
from ripple.training.report.sections.trust.slices import kinds
from ripple.training.report.sections.trust.trust import trust
from ripple.training.result import TrainingResult


def test_the_finding_gives_both_captures_with_their_intervals(result: TrainingResult) -> None:
    assert trust(result)["finding"] == (
        "In 3 backtest periods the top 5\u00a0% by Ripple held 62\u00a0% (95\u00a0% interval 55\u00a0% to "
        "70\u00a0%) of the value that could have been found, the best simple rule, “last label”, 47\u00a0% "
        "(95\u00a0% interval 40\u00a0% to 55\u00a0%)"
    )


def test_kinds_are_counted_and_the_worst_is_named(result: TrainingResult) -> None:
    found = kinds(result)
    assert found["finding"] == (
        "In 1 of 3 kinds of customers the predicted value is more than 2 times what came true, or less "
        "than 1/2 of it; furthest off among “new since training”, 0.40 times"
    )
    assert "Ripple captures 30\u00a0% of the value at their top, “last label” 50\u00a0%" in found["cold"]
    name, cells = found["rows"][-1]
    assert name == "country <X>"
    assert "In 4 of 4 kinds" in _kinds_of(result, predicted_share=3.0)["finding"]
    assert [cell.missing for cell in cells] == [False, False, False, True, False, True, True]


def _kinds_of(result: TrainingResult, **changed: float) -> dict[str, Any]:
    slices = result.backtest.slices.assign(**changed)
    return kinds(replace(result, backtest=replace(result.backtest, slices=slices)))


def test_kinds_that_are_even_are_called_so(result: TrainingResult) -> None:
    found = _kinds_of(result, predicted_share=1.1)
    assert found["finding"].startswith(
        "In each of 4 kinds of customers predicted and realised value are within"
    )


def test_drift_counts_what_has_shifted_and_tells_chance_from_change(result: TrainingResult) -> None:
    names = result.drift.index
    psi = pd.Series([0.05, 0.3, 0.5, 0.12, 0.001], index=names[:5])
    table = result.drift.iloc[:5].assign(psi=psi, by_chance=0.01)
    found = drifted(replace(result, drift=table))
    assert found["finding"].startswith("1 of 3 features have shifted since training (PSI above 0.25)")
    assert "the scores themselves are stable (PSI 0.05" in found["finding"]
    assert [said for _, _, said in found["rows"]] == [
        "stable",
        "shifted",
        "shifted",
        "moved",
        "no more than chance gives",
    ]


def test_medians_have_their_units(result: TrainingResult) -> None:
    rows = {name: cells for name, cells, _ in drifted(result)["rows"]}
    assert rows["expected network value"][2].text.endswith("US$<")
    assert rows["tenure days"][1].text.endswith("days")
    assert rows["odds of the top"][1].text.endswith("%")
