"""The benchmark of the features compares like with like, and measures every figure."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import feature_cost
from benchmarks.harness import Run


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feature_cost, "PEER_CHECK_SIZE", 300)
    monkeypatch.setattr(feature_cost, "MONTHLY_CUTOFFS", feature_cost.MONTHLY_CUTOFFS[-3:])


def test_a_different_peer_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    same = feature_cost.feature_peer.features
    monkeypatch.setattr(feature_cost.feature_peer, "features", lambda *given: same(*given) + 1e-4)
    with pytest.raises(AssertionError, match="are different"):
        feature_cost.check_peer_agrees()


def test_every_figure_is_measured(in_process: Run, tmp_path: Path) -> None:
    whole, year = feature_cost.measure(in_process, 300, tmp_path)
    assert {"day_x_first", "twelve_x_one", "next_x_year"} <= set(whole)
    for row in (whole, year):
        assert all(value > 0 for name, value in row.items() if name != "span")
    assert whole["events"] > year["events"]
