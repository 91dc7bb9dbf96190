import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest

from ripple.sections.report import Plays
from ripple.training.insights.plays import playbook
from ripple.training.measured_effects import MeasuredEffect
from ripple.training.report import render
from ripple.training.report.sections.value.plays import plays_section
from ripple.training.report.text.words import Cell
from ripple.training.result import TrainingResult
from tests.support.runs.rendered_page import numbers, section_html
from tests.support.runs.results import altered


def with_feedback(result: TrainingResult, **plays: object) -> TrainingResult:
    """The same run with feedback, every other customer being unhappy, and other rules."""
    features = result.population.features.assign(
        feedback_latest=[-0.8, 0.8] * (len(result.population.features) // 2)
    )
    settings = result.settings.model_copy(update={"plays": Plays(**plays)})
    book = playbook(features, result.insights.customer_value, result.population.bundle, settings)
    checks = replace(result.data.checks, absent=[])
    return altered(result, features=features, settings=settings, playbook=book, checks=checks)


def test_the_finding_is_the_network_value_at_risk(result: TrainingResult) -> None:
    changed = with_feedback(result, fading_below=0.0)
    customers, segments = (
        changed.insights.customer_value.customers,
        changed.insights.playbook.customer_segments,
    )
    mask = (segments["network"] == "high") & (segments["sentiment"] == "unhappy")
    at_risk = customers["network_value"][mask]
    section = plays_section(changed)
    assert numbers(section["finding"])[:3] == [str(len(at_risk)), "40", f"{at_risk.sum():,.0f}"]
    groups = {name: (int(count.text), share.text) for name, count, _, _, share in section["risks"]}
    assert groups["unhappy"][0] == groups["any of these"][0] == len(at_risk)
    assert groups["all influential customers"][0] == 40
    assert groups["fading"] == (0, "0\u00a0%")


def test_without_a_table_nobody_is_counted_by_what_it_would_tell(result: TrainingResult) -> None:
    """The made-up run has usage and no feedback, so nobody is known to be unhappy."""
    section, both = plays_section(result), plays_section(with_feedback(result))
    assert [name for name, *_ in section["risks"]] == ["fading", "all influential customers"]
    assert len(both["risks"]) == 5
    assert " unhappy or fading" in both["finding"]
    assert " unhappy or fading" not in section["finding"] + section["risk_title"]
    assert section["finding"].endswith("who is unhappy is not known")
    without_usage = replace(result.data.checks, absent=["usage"])
    other = plays_section(altered(with_feedback(result), checks=without_usage))
    assert [name for name, *_ in other["risks"]] == ["unhappy", "all influential customers"]
    assert other["finding"].endswith("who is fading is not known")


def test_network_value_and_own_spend_of_several_customers_are_never_added(result: TrainingResult) -> None:
    changed = with_feedback(result)
    section, book = plays_section(changed), changed.insights.playbook
    for row in section["plays"]:
        own = book.customers[book.customers["play"] == row["name"]]
        network, direct = own["network_value"].sum(), own["direct_value"].sum()
        amounts = [cell.sort for cell in row.values() if isinstance(cell, Cell)]
        assert amounts[1:3] == pytest.approx([network, direct])
        assert not any(abs(amount - network - direct) < 1 for amount in amounts if amount)
        assert row["network"].low <= network <= row["network"].high


def test_where_nobody_is_at_risk_the_finding_is_zero(result: TrainingResult) -> None:
    calm = with_feedback(result, fading_below=0.0, unhappy_below=-1.0)
    assert numbers(plays_section(calm)["finding"]) == ["0", "40"]


def test_every_play_with_customers_is_shown_and_the_others_are_named(result: TrainingResult) -> None:
    changed = with_feedback(result)
    section, book = plays_section(changed), changed.insights.playbook
    used = book.plays[book.plays["customers"] > 0]
    assert [row["name"] for row in section["plays"]] == used["play"].tolist()
    assert set(section["unused"]) == set(book.plays["play"]) - set(used["play"])
    assert {row["play"] for row in section["customers"]} == set(used["play"])
    for row in section["customers"]:
        customer = book.customers.loc[row["id"]]
        of_rules = [part for part in customer["reasons"].split("; ") if "raises the" not in part]
        assert row["reasons"].startswith("; ".join(of_rules))
        assert "raises the" not in row["reasons"]
        raising = customer["reasons"].count("raises the")
        assert row["reasons"].count("(raises network value ×") == raising
        assert row["value"].sort == round(customer["value"], 6)


def test_missing_tables_and_columns_are_named(result: TrainingResult, bleak: TrainingResult) -> None:
    (feedback,) = plays_section(result)["missing"]
    section = plays_section(bleak)
    assert section["missing"][0] == feedback
    for sentence, name in zip(section["missing"], ("feedback", "usage", "margin"), strict=True):
        assert name in sentence
    assert numbers(section["finding"])[0] == "2"


def test_costs_that_are_not_known_are_missing(bleak: TrainingResult) -> None:
    section = plays_section(bleak)
    assert section["plays"]
    assert all(row["cost"].missing for row in section["plays"] + section["customers"])


def test_rules_that_match_nobody_leave_no_table(result: TrainingResult) -> None:
    rule = {"play": "greet", "action": "say hello", "sentiment": "happy"}
    settings = result.settings.model_copy(update={"plays": Plays(rules=[rule])})
    book = playbook(
        result.population.features, result.insights.customer_value, result.population.bundle, settings
    )
    assert book.customers.empty
    html = section_html(render(altered(result, settings=settings, playbook=book)), "turn")
    assert "plays.rules" in html
    assert 'aria-label="Plays"' not in html
    assert not re.search(r"<tbody>\s*</tbody>", html)


def test_predictions_that_were_too_high_add_a_warning(result: TrainingResult) -> None:
    def caution(realised_ratio: float) -> list[str]:
        value = replace(result.insights.customer_value, realised_ratio=realised_ratio)
        return numbers(plays_section(altered(result, customer_value=value))["caution"])

    assert caution(1.0) == ["29"]
    assert caution(0.6) == ["60", "29"]


def test_where_all_may_be_chance_nobody_counts_as_influential(result: TrainingResult) -> None:
    value = replace(result.insights.customer_value, chance_share=1.0)
    book = playbook(result.population.features, value, result.population.bundle, result.settings)
    changed = altered(result, customer_value=value, playbook=book)
    section = plays_section(changed)
    spend = book.customers["direct_value"].sum()
    assert numbers(section["finding"]) == ["40", f"{spend:,.0f}", "0"]
    assert set(book.customers["play"]) <= {"win back", "connect"}
    assert section["risks"] == []
    assert 'aria-label="Network value at risk"' not in section_html(render(changed), "turn")


def test_without_influence_the_caution_begins_with_it(with_influence: Callable[..., TrainingResult]) -> None:
    assert plays_section(with_influence(90.0, 60.0, 3.0))["caution"].startswith("No influence was found.")


def test_every_segment_names_its_plays(result: TrainingResult) -> None:
    changed = with_feedback(result)
    rows = plays_section(changed)["segments"]
    assert sum(row["customers"].sort for row in rows) == len(changed.population.features)
    low = [row for row in rows if (row["network"], row["direct"]) == ("low", "low")]
    assert low
    assert all(row["plays"] == "no play" for row in low)


def test_a_play_says_what_an_experiment_measured_of_it(result: TrainingResult) -> None:
    effect = MeasuredEffect("nurture", "july", 0.07, 0.02, 0.12, datetime(2025, 7, 1), 40)
    book = replace(result.insights.playbook, measured={"nurture": effect}, resting=3)
    section = plays_section(altered(result, playbook=book))
    actions = {row["name"]: row["action"] for row in section["plays"]}
    assert numbers(actions.pop("nurture"))[-4:] == ["7", "95", "2", "12"]
    assert not any("measured" in action for action in actions.values())
    assert any(numbers(sentence) == ["3", "90"] for sentence in section["missing"])
