import re
from collections.abc import Callable
from dataclasses import replace

import pandas as pd
import pytest

from ripple.training.report.sections.value.concentration import concentration_section
from ripple.training.report.text import words
from ripple.training.result import TrainingResult
from tests.support.runs.rendered_page import numbers
from tests.support.runs.results import altered


def test_the_finding_has_what_both_tops_hold(result: TrainingResult) -> None:
    shares = result.insights.concentration.shares.set_index(["ranking", "top", "measure"])
    spend, network, revenue = (
        numbers(words.percent(shares.loc[key, "share"]))
        for key in (
            ("spend", 0.01, "revenue"),
            ("network value", 0.01, "network_value"),
            ("network value", 0.01, "revenue"),
        )
    )
    assert numbers(concentration_section(result)["finding"]) == ["1", *spend, "1", *revenue, *network]


def test_every_ranking_and_top_has_a_share_of_every_measure(result: TrainingResult) -> None:
    rows = concentration_section(result)["shares"]
    assert len(rows) == 9
    for _, _, count, cells in rows:
        assert int(count.text) == count.sort > 0
        assert len(cells) == 4
        assert all(re.fullmatch(r"[\d.]+\u00a0% \(\d+ to \d+\)", cell.text) for cell in cells)


def test_unknown_margins_and_revenues_are_missing(bleak: TrainingResult) -> None:
    for *_, (revenue, margin, lifetime, network) in concentration_section(bleak)["shares"]:
        assert revenue.missing
        assert margin.missing
        assert not lifetime.missing
        assert not network.missing


@pytest.mark.parametrize(
    ("both", "low", "high", "kind"),
    [
        (40, 0.85, 1.0, "most"),
        (12, 0.2, 0.4, "above chance"),
        (4, 0.04, 0.2, "chance"),
        (0, 0.0, 0.08, "below chance"),
    ],
)
def test_the_overlap_is_compared_with_chance(
    result: TrainingResult, both: int, low: float, high: float, kind: str
) -> None:
    row = {"top": 0.1, "customers": 40, "both": both, "share": both / 40, "low": low, "high": high}
    shares = result.insights.concentration.shares.assign(top=0.1)
    changed = replace(result.insights.concentration, overlap=pd.DataFrame([row]), shares=shares)
    section = concentration_section(altered(result, concentration=changed))
    assert section["overlap_kind"] == kind
    assert numbers(section["overlap_finding"])[:4] == [str(both), "40", "10", "10"]
    assert [cell.text for cell in section["overlap"][0][:3]] == ["10\u00a0%", str(both), str(40 - both)]


def test_a_lead_that_may_be_chance_is_not_claimed(result: TrainingResult) -> None:
    def finding(*lead: float) -> str:
        direct = replace(result.insights.customer_value.direct, lead=lead)
        value = replace(result.insights.customer_value, direct=direct)
        return concentration_section(altered(result, customer_value=value))["direct_finding"]

    clear, unclear = finding(0.1, 0.04, 0.16), finding(0.1, -0.02, 0.2)
    assert numbers(clear)[-4:] == ["+10.0", "95", "+4.0", "+16.0"]
    assert numbers(unclear)[-4:] == ["+10.0", "95", "−2.0", "+20.0"]
    assert "better" in clear
    assert "better" not in unclear
    assert "+" not in finding(float("nan"), float("nan"), float("nan"))


def test_without_influence_the_caveat_says_so(with_influence: Callable[..., TrainingResult]) -> None:
    assert concentration_section(with_influence(90.0, 60.0, 3.0))["caveat"] == "No influence was found."


def test_no_curve_is_drawn_where_nothing_is_held(bleak: TrainingResult) -> None:
    nothing = replace(bleak.insights.concentration, curves=bleak.insights.concentration.curves * float("nan"))
    assert concentration_section(bleak)["plot"]
    assert concentration_section(altered(bleak, concentration=nothing))["plot"] == ""
