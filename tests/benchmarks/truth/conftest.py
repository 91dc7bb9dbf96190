"""What tests of several modules of the benchmark share: figures of one small world."""

from __future__ import annotations

from datetime import timedelta

import pytest

from benchmarks.truth import forecast, run
from benchmarks.truth.figures import Figures
from benchmarks.truth.forecast import Forecast
from ripple import simulation
from ripple.features.validation import checks
from ripple.settings import load as load_settings


@pytest.fixture(scope="session")
def figures() -> Figures:
    """Figures of the label and its rivals in a small world, without a forecast."""
    return run.evaluate("default", 7, 250, baselines=["product"], redraws=2, forecast=False)


@pytest.fixture(scope="session")
def small_forecast(tmp_path_factory: pytest.TempPathFactory) -> Forecast:
    """A forecast of a small world, by few trees, at one cutoff."""
    history = simulation.simulate_with_truth("default", 250, 30, 7)
    folder = tmp_path_factory.mktemp("world") / "data"
    few = "[model]\ntrees = 10\n[cutoffs]\nevaluate = 1\nstep_days = 180\n"
    simulation.write(simulation.tables(history), folder, simulation.settings_toml(30) + few)
    dataset, report = checks.load(folder, load_settings(folder))
    horizon = timedelta(days=dataset.settings.horizon_days)
    return forecast.evaluate_forecast(
        dataset,
        report,
        history,
        lambda cutoff: forecast.expected_values(history, cutoff, cutoff + horizon, redraws=2),
    )
