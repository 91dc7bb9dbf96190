"""A small experiment like that of the village insurance, as files and as households with their friends."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from examples.insurance import effects
from tests.support.insurance import write_source


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("insurance")
    write_source(folder)
    return folder


@pytest.fixture(scope="module")
def households(source: Path) -> pd.DataFrame:
    return effects.households_with_friends(source)
