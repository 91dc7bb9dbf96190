import math
from collections.abc import Callable

import pandas as pd

import ripple.training.insights.customer_histories as histories
from ripple.training.report.sections.answer.customers import customers_section
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
        assert row.waterfall.score == row.value.text
        assert row.member == score["top_member"]
        assert row.reason == row.reasons[0]


def test_the_finding_adds_the_rows_up(result: TrainingResult) -> None:
    section = customers_section(result)
    values = result.population.scores["network_value"]
    listed = values.nlargest(len(section["rows"])).sum()
    assert numbers(section["finding"])[:3] == [
        f"{listed:,.0f}",
        f"{100 * listed / values.sum():.0f}",
        str(len(section["rows"])),
    ]
    assert section["rows"][0].id in section["finding"]


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
