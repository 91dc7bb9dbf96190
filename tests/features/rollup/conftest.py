"""Caches as earlier runs left them; datasets are rolled up month by month here, as large ones are."""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path

import pytest

from ripple.features.rollup import history
from ripple.settings import Settings
from tests.support.oracles.feature_frames import Frames, cached_files, features_at, folders_written
from tests.support.oracles.feature_runs import (
    EARLY,
    FRAMES,
    NEW,
    OLD,
    SETTINGS,
    Run,
    Start,
    assert_right,
    opened,
)


@pytest.fixture(autouse=True, scope="module")
def _months_are_parts():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history, "MIN_ROWS_PER_PART", 1)
        yield


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a run on `FRAMES` at three cutoffs leaves in the cache."""
    folder = tmp_path_factory.mktemp("filled")
    dataset = opened(FRAMES, folder / "data", folder / "cache")
    for as_of in (EARLY, OLD, NEW):
        assert_right(features_at(dataset, as_of), FRAMES, as_of)
    return folder / "cache"


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A cache in which no run has left anything."""
    return tmp_path / "cache"


@pytest.fixture
def cache(empty: Path, filled: Path) -> Path:
    """A cache of one's own, as left by the run on `FRAMES`."""
    return shutil.copytree(filled, empty)


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Runs on frames with what earlier runs have left in a cache; every matrix has to be right."""

    def start(cache: Path, frames: Frames, *cutoffs: datetime, settings: Settings = SETTINGS) -> Run:
        before, dataset = cached_files(cache), opened(frames, tmp_path / "data", cache, settings)
        return Run(
            [features_at(dataset, as_of) for as_of in cutoffs], folders_written(before, cached_files(cache))
        )

    return start
