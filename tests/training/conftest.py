"""One small simulated dataset, learnt from and recorded in MLflow once for all tests of the folder."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path

import pytest
from mlflow.tracking._tracking_service import utils
from playwright.sync_api import Browser
from threadpoolctl import threadpool_limits

from ripple import simulation
from ripple.features.dataset import Dataset
from ripple.features.validation.checks import Report, load
from ripple.settings import Settings
from ripple.settings import load as load_settings
from ripple.training import pipeline
from ripple.training.examples.cutoffs import Schedule, schedule
from ripple.training.examples.examples import Examples, examples_at
from ripple.training.pipeline import TrainedVersion
from ripple.training.result import TrainingResult
from tests.support.servers import chromium
from tests.support.small_settings import LENIENT, SMALL

HERE = Path(__file__).parent
# raised inside MLflow when it is first used and when it reads the names of columns
THIRD_PARTY = (
    "ignore:The ``noload`` loader strategy is deprecated",
    "ignore:Operation with range is deprecated",
    "ignore:.*Any type hint is inferred as AnyType",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            for ignored in THIRD_PARTY:
                item.add_marker(pytest.mark.filterwarnings(ignored))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The Chromium of the machine."""
    executable = chromium.path()
    if executable is None:
        pytest.skip("no Chromium here: apt-get install chromium, or set CHROMIUM to the path of one")
    with chromium.launched(executable) as browser:
        yield browser


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dataset as files."""
    out = tmp_path_factory.mktemp("data") / "small"
    simulation.write(
        simulation.simulate("default", 400, 11, 3), out, simulation.settings_toml(11) + SMALL + LENIENT
    )
    return out


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """Two threads on so little data mostly wait for each other."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="session")
def opened(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Dataset, Report]:
    """The dataset, checked; runs of it are kept in a folder of their own."""
    home = tmp_path_factory.mktemp("home")
    return load(folder, load_settings(folder).model_copy(update={"home": home}))


@pytest.fixture(scope="session")
def plan(opened: tuple[Dataset, Report]) -> Schedule:
    dataset, checks = opened
    return schedule(checks.start, checks.end, dataset.settings)


@pytest.fixture(scope="session")
def examples(opened: tuple[Dataset, Report], plan: Schedule) -> Mapping[datetime, Examples]:
    """Features and labels at every cutoff."""
    return {cutoff: examples_at(opened[0], cutoff) for cutoff in plan.all}


@pytest.fixture(scope="session")
def trained_result(opened: tuple[Dataset, Report], examples: Mapping[datetime, Examples]) -> TrainingResult:
    """What learning from the dataset found."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "examples_at", lambda dataset, cutoff, *_: examples[cutoff])
        return pipeline.fit_and_evaluate(*opened, "first")


@pytest.fixture(scope="session")
def result(trained_result: TrainingResult) -> TrainingResult:
    """The same; tests of the report's sections have a made-up one instead."""
    return trained_result


@pytest.fixture
def progress(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """Gives the lines of progress logged so far."""
    caplog.set_level(logging.INFO, "ripple")
    return lambda: [record.getMessage() for record in caplog.records if record.name.startswith("ripple.")]


@pytest.fixture
def copied_store(opened: tuple[Dataset, Report], trained: TrainedVersion, tmp_path: Path) -> Settings:
    """Settings of a home with a copy of the store as it was when the first run had been recorded."""
    shutil.copyfile(opened[0].settings.home / "first.db", tmp_path / "mlflow.db")
    # its own artifacts, for MLflow's paths follow the home
    shutil.copytree(opened[0].settings.home / "artifacts", tmp_path / "artifacts")
    # in this process MLflow remembers where the artifacts of a run were
    utils._artifact_repos_cache.clear()
    return Settings(home=tmp_path)


@pytest.fixture(scope="session")
def trained(opened: tuple[Dataset, Report], trained_result: TrainingResult) -> TrainedVersion:
    """The first run, recorded in MLflow: a version, which is champion, and its report."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "fit_and_evaluate", lambda *given: trained_result)
        training = pipeline.train(*opened, "first")
    home = opened[0].settings.home
    shutil.copyfile(home / "mlflow.db", home / "first.db")
    return training
