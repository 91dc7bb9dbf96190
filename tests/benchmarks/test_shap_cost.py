"""The benchmark of SHAP values compares equal values, and leaves the peers out where they take minutes."""

from __future__ import annotations

import warnings

import pytest

from benchmarks.synthetic_model import fit_heads
from ripple.settings import Model

with warnings.catch_warnings():
    # shap uses on import what matplotlib will deprecate
    warnings.simplefilter("ignore", PendingDeprecationWarning)
    from benchmarks import shap_cost


def test_all_give_the_same_values_and_the_largest_size_has_no_peers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shap_cost, "MAX_PEER_ROWS", 50)
    booster = fit_heads(Model(trees=5))[0].booster_
    single, many, largest = shap_cost.measure(booster, (1, 50, 60))
    for row in (single, many):
        assert float(row["off_by"]) < 1e-9
        for peer in ("lightgbm", "shap"):
            assert row[f"{peer}_x_ours"] == pytest.approx(row[f"{peer}_us"] / row["ours_us"])
    assert largest.keys() == {"rows", "ours_us"}
    assert largest["ours_us"] > 0
