import pandas as pd

from ripple.training.insights.customer_histories import CustomerHistories, listed_customers
from ripple.training.report.sections.answer.role_models import MAX_ROWS, role_models_section
from ripple.training.result import TrainingResult
from tests.support.runs.rendered_page import numbers
from tests.support.runs.results import altered


def with_influencers(result: TrainingResult, sources: int) -> TrainingResult:
    """Source i influenced the first i + 1 of the top, each for 10, and one who is not in the top."""
    top = list(listed_customers(result.population.scores).index)
    outside = result.population.scores["rank"].idxmax()
    rows = [
        {"source_id": f"s{i:02}", "target_id": target, "value": 10.0}
        for i in range(sources)
        for target in [*top[: i + 1], outside]
    ]
    histories = result.insights.histories
    changed = CustomerHistories(
        histories.features, histories.labels, histories.influenced, histories.start, histories.end
    )
    return altered(result, histories=type(changed)(**{**vars(changed), "influencers": pd.DataFrame(rows)}))


def test_who_influences_most_of_the_top_comes_first(result: TrainingResult) -> None:
    section = role_models_section(with_influencers(result, 3))
    assert [row.id for row in section["models"]] == ["s02", "s01", "s00"]
    assert [row.followers.sort for row in section["models"]] == [3, 2, 1]
    assert [row.value.sort for row in section["models"]] == [30, 20, 10]
    assert numbers(section["finding"])[:4] == ["3", "20", "5", "3"]
    assert len(section["models"][0].examples) == 3


def test_no_more_than_some_are_listed_and_the_others_are_counted(result: TrainingResult) -> None:
    section = role_models_section(with_influencers(result, 20))
    assert (len(section["models"]), section["more"]) == (MAX_ROWS, 20 - MAX_ROWS)


def test_every_power_has_shares_and_reach_of_the_top_and_of_all(result: TrainingResult) -> None:
    powers = role_models_section(result)["powers"]
    assert [name for name, _, _ in powers] == ["referent", "informational", "expert"]
    assert [cell.text for cell in powers[1][2]] == ["50\u00a0%", "25\u00a0%", "2.5", "1"]
    assert powers[0][2][2].missing


def test_without_influence_or_interactions_nobody_is_a_role_model(
    result: TrainingResult, bleak: TrainingResult
) -> None:
    section = role_models_section(bleak)
    assert (section["models"], section["powers"]) == ([], [])
    assert section["finding"].startswith("Nobody is known")
