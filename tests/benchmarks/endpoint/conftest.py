"""What tests of servers share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def bentoml_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Bentos are kept in a folder of each test; the benchmarks set the variable too."""
    monkeypatch.setenv("BENTOML_HOME", str(tmp_path / "bentoml"))
