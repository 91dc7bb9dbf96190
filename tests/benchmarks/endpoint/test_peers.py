"""What the service is compared with scores as the heads it loads."""

from __future__ import annotations

import importlib
from pathlib import Path

import joblib
import pytest

from benchmarks.synthetic_model import NAMES, customer_features, fit_heads
from ripple.settings import Model


# raised inside BentoML when it is imported
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_naive_service_scores_one_customer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    peers = importlib.import_module("benchmarks.endpoint.peers")
    heads = fit_heads(Model(trees=5))
    joblib.dump(heads, tmp_path / "heads.joblib")
    monkeypatch.setenv("HEADS", str(tmp_path / "heads.joblib"))
    features = customer_features(3).astype(object).where(lambda table: table.notna(), None)
    customer = peers.Customer(**features.iloc[1].to_dict())
    scores = peers.Naive.inner().score(customer)
    rows = customer_features(3)
    assert scores.network_value == pytest.approx(heads[0].predict(rows)[1])
    assert scores.top_probability == pytest.approx(heads[1].predict_proba(rows)[1, 1])
    assert list(peers.Customer.model_fields) == NAMES
