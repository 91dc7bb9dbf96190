"""A run on the customers and orders of the small dataset, and nothing else of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ripple.features.validation.checks import load
from ripple.settings import load as load_settings
from ripple.training.orders_alone import pipeline
from ripple.training.orders_alone.pipeline import SpendRun
from ripple.training.orders_alone.spend_result import SpendResult


@pytest.fixture(scope="session")
def orders_alone(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the dataset."""
    out = tmp_path_factory.mktemp("orders_alone") / "shop"
    out.mkdir()
    for name in ("customers", "orders"):
        shutil.copy(folder / f"{name}.parquet", out)
    shutil.copy(folder / "ripple.toml", out)
    return out


@pytest.fixture(scope="session")
def spend_run(orders_alone: Path, tmp_path_factory: pytest.TempPathFactory) -> SpendRun:
    """The run, recorded in a home of its own."""
    home = tmp_path_factory.mktemp("orders_alone_home")
    dataset, checks = load(orders_alone, load_settings(orders_alone).model_copy(update={"home": home}))
    return pipeline.train(dataset, checks, "shop")


@pytest.fixture(scope="session")
def spend_result(spend_run: SpendRun) -> SpendResult:
    """Its result."""
    return spend_run.result
