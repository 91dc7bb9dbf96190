"""The benchmark of the service compares servers that answer alike, and measures every target."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.endpoint import answer_cost
from benchmarks.endpoint.answer_cost import Target
from benchmarks.endpoint.load_generator import request
from benchmarks.endpoint.server_processes import Server
from ripple.settings import Model

# raised inside MLflow
pytestmark = [
    pytest.mark.filterwarnings("ignore:Operation with range is deprecated"),
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType"),
]


def test_every_target_is_measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(answer_cost, "CONNECTIONS", (1, 4))
    rows = answer_cost.compare(
        tmp_path, customers=500, rounds=1, seconds=0.2, steady=0.5, model=Model(trees=20)
    )
    *compared, steady, overload, recovered = rows
    targets = {"floor", "id", "id, reasons", "id, traces", "features", "100 ids", "GET id", "naive", "mlflow"}
    assert {(row["target"], row["connections"]) for row in compared} == {
        (target, connections) for target in targets for connections in (1, 4)
    }
    for row in (*compared, steady, recovered):
        assert row["errors"] == row["shed"] == 0, row
        assert row["answers"] > 0
        assert row["per_s"] > 0
    assert overload["shed"] > 0
    assert overload["errors"] == 0
    assert all(row["x"] > 0 for row in compared)


def test_different_scores_are_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(method: str, url: str, **given: object) -> object:
        value = 2.0 if url.endswith("/invocations") else 1.0
        text = f'{{"network_value": {value}, "top_probability": 0.5}}'
        return answer_cost.httpx.Response(200, text=text, request=answer_cost.httpx.Request(method, url))

    monkeypatch.setattr(answer_cost.httpx, "request", answer)
    same = {
        name: Target(Server(1, 1), [request("/score", {})])
        for name in ("id", "id, reasons", "id, traces", "features", "GET id", "naive", "mlflow")
    }
    answer_cost.check_scores_agree(same)
    with pytest.raises(AssertionError, match="mlflow"):
        answer_cost.check_scores_agree(same | {"mlflow": Target(Server(1, 1), [request("/invocations", {})])})
