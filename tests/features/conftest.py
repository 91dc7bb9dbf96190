"""Fixtures over `tests.support.oracles.feature_frames`."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ripple.features.dataset import Dataset, open_dataset
from ripple.features.validation.checks import Report, check
from ripple.settings import load
from tests.support.oracles import feature_frames
from tests.support.oracles.feature_frames import Frames

Write = Callable[..., Path]
Open = Callable[..., Dataset]
Check = Callable[..., tuple[Dataset, Report]]


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in [name for name in os.environ if name.startswith("RIPPLE_")]:
        monkeypatch.delenv(variable)


@pytest.fixture
def frames() -> Frames:
    """A small dataset that keeps every rule, to be broken as a test likes."""
    return feature_frames.small()


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes frames (and a `ripple.toml`) as a dataset folder and returns it."""

    def write(frames: Frames, form: str = "parquet", toml: str = "") -> Path:
        folder = feature_frames.write(frames, tmp_path / "data", form)
        (folder / "ripple.toml").write_text(toml)
        return folder

    return write


@pytest.fixture
def opened(write: Write) -> Open:
    """Writes frames and opens them, unchecked."""

    def opened(frames: Frames, form: str = "parquet", toml: str = "") -> Dataset:
        folder = write(frames, form, toml)
        return open_dataset(folder, load(folder))

    return opened


@pytest.fixture
def checked(write: Write) -> Check:
    """Writes frames and checks them under the settings in their folder."""

    def checked(frames: Frames, form: str = "parquet", toml: str = "") -> tuple[Dataset, Report]:
        folder = write(frames, form, toml)
        return check(folder, load(folder))

    return checked
