import math
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ripple.training.report.sections.answer.headline import (
    few_customers,
    headline_section,
    label_description,
    verdict,
)
from ripple.training.report.sections.trust.placebos import placebo_caveat
from ripple.training.report.text import words
from ripple.training.result import TrainingResult
from tests.support.runs.rendered_page import numbers
from tests.support.runs.results import altered

WithLead = Callable[..., TrainingResult]
WithInfluence = Callable[..., TrainingResult]


@pytest.mark.parametrize(
    ("lead", "kind", "interval"),
    [
        ((0.15, 0.04, 0.22), "better", ["15.0", "95", "4.0", "22.0"]),
        ((-0.0386, -0.0681, -0.0148), "worse", ["3.9", "95", "1.5", "6.8"]),
        ((0.02, -0.03, 0.05), "unclear", ["2.0", "95", "−3.0", "+5.0"]),
        ((-0.02, -0.03, 0.05), "unclear", ["2.0", "95", "−3.0", "+5.0"]),
    ],
)
def test_the_verdict_follows_from_the_interval(
    with_lead: WithLead, lead: tuple[float, ...], kind: str, interval: list[str]
) -> None:
    answer = verdict(with_lead(*lead))
    assert answer.kind == kind
    assert "“last label”" in answer.title
    captures = ["62.0", "3", "5", "5", "47.0"]
    assert numbers(answer.text)[: len(captures) + len(interval)] == captures + interval


def test_a_model_ahead_and_one_behind_are_worded_apart(with_lead: WithLead) -> None:
    ahead, behind = (verdict(with_lead(lead, -0.03, 0.05)).text for lead in (0.02, -0.02))
    assert ahead != behind


def test_without_value_there_is_no_verdict(with_lead: WithLead) -> None:
    assert verdict(with_lead(math.nan, math.nan, math.nan)).kind == "unknown"


@given(st.floats(-1, 1), st.floats(0, 0.5), st.floats(0, 0.5))
def test_better_is_said_exactly_when_the_whole_interval_is_above_zero(
    with_lead: WithLead, lead: float, below: float, above: float
) -> None:
    answer = verdict(with_lead(lead, lead - below, lead + above))
    assert (answer.kind == "better") == (lead - below > 0)
    assert (answer.kind == "worse") == (lead + above < 0)


@pytest.mark.parametrize(("members", "said"), [(3, True), (9, True), (10, False)])
def test_a_top_of_too_few_customers_is_said_first(result: TrainingResult, members: int, said: bool) -> None:
    scores = result.population.scores
    scores = scores.assign(top_member=scores["rank"] <= members)
    notice = few_customers(altered(result, scores=scores))
    assert bool(notice) is said
    if notice:
        assert numbers(notice.title) == [str(members), "5"]
        assert numbers(notice.paragraphs[0])[:2] == [f"{100 / members:.0f}", "0.025"]


def test_the_answer_counts_the_top_and_its_share(result: TrainingResult) -> None:
    section = headline_section(result)
    members = result.population.scores[result.population.scores["top_member"]]
    share = members["network_value"].sum() / result.population.scores["network_value"].sum()
    assert numbers(section["answer"]) == ["20", "400", "5", f"{100 * share:.0f}", "180"]
    assert "from 1 January 2026 to 30 June 2026" in section["total"]


def test_the_total_has_its_interval_and_the_number_of_cutoffs_behind_it(result: TrainingResult) -> None:
    total = result.population.total
    interval = words.money_between(total.low, total.high, result.settings.currency)
    assert interval in headline_section(result)["total"]
    assert "at 11 earlier cutoffs" in headline_section(result)["total"]
    one = altered(result, total=replace(total, closed=total.closed[:1]))
    assert "at 1 earlier cutoff." in headline_section(one)["total"]


def test_the_caveat_stands_beside_every_amount_of_influence(result: TrainingResult) -> None:
    section, caveat = headline_section(result), placebo_caveat(result)
    assert numbers(caveat) == numbers(words.percent(result.label.chance_share)) == ["29"]
    assert section["total"].endswith(caveat)
    assert section["label"][0].endswith(caveat)


def test_the_label_is_described_with_its_amounts(result: TrainingResult) -> None:
    credited, method = label_description(result)
    assert "“referral credit + incremental credit”" in credited
    assert numbers(credited) == ["30,000", "90,000", "180", "10,000", "20,000", "67", "29"]
    assert "assuming nothing unmeasured drives both within a stratum" in method


@pytest.mark.parametrize("change", [{"baseline": "product"}, {"expansion": False}])
def test_the_method_follows_the_settings(result: TrainingResult, change: dict[str, object]) -> None:
    credit = result.settings.credit.model_copy(update=change)
    changed = replace(result, settings=result.settings.model_copy(update={"credit": credit}))
    assert label_description(changed)[0] == label_description(result)[0]
    assert label_description(changed)[1] != label_description(result)[1]


def test_a_label_of_referrals_alone_claims_no_assumption(with_influence: WithInfluence) -> None:
    credited, method = label_description(with_influence(0.0, 0.0, 0.0))
    assert numbers(credited) == ["10,000", "90,000", "180"]
    assert numbers(method) == ["0"]
    assert "incremental" not in method


def test_without_interactions_no_method_is_described(bleak: TrainingResult) -> None:
    credited, method = label_description(bleak)
    assert numbers(credited) == ["0", "0", "180"]
    assert len(method) < 100


@pytest.mark.parametrize(
    ("influence", "shuffled", "referral", "answer"),
    [
        (90.0, 60.0, 10_000.0, []),
        (20_000.0, 22_000.0, 10_000.0, ["33"]),
        (90.0, 60.0, 0.0, []),
    ],
)
def test_without_influence_the_answer_is_not_about_the_top(
    with_influence: WithInfluence, influence: float, shuffled: float, referral: float, answer: list[str]
) -> None:
    section = headline_section(with_influence(influence, shuffled, 3.0, referral))
    assert section["notice"]
    assert numbers(section["answer"]) == answer
    assert numbers(section["total"])[:2] == ["20", "400"]


def test_with_influence_or_untested_the_answer_comes_first(result: TrainingResult) -> None:
    untested = altered(result, robustness=None)
    assert headline_section(result)["notice"] is None
    assert headline_section(untested)["notice"] is None
    assert headline_section(untested)["total"].endswith(placebo_caveat(untested))
