from collections.abc import Callable
from dataclasses import replace

import pytest

from ripple.training.report.sections.value.profitability import profitability_section
from ripple.training.result import TrainingResult
from tests.support.runs.rendered_page import numbers
from tests.support.runs.results import altered


@pytest.fixture(scope="module")
def section(result: TrainingResult) -> dict:
    return profitability_section(result)


def test_groups_are_averages_per_customer(result: TrainingResult, section: dict) -> None:
    top, spenders, everybody = section["groups"]
    customers = result.insights.customer_value.customers
    members = result.population.scores.index[result.population.scores["top_member"]]
    assert [one.customers.text for one in section["groups"]] == ["20", "20", "400"]
    assert top.network.sort == pytest.approx(customers.loc[members, "network_value"].mean())
    assert top.gain.sort == pytest.approx(customers.loc[members, "gain"].mean())
    assert spenders.revenue.sort == pytest.approx(customers["revenue"].nlargest(20).mean())
    known = customers[customers["margin"].notna()]
    assert everybody.margin_share.sort == pytest.approx(known["margin"].sum() / known["revenue"].sum())
    assert " to " in top.interval


def test_the_finding_is_the_most_that_keeping_one_may_cost(section: dict) -> None:
    top, _, everybody = section["groups"]
    parts = (top.direct.text, top.network.text, "5", "180", top.gain.text, top.interval, everybody.gain.text)
    assert numbers(section["finding"]) == [number for part in parts for number in numbers(part)]


def test_the_caution_has_the_shares_that_count(result: TrainingResult, section: dict) -> None:
    value = result.insights.customer_value
    shares = (value.spendable_share, 1 - value.chance_share, min(1.0, value.realised_ratio))
    assert numbers(section["caution"]) == [f"{100 * share:.0f}" for share in shares]


def test_thin_margins_are_those_of_the_influential_below_the_setting(result: TrainingResult) -> None:
    def listed(threshold: float) -> dict:
        plays = result.settings.plays.model_copy(update={"thin_margin": threshold})
        return profitability_section(
            replace(result, settings=result.settings.model_copy(update={"plays": plays}))
        )

    segments = result.insights.playbook.customer_segments
    high = result.insights.customer_value.customers[
        (segments["network"] == "high") | (segments["direct"] == "high")
    ]
    limit = float(high["margin_share"].median())
    thin = high[high["margin_share"] < limit].sort_values("value", ascending=False)
    section = listed(limit)
    assert [name for name, _ in section["thin"]] == list(thin.index[:10])
    assert numbers(section["thin_finding"])[:2] == [str(len(thin)), str(len(high))]
    nobody = listed(0.0)
    assert nobody["thin"] == []
    assert numbers(nobody["thin_finding"]) == ["0", str(len(high)), "0"]


def test_who_may_cost_most_comes_first(result: TrainingResult, section: dict) -> None:
    best = result.insights.customer_value.customers["gain"].sort_values(ascending=False)
    assert [name for name, _ in section["keep"]] == list(best.index[:10])
    assert [cells[-1].sort for _, cells in section["keep"]] == [round(gain, 6) for gain in best[:10]]


def test_without_margins_the_section_says_what_to_add(bleak: TrainingResult) -> None:
    section = profitability_section(bleak)
    assert not section["known"]
    assert "plays.margin_share" in section["no_margin"]
    assert all(row.gain.missing and row.interval == "" for row in section["groups"])
    assert section["thin"] == section["keep"] == []


def test_where_all_may_be_chance_the_top_is_that_by_spend(result: TrainingResult) -> None:
    worthless = altered(result, customer_value=replace(result.insights.customer_value, chance_share=1.0))
    for run, place in ((result, 0), (worthless, 1)):
        section = profitability_section(run)
        assert section["groups"][place].name in section["finding"]
        assert section["groups"][1 - place].name not in section["finding"]


def test_without_influence_the_section_says_so(with_influence: Callable[..., TrainingResult]) -> None:
    assert profitability_section(with_influence(90.0, 60.0, 3.0))["caution"].startswith(
        "No influence was found."
    )
