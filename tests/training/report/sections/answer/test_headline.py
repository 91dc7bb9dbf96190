import math
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ripple.training.report.sections.answer.headline import headline, label_made, verdict
from ripple.training.result import TrainingResult

WithLead = Callable[..., TrainingResult]
WithInfluence = Callable[..., TrainingResult]


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


def test_the_answer_counts_the_top_and_its_share(result: TrainingResult) -> None:
    found = headline(result)
    members = result.scores[result.scores["top_member"]]
    share = members["network_value"].sum() / result.scores["network_value"].sum()
    assert found["answer"] == (
        f"20 of 400 customers, the top 5\u00a0%, account for {100 * share:.0f}\u00a0% of the network value "
        "expected over the next 180 days"
    )
    assert "from 1 January 2026 to 30 June 2026" in found["worth"]


def test_the_tiles_are_the_key_figures(result: TrainingResult) -> None:
    figures = {tile.label: tile.figure for tile in headline(result)["tiles"]}
    assert figures["customers in the top 5\u00a0%"] == "20"
    assert figures["captured in the backtest"] == "62.0\u00a0%"
    assert figures["points of lead"] == "+15.0"


def test_the_doubt_stands_beside_every_amount_of_influence(result: TrainingResult) -> None:
    doubt = "Up to about 43\u00a0% of the influence may be coincidence."
    found = headline(result)
    assert found["worth"].endswith(doubt)
    assert found["label"][0].endswith(
        f"20,000\u00a0US$< (67\u00a0%) for influence on what others bought. {doubt}"
    )


def test_what_was_subtracted_and_how_is_told(result: TrainingResult) -> None:
    credited, how = label_made(result)
    assert "“referral credit + incremental credit”" in credited
    assert "compared with other customers of the same stratum" in how
    assert "at risk on the same day" in how
    assert "is subtracted. So is what would have come anyway, only later" in how
    assert "It is incremental, assuming nothing unmeasured drives both within a stratum" in how


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"baseline": "product"}, "of the one stratum that holds all customers"),
        ({"expansion": False}, "only later, counts in full"),
    ],
)
def test_how_the_label_was_made_follows_the_settings(
    result: TrainingResult, change: dict[str, object], said: str
) -> None:
    credit = result.settings.credit.model_copy(update=change)
    assert said not in label_made(result)[1]
    settings = result.settings.model_copy(update={"credit": credit})
    assert said in label_made(replace(result, settings=settings))[1]


def test_a_label_of_referrals_alone_says_that_nothing_was_left(with_influence: WithInfluence) -> None:
    credited, how = label_made(with_influence(0.0, 0.0, 0.0))
    assert "All of it is referral credit" in credited
    assert how.endswith("In this run nothing is left.")


def test_without_interactions_no_subtraction_is_described(bleak: TrainingResult) -> None:
    credited, how = label_made(bleak)
    assert "Neither a referral nor other influence was credited" in credited
    assert how == "Influence was not looked for: this run has no interactions table."


@pytest.mark.parametrize(
    ("influence", "shuffled", "referral", "answer"),
    [
        (90.0, 60.0, 10_000.0, "What is listed instead is referral value"),
        (20_000.0, 22_000.0, 10_000.0, "Only 33\u00a0% of what is listed is referral value"),
        (90.0, 60.0, 0.0, "not known to be worth anything"),
    ],
)
def test_without_influence_the_answer_does_not_boast_the_top(
    with_influence: WithInfluence, influence: float, shuffled: float, referral: float, answer: str
) -> None:
    found = headline(with_influence(influence, shuffled, 3.0, referral))
    assert found["absence"].title == "No influence was found."
    assert answer in found["answer"]
    assert "top" not in found["answer"]
    assert "20 of 400 customers at the head of the list" in found["worth"]


def test_with_influence_or_untested_the_answer_comes_first(result: TrainingResult) -> None:
    untested = replace(result, robustness=None)
    assert headline(result)["absence"] is None
    assert headline(untested)["absence"] is None
    assert "Influence was not tested: this run has no interactions table." in headline(untested)["worth"]
