"""The benchmark of the report enlarges a run in all its parts, and measures a whole page."""

from __future__ import annotations

import pytest

from benchmarks import report_cost
from benchmarks.harness import Run
from ripple import simulation
from ripple.training.result import TrainingResult
from tests.support.small_settings import SMALL


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> TrainingResult:
    folder = tmp_path_factory.mktemp("world") / "data"
    toml = simulation.settings_toml(11) + SMALL + "[model]\ntrees = 10\n"
    simulation.write(simulation.simulate("default", 250, 11, 3), folder, toml)
    return report_cost.train(folder)


def test_every_part_of_a_run_grows_to_the_size(result: TrainingResult) -> None:
    large = report_cost.enlarge(result, 900)
    assert len(large.population.features) == len(large.population.scores) == 900
    assert large.population.features.index.is_unique
    assert len(large.evaluation.predictions) > 2 * len(result.evaluation.predictions)
    assert not large.insights.histories.labels.empty
    assert set(large.insights.histories.labels.index.get_level_values("customer_id")) <= set(
        large.population.features.index
    )


def test_the_page_of_every_size_is_measured(result: TrainingResult, in_process: Run) -> None:
    (row,) = report_cost.measure(in_process, result, [400])
    assert row["customers"] == 400
    assert row["page_mb"] > 0.5
    assert row["cpu_s"] > 0
    assert row["wall_s"] > 0
