import math
from collections.abc import Callable
from dataclasses import replace

import pandas as pd
import pytest

import ripple.training.insights.customer_histories as histories
from ripple.models.reasons import reasons
from ripple.training.insights.best_periods import BestPeriods
from ripple.training.insights.plays import playbook
from ripple.training.report.sections.answer.customers import customers_section, growth, total_growth
from ripple.training.result import TrainingResult
from tests.support.runs.rendered_page import numbers
from tests.support.runs.results import altered


def test_the_best_come_first_with_their_scores(result: TrainingResult) -> None:
    rows = customers_section(result)["rows"]
    assert len(rows) == len(histories.listed_customers(result.population.scores))
    best = result.population.scores.sort_values("rank")
    for row, (name, score) in zip(rows, best.iterrows(), strict=False):
        assert row.id == name
        assert row.rank.sort == score["rank"]
        assert row.value.sort == round(score["network_value"], 6)
        assert row.probability.sort == score["top_probability"]
        assert row.waterfall.score == f"{row.value.text}\u00a0{result.settings.currency}"
        assert row.member == score["top_member"]
        assert any(reason.startswith(f"{row.reason}: raises") for reason in row.reasons)


def test_the_finding_adds_the_rows_up(result: TrainingResult) -> None:
    section = customers_section(result)
    values = result.population.scores["network_value"]
    listed = values.nlargest(len(section["rows"])).sum()
    assert numbers(section["finding"])[:3] == [
        f"{listed:,.0f}",
        f"{100 * listed / values.sum():.0f}",
        str(len(section["rows"])),
    ]


def test_the_caution_has_the_precision_and_how_many_may_bring_nothing(result: TrainingResult) -> None:
    likely, unlikely = (
        customers_section(
            altered(result, scores=result.population.scores.assign(any_value_probability=chance))
        )
        for chance in (0.81, 0.79)
    )
    assert numbers(likely["caution"]) == ["31", "100"]
    assert numbers(unlikely["caution"]) == ["31", "100", str(len(unlikely["rows"])), "80"]


def test_a_row_has_the_chance_of_any_value_and_its_range(result: TrainingResult) -> None:
    for row in customers_section(result)["rows"]:
        score = result.population.scores.loc[row.id]
        assert row.any_value.sort == score["any_value_probability"]
        assert row.low.sort == round(score["if_any_value_low"], 6)
        assert row.high.sort == round(score["if_any_value_high"], 6)


def test_without_influence_the_caution_says_more(
    result: TrainingResult, with_influence: Callable[..., TrainingResult]
) -> None:
    caution = customers_section(with_influence(90.0, 60.0, 3.0))["caution"]
    assert caution != customers_section(result)["caution"]
    assert caution.endswith(customers_section(result)["caution"])


def test_an_open_interval_is_not_shown_as_a_number(bleak: TrainingResult) -> None:
    row = customers_section(bleak)["rows"][0]
    assert math.isinf(bleak.population.scores["if_any_value_high"].iloc[0])
    assert row.high.missing
    assert row.high.sort is None


def test_few_customers_are_all_shown(bleak: TrainingResult) -> None:
    assert len(customers_section(bleak)["rows"]) == 12


def test_names_and_owners_stand_beside_the_ids_where_they_are_known(result: TrainingResult) -> None:
    index = result.population.scores.index
    names = pd.DataFrame({"display_name": [f"Firm {name}" for name in index]}, index=index)
    names.loc[index[0], "display_name"] = None
    for row in customers_section(altered(result, attributes=names))["rows"]:
        assert row.label == (row.id if row.id == index[0] else f"Firm {row.id} ({row.id})")
        assert row.owner == ""


def test_what_moves_the_probability_is_told_in_probability(result: TrainingResult) -> None:
    """Odds are the probability ÷ (1 − probability), and the effect is on their logarithm."""
    row = customers_section(result)["rows"][0]
    bundle, scores = result.population.bundle, result.population.scores
    x = bundle.matrix(result.population.features.loc[[row.id]])
    strongest = reasons(bundle, "top", x, 1)[0][0]
    probability = scores.loc[row.id, "top_probability"]
    odds = probability / (1 - probability) / strongest.factor
    assert "odds" not in " ".join(row.top_reasons)
    assert numbers(row.top_reasons[0])[-2:] == [
        f"{100 * odds / (1 + odds):.0f}",
        f"{100 * probability:.0f}",
    ]


def test_a_customer_has_play_sentiment_and_attributes(result: TrainingResult) -> None:
    index = result.population.scores.index
    ages = pd.Series(200.0, index)
    ages[index[::2]] = 10.0
    features = result.population.features.assign(feedback_latest=-0.5)
    book = playbook(features, result.insights.customer_value, result.population.bundle, result.settings, ages)
    profile = pd.DataFrame({"owner": "Ann", "plan": "pro", "seats": 1250.0, "note": None}, index)
    changed = altered(result, playbook=book, profile=profile, checks=replace(result.data.checks, absent=[]))
    rows = customers_section(changed)["rows"]
    for row in rows:
        recent = ages[row.id] == 10.0
        assert row.sentiment.name == ("unhappy" if recent else "silent")
        assert row.sentiment.day == ("22 December 2025" if recent else "15 June 2025")
        assert row.sentiment.iso == ("2025-12-22" if recent else "2025-06-15")
        facts = dict(row.facts)
        assert facts["Sentiment"].startswith(f"{row.sentiment.name}: −0.50 on {row.sentiment.day}")
        assert facts["Play"] == row.play == ("rescue" if recent else facts["Play"])
        assert (facts["Owner"], row.owner) == ("Ann", "Ann")
        assert row.attributes == [("plan", "pro"), ("seats", "1,250")]
    assert {row.sentiment.name for row in rows} == {"unhappy", "silent"}
    assert {row.sentiment.name for row in customers_section(result)["rows"]} == {"not known"}


@pytest.mark.parametrize(("realised", "conclusion"), [(30_000.0, "an over-forecast"), (48_000.0, "growth")])
def test_a_best_period_ever_is_growth_or_an_over_forecast_by_what_came_of_such_forecasts(
    result: TrainingResult, realised: float, conclusion: str
) -> None:
    best = BestPeriods(19, 15, 40, 12, 50_000.0, realised)
    sentence = growth(altered(result, best_periods=best))[0]
    assert numbers(sentence) == ["15", "19", "40", "12", f"{realised / 500:.0f}"]
    assert f"speaks for {conclusion}" in sentence


@pytest.mark.parametrize(("factor", "told"), [(1.2, False), (2.0, True), (0.7, True)])
def test_a_total_far_from_the_latest_is_said(result: TrainingResult, factor: float, told: bool) -> None:
    total = result.population.total
    latest = total.closed[-1].realised
    changed = altered(result, best_periods=None, total=replace(total, predicted=factor * latest))
    assert bool(growth(changed)) is told
    if told:
        assert numbers(growth(changed)[0])[0] == f"{factor:.2f}"


@pytest.mark.parametrize(("factor", "told"), [(1.2, False), (2.0, True), (0.7, True)])
def test_the_first_screen_says_it_in_two_sentences(result: TrainingResult, factor: float, told: bool) -> None:
    total = result.population.total
    latest = total.closed[-1].realised
    sentence = total_growth(altered(result, total=replace(total, predicted=factor * latest)))
    assert bool(sentence) is told
    if told:
        assert numbers(sentence)[0] == f"{factor:.2f}"
        assert numbers(sentence)[-1] == str(len(total.closed))
