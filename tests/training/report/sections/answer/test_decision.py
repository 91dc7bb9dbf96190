from collections.abc import Callable
from dataclasses import replace

import pandas as pd
import pytest

from ripple.training.evaluation.baselines import baselines
from ripple.training.report.sections.answer.decision import (
    MAX_NAMES,
    MOST_CONNECTED,
    NEWCOMERS,
    decision_section,
)
from ripple.training.report.sections.trust.backtest import RULES
from ripple.training.report.text import words
from ripple.training.result import TrainingResult
from tests.support.runs.rendered_page import numbers
from tests.support.runs.results import altered


def test_each_play_has_its_number_its_value_and_its_first_customers(result: TrainingResult) -> None:
    tasks, book = decision_section(result)["tasks"], result.insights.playbook
    used = book.plays[book.plays["customers"] > 0]
    assert [task.play for task in tasks] == list(used["play"])
    assert [numbers(task.customers) for task in tasks] == [[str(number)] for number in used["customers"]]
    for task in tasks:
        of_play = book.customers[book.customers["play"] == task.play]
        assert task.names == list(of_play.index[:MAX_NAMES])
        network, direct = (float(of_play[amounts].sum()) for amounts in ("network_value", "direct_value"))
        assert task.network == words.money(network, result.settings.currency)
        assert task.direct == words.bare(direct)


def test_the_last_list_is_the_latest_one_that_was_evaluated(result: TrainingResult) -> None:
    last, judged = decision_section(result)["last"], result.judged_tops[-1]
    assert last.when == "5 July 2025"
    figures = [figure for figure, _ in last.facts]
    assert figures == [
        words.percent(judged.share),
        words.percent(judged.rule_share),
        words.percent(judged.best_share),
        f"{judged.right} of {judged.customers}",
    ]


def test_the_lead_has_the_total_of_the_list_and_of_everybody(result: TrainingResult) -> None:
    scores, lead = result.population.scores, decision_section(result)["lead"]
    top = scores["network_value"][scores["top_member"]].sum()
    currency = result.settings.currency
    assert numbers(lead)[:3] == ["20", "400", "5"]
    assert words.money(float(top), currency) in lead
    assert words.money_between(result.population.total.low, result.population.total.high, currency) in lead
    assert "30 June 2026" in lead


@pytest.mark.parametrize(
    ("kind", "found", "true", "rule", "warned"),
    [
        (NEWCOMERS, 0.03, 0.17, 0.1, True),
        (NEWCOMERS, 0.15, 0.17, 0.1, False),
        (MOST_CONNECTED, 0.7, 0.6, 0.9, True),
        (MOST_CONNECTED, 0.9, 0.4, 0.1, True),
        (MOST_CONNECTED, 0.6, 0.6, 0.1, False),
    ],
)
def test_weak_spots_are_named_by_the_evidence(
    result: TrainingResult, kind: str, found: float, true: float, rule: float, warned: bool
) -> None:
    slices = result.evaluation.backtest.slices.head(1).assign(
        slice=kind, top_share=found, true_top_share=true, rule_capture=rule, capture=0.5
    )
    changed = altered(result, backtest=replace(result.evaluation.backtest, slices=slices))
    warnings = decision_section(changed)["warnings"]
    named = [one for one in warnings if "misses" in one or "tenth" in one]
    assert bool(named) == warned


def test_where_all_is_noise_nothing_is_said_to_come_from_others(
    result: TrainingResult, with_influence: Callable[..., TrainingResult]
) -> None:
    noise = decision_section(with_influence(90.0, 60.0, 3.0, referral=0.0))
    assert noise["title"] == "Do not act on this list"
    assert noise["lead"] == ""
    assert len(noise["warnings"]) == 1
    assert {task.network for task in noise["tasks"]} == {""}
    referrals = decision_section(with_influence(90.0, 60.0, 3.0))
    assert referrals["title"] == decision_section(result)["title"]
    assert all(task.network for task in referrals["tasks"])


@pytest.mark.parametrize(
    ("ratios", "said"),
    [([1.2, 0.9, 1.9], None), ([1.7, 0.9, 3.7], ["90", "370", "3"]), ([0.4], ["40", "1"])],
)
def test_a_total_that_was_far_off_is_not_to_be_planned_with(
    result: TrainingResult, ratios: list[float], said: list[str] | None
) -> None:
    backtest = result.evaluation.backtest
    heads = pd.concat([backtest.heads.head(1)] * len(ratios)).assign(predicted_share=ratios)
    warnings = decision_section(altered(result, backtest=replace(backtest, heads=heads)))["warnings"]
    told = [numbers(one) for one in warnings if "total" in one]
    assert told == ([] if said is None else [said])


def test_customers_who_joined_lately_are_no_kind_where_everybody_did(result: TrainingResult) -> None:
    slices = result.evaluation.backtest.slices.head(1).assign(
        slice=NEWCOMERS, top_share=1.0, true_top_share=1.0, capture=0.5
    )
    changed = altered(result, backtest=replace(result.evaluation.backtest, slices=slices))
    assert "joined lately" in " ".join(decision_section(result)["warnings"])
    assert "joined lately" not in " ".join(decision_section(changed)["warnings"])


def test_unknown_evidence_still_warns(bleak: TrainingResult) -> None:
    section = decision_section(bleak)
    assert len(section["warnings"]) == 2
    assert section["rule_list"] == []


def test_the_list_by_the_rule_is_there_where_the_rule_is_better(
    result: TrainingResult, with_lead: Callable[..., TrainingResult]
) -> None:
    assert decision_section(result)["rule_list"] == []
    worse = with_lead(-0.04, -0.07, -0.01)
    listed = decision_section(worse)["rule_list"]
    scores = baselines(worse.population.features)[worse.evaluation.backtest.best_baseline]
    assert len(listed) == worse.population.scores["top_member"].sum()
    by_id = dict(zip(worse.population.features.index, scores, strict=True))
    assert sorted((by_id[name] for name, _ in listed), reverse=True) == sorted(scores, reverse=True)[:20]


def test_a_rule_that_features_do_not_tell_gives_way_to_the_next_best(
    with_lead: Callable[..., TrainingResult],
) -> None:
    worse = with_lead(-0.04, -0.07, -0.01)
    backtest = worse.evaluation.backtest
    best = backtest.rankings["ranking"].where(
        backtest.rankings["ranking"] != backtest.best_baseline, "time-decayed credit"
    )
    untold = replace(
        backtest, rankings=backtest.rankings.assign(ranking=best), best_baseline="time-decayed credit"
    )
    section, known = decision_section(altered(worse, backtest=untold)), decision_section(worse)
    assert section["rule_words"] not in ("", known["rule_words"], RULES["time-decayed credit"])
    assert len(section["rule_list"]) == len(known["rule_list"])


def test_simulated_data_are_marked(result: TrainingResult) -> None:
    assert not decision_section(result)["simulated"]
    settings = result.settings.model_copy(update={"simulated": True})
    assert decision_section(replace(result, settings=settings))["simulated"]
