import re
from collections.abc import Callable
from dataclasses import replace

import pandas as pd
import pytest

from ripple.training.report.sections.value.concentration import learn
from ripple.training.result import TrainingResult


def test_the_finding_names_both_tops_and_what_they_hold(result: TrainingResult) -> None:
    shares = result.concentration.shares.set_index(["ranking", "top", "measure"])["share"]
    found = learn(result)["finding"]
    assert found.startswith("The top 1\u00a0% by spend brought ")
    for key in (("spend", 0.01, "revenue"), ("network value", 0.01, "network_value")):
        assert f"{100 * shares[key]:.0f}\u00a0% (95\u00a0% interval " in found


def test_every_ranking_and_top_has_a_share_of_every_measure(result: TrainingResult) -> None:
    rows = learn(result)["shares"]
    assert len(rows) == 9
    for _, _, count, cells in rows:
        assert int(count) > 0
        assert len(cells) == 4
        assert all(re.fullmatch(r"[\d.]+\u00a0% \(\d+ to \d+\)", given.text) for given in cells)


def test_unknown_margins_are_told_with_the_reason(bleak: TrainingResult) -> None:
    cells = {cell.text for *_, row in learn(bleak)["shares"] for cell in row if cell.missing}
    assert cells == {
        "not available: no margin is known",
        "not available: nobody has spent anything",
    }


@pytest.mark.parametrize(
    ("both", "meaning"),
    [
        (40, "Most big spenders are influential too."),
        (12, "more often than by chance"),
        (4, "no more than chance"),
        (0, "less often influential than others"),
    ],
)
def test_the_overlap_is_told_beside_chance(result: TrainingResult, both: int, meaning: str) -> None:
    low, high = {40: (0.85, 1.0), 12: (0.2, 0.4), 4: (0.04, 0.2), 0: (0.0, 0.08)}[both]
    row = {"top": 0.1, "customers": 40, "both": both, "share": both / 40, "low": low, "high": high}
    changed = replace(result.concentration, overlap=pd.DataFrame([row]))
    shares = changed.shares.assign(top=0.1)
    found = learn(replace(result, concentration=replace(changed, shares=shares)))["overlap_finding"]
    assert f"Of the 40 customers in the top 10\u00a0% by spend, {both} are in the top" in found
    assert meaning in found


def test_a_lead_that_may_be_chance_is_not_claimed(result: TrainingResult) -> None:
    def told(*lead: float) -> str:
        own = replace(result.customer_value.direct, lead=lead)
        return learn(replace(result, customer_value=replace(result.customer_value, direct=own)))[
            "direct_finding"
        ]

    assert "not shown" not in told(0.1, 0.04, 0.16)
    assert "The lead is +10.0 points (95\u00a0% interval +4.0 to +16.0)." in told(0.1, 0.04, 0.16)
    assert "it is not shown that the model beats that rule" in told(0.1, -0.02, 0.2)
    assert "could not be tested" in told(float("nan"), float("nan"), float("nan"))


def test_without_influence_the_section_says_so(with_influence: Callable[..., TrainingResult]) -> None:
    assert learn(with_influence(90.0, 60.0, 3.0))["doubt"] == "No influence was found."


def test_no_curve_is_drawn_where_nothing_is_held(bleak: TrainingResult, page: str) -> None:
    assert "revenue, by spend" not in learn(bleak)["plot"]
    nothing = bleak.concentration.curves * float("nan")
    assert not learn(replace(bleak, concentration=replace(bleak.concentration, curves=nothing)))["plot"]
    assert "the first tenth holds" in page
