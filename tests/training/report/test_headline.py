import math
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.evidence import Evidence
from training.report.headline import headline, label_made, verdict

WithLead = Callable[..., Evidence]


def test_a_lead_whose_interval_lies_above_zero_is_called_one(with_lead: WithLead) -> None:
    found = verdict(with_lead(0.15, 0.04, 0.22))
    assert found.kind == "better"
    assert found.title == "Ripple beats the best simple rule, “last label”."
    assert "62.0\u00a0%" in found.text
    assert "47.0\u00a0%" in found.text
    assert "lead is 15.0 percentage points, with a 95 % interval of 4.0 to 22.0" in found.text


def test_a_model_that_is_worse_is_called_worse(with_lead: WithLead) -> None:
    found = verdict(with_lead(-0.0386, -0.0681, -0.0148))
    assert found.kind == "worse"
    assert "does not beat" in found.title
    assert "trails by 3.9 percentage points, with a 95 % interval of 1.5 to 6.8 behind" in found.text
    assert "use the rule and not this model" in found.text


@pytest.mark.parametrize(("lead", "side"), [(0.02, "2.0 percentage points ahead"), (-0.02, "points behind")])
def test_an_interval_around_zero_is_called_unclear(with_lead: WithLead, lead: float, side: str) -> None:
    found = verdict(with_lead(lead, -0.03, 0.05))
    assert found.kind == "unclear"
    assert found.title.startswith("It is not shown that Ripple beats")
    assert side in found.text
    assert "from −3.0 to +5.0 and includes zero" in found.text


def test_without_value_there_is_no_verdict(with_lead: WithLead) -> None:
    found = verdict(with_lead(math.nan, math.nan, math.nan))
    assert found.kind == "unknown"
    assert "not available" in found.text


@given(st.floats(-1, 1), st.floats(0, 0.5), st.floats(0, 0.5))
def test_beats_is_said_exactly_when_the_whole_interval_is_above_zero(
    with_lead: WithLead, lead: float, below: float, above: float
) -> None:
    found = verdict(with_lead(lead, lead - below, lead + above))
    assert (found.kind == "better") == (lead - below > 0)
    assert found.title.startswith("Ripple beats") == (lead - below > 0)
    assert (found.kind == "worse") == (lead + above < 0)


def test_the_answer_counts_the_top_and_its_share(evidence: Evidence) -> None:
    found = headline(evidence)
    members = evidence.scores[evidence.scores["top_member"]]
    share = members["network_value"].sum() / evidence.scores["network_value"].sum()
    assert found["answer"] == (
        f"20 of 400 customers, the top 5\u00a0%, account for {100 * share:.0f}\u00a0% of the network value "
        "expected over the next 180 days"
    )
    assert "from 1 January 2026 to 30 June 2026" in found["worth"]


def test_the_tiles_are_the_key_figures(evidence: Evidence) -> None:
    figures = {tile.label: tile.figure for tile in headline(evidence)["tiles"]}
    assert figures["customers in the top 5\u00a0%"] == "20"
    assert figures["captured in the backtest"] == "62.0\u00a0%"
    assert figures["points of lead"] == "+15.0"


def test_time_decayed_credit_is_said_to_measure_popularity(evidence: Evidence) -> None:
    parts, warning = label_made(evidence)
    assert "“referral credit + time-decayed credit”" in parts
    assert "20,000\u00a0US$< (67\u00a0%) for influence" in parts
    assert "popularity along with influence" in warning


def test_another_way_of_crediting_is_not_blamed_for_popularity(evidence: Evidence) -> None:
    spec = replace(evidence.bundle.spec, label="referral credit + incremental credit")
    found = label_made(replace(evidence, bundle=replace(evidence.bundle, spec=spec)))
    assert len(found) == 1
    assert "incremental credit" in found[0]
