from collections.abc import Callable
from dataclasses import replace

import pytest

from ripple.training.report.sections.value.profitability import earn
from ripple.training.result import TrainingResult


@pytest.fixture(scope="module")
def told(result: TrainingResult) -> dict:
    return earn(result)


def test_groups_are_averages_per_customer(result: TrainingResult, told: dict) -> None:
    top, spenders, everybody = told["groups"]
    customers = result.customer_value.customers
    members = result.scores.index[result.scores["top_member"]]
    assert (top.customers, spenders.customers, everybody.customers) == ("20", "20", "400")
    assert top.network.sort == pytest.approx(customers.loc[members, "network_value"].mean())
    assert top.gain.sort == pytest.approx(customers.loc[members, "gain"].mean())
    assert spenders.revenue.sort == pytest.approx(customers["revenue"].nlargest(20).mean())
    known = customers[customers["margin"].notna()]
    assert everybody.margin_share.sort == pytest.approx(known["margin"].sum() / known["revenue"].sum())
    assert " to " in top.interval


def test_the_finding_is_the_most_that_keeping_one_may_cost(told: dict) -> None:
    top, _, everybody = told["groups"]
    assert f"of that, {top.gain.text} ({top.interval}) is margin" in told["finding"]
    assert told["finding"].endswith(f"against {everybody.gain.text} for the average customer")


def test_what_is_counted_on_is_told(result: TrainingResult, told: dict) -> None:
    assert f"{100 * result.customer_value.counted:.0f}\u00a0% is counted on" in told["caution"]
    assert "(60\u00a0%)" in told["caution"]


def test_thin_margins_are_those_of_the_influential_below_the_setting(result: TrainingResult) -> None:
    def listed(threshold: float) -> dict:
        plays = result.settings.plays.model_copy(update={"thin_margin": threshold})
        return earn(replace(result, settings=result.settings.model_copy(update={"plays": plays})))

    found = result.playbook.segment_of
    high = result.customer_value.customers[(found["network"] == "high") | (found["direct"] == "high")]
    limit = float(high["margin_share"].median())
    thin = high[high["margin_share"] < limit].sort_values("value", ascending=False)
    found = listed(limit)
    assert [name for name, _ in found["thin"]] == list(thin.index[:10])
    assert found["thin_finding"].startswith(
        f"{len(thin)} of {len(high)} customers of high network value or high spend have a margin below"
    )
    nobody = listed(0.0)
    assert nobody["thin"] == []
    assert nobody["thin_finding"].startswith(f"Not one of the {len(high)} customers")


def test_who_may_cost_most_comes_first(result: TrainingResult, told: dict) -> None:
    best = result.customer_value.customers["gain"].sort_values(ascending=False)
    assert [name for name, _ in told["keep"]] == list(best.index[:10])
    assert [cells[-1].sort for _, cells in told["keep"]] == [round(gain, 6) for gain in best[:10]]


def test_without_margins_the_section_says_what_to_add(bleak: TrainingResult) -> None:
    found = earn(bleak)
    assert not found["known"]
    assert "orders do not tell it" in found["finding"]
    assert "plays.margin_share" in found["no_margin"]
    assert all(row.gain.missing and row.interval == "" for row in found["groups"])


def test_where_nothing_is_credible_the_top_is_that_by_spend(result: TrainingResult) -> None:
    worthless = replace(result, customer_value=replace(result.customer_value, credible=0.0))
    assert earn(result)["finding"].startswith("One of the top 5\u00a0% by network value is expected")
    assert earn(worthless)["finding"].startswith("One of the top 5\u00a0% by spend is expected")


def test_without_influence_the_section_says_so(with_influence: Callable[..., TrainingResult]) -> None:
    assert earn(with_influence(90.0, 60.0, 3.0))["caution"].startswith("No influence was found.")
