from __future__ import annotations

import asyncio
import importlib
import json
import math
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pandas as pd
import pyarrow.parquet as pq
import pytest

from models import Bundle
from models.bundle import SCORES
from serving.schemas import ErrorResponse, ScoreResponse
from serving.scorer import Scorer

# what the service must do without: the Bento's environment does not have them
ABSENT = ("mlflow", "shap", "ibis", "matplotlib", "sklearn", "settings", "training", "features")

# BentoML 1.4 calls what pathspec and Pydantic have deprecated; gone when it no longer does
BENTOML_IMPORTED = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def _score(client: httpx.Client, **request: Any) -> ScoreResponse:
    response = client.post("/score", json=request)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    return ScoreResponse.model_validate_json(response.content)


def test_ids_score_bit_for_bit_as_the_batch_did(
    client: httpx.Client, bundle: Bundle, features: pd.DataFrame, source: Path
) -> None:
    stored = pq.read_table(source / "snapshot.parquet").to_pandas()
    batch = bundle.score(features)
    answer = client.post("/score", json={"customer_ids": list(stored["customer_id"]), "reasons": 0}).json()
    for name in SCORES:
        served = [customer[name] for customer in answer["customers"]]
        assert served == stored[name].tolist() == batch[name].tolist()
    assert [customer["rank"] for customer in answer["customers"]] == stored["rank"].tolist()
    assert [customer["top_member"] for customer in answer["customers"]] == stored["top_member"].tolist()
    assert sum(stored["top_member"]) == 8


def test_an_answer_says_what_it_is(client: httpx.Client, store: Any) -> None:
    answer = _score(client, customer_ids=["c0001", "nobody"])
    assert f"models/ripple/{answer.model_version}" in store.items()
    assert (answer.as_of, answer.currency, answer.horizon_days) == ("2026-06-30T00:00:00", "EUR", 180)
    assert answer.not_found == ["nobody"]


def test_reasons_are_the_model_s_contributions(
    client: httpx.Client, bundle: Bundle, features: pd.DataFrame, names: list[str]
) -> None:
    answer = client.post("/score", json={"customer_ids": ["c0042"], "reasons": 20}).json()
    x = features.to_numpy()[42:43]
    for head in ("value", "top"):
        effects = {reason["feature"]: reason["effect"] for reason in answer["customers"][0]["reasons"][head]}
        contributions, _ = bundle.contributions(head, x)
        assert effects == dict(zip(names, contributions[0].tolist(), strict=True))
        assert sorted(effects.values(), key=abs, reverse=True) == list(effects.values())


def test_features_sent_score_bit_for_bit_as_in_process(
    client: httpx.Client, bundle: Bundle, features: pd.DataFrame
) -> None:
    changed = features.iloc[[5, 6]].assign(reach_30d=[0.1 + 0.2, math.nan], orders_90d=1e-300)
    whole, override = changed.astype(object).where(changed.notna(), None).to_dict("records")
    sent = [
        {"customer_id": "new", "features": whole},
        {"customer_id": "c0006", "features": {name: override[name] for name in ("reach_30d", "orders_90d")}},
    ]
    served = client.post("/score", json={"customers": sent}).json()["customers"]
    scores = bundle.score(changed)
    for name in SCORES:
        assert [customer[name] for customer in served] == scores[name].tolist()
    assert [customer["customer_id"] for customer in served] == ["new", "c0006"]
    assert [customer["overridden"] for customer in served] == [[], ["reach_30d", "orders_90d"]]


BAD: list[tuple[Any, str, str, str]] = [
    (b"", "json_invalid", "body", "Send a JSON object"),
    (b"{", "json_invalid", "body", "Send a JSON object"),
    (b"\xff\xfe", "json_invalid", "body", "Send a JSON object"),
    (b"null", "model_type", "body", "Send a JSON object"),
    ([], "model_type", "body", "Send a JSON object"),
    ({}, "one_of_two", "body", "Send customer_ids"),
    ({"customer_ids": ["a"], "customers": [{"features": {}}]}, "one_of_two", "body", "Send customer_ids"),
    ({"customer_ids": []}, "too_short", "customer_ids", "Name at least one"),
    ({"customers": []}, "too_short", "customers", "Name at least one"),
    ({"customer_ids": ["a"] * 1001}, "too_long", "customer_ids", "Split the request"),
    ({"customer_ids": "a"}, "list_type", "customer_ids", "See the schema"),
    ({"customer_ids": [1]}, "string_type", "customer_ids[0]", "See the schema"),
    ({"customer_ids": ["a"], "reason": 3}, "extra_forbidden", "reason", "Did you mean 'reasons'?"),
    ({"customer_ids": ["a"], "reasons": 21}, "less_than_equal", "reasons", "See the schema"),
    ({"customer_ids": ["a"], "reasons": -1}, "greater_than_equal", "reasons", "See the schema"),
    ({"customer_ids": ["a"], "reasons": True}, "int_type", "reasons", "See the schema"),
    ({"customer_ids": ["a"], "reasons": "5"}, "int_type", "reasons", "See the schema"),
    ({"customers": [{}]}, "missing", "customers[0].features", "Add the field"),
    ({"customers": [{"features": {}, "id": "a"}]}, "extra_forbidden", "customers[0].id", "Known are"),
    (
        {"customers": [{"features": {"reach_30d": "1"}}]},
        "float_type",
        "customers[0].features.reach_30d",
        "Send a",
    ),
    (
        {"customers": [{"features": {"reach_30d": True}}]},
        "float_type",
        "customers[0].features.reach_30d",
        "Send",
    ),
    (
        b'{"customers": [{"features": {"reach_30d": NaN}}]}',
        "finite_number",
        "customers[0].features.reach_30d",
        "Send",
    ),
    (
        b'{"customers": [{"features": {"a": -Infinity}}]}',
        "finite_number",
        "customers[0].features.a",
        "Send a finite",
    ),
    (
        b'{"customers": [{"features": {"a": 1e999}}]}',
        "finite_number",
        "customers[0].features.a",
        "Send a finite",
    ),
    (
        {"customers": [{"features": {"reach30d": 1}}]},
        "unknown_feature",
        "customers[0].features.reach30d",
        "Did you",
    ),
    (
        {"customers": [{"features": {"reach_30d": 1}}]},
        "missing_feature",
        "customers[0].features.orders_30d",
        "Send",
    ),
]


@pytest.mark.parametrize(("body", "code", "where", "hint"), BAD, ids=lambda value: str(value)[:40])
def test_a_bad_request_is_told_what_is_wrong_and_where(
    client: httpx.Client, body: Any, code: str, where: str, hint: str
) -> None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = client.post("/score", content=content, headers={"content-type": "application/json"})
    assert response.status_code == 400
    error = ErrorResponse.model_validate_json(response.content).error
    assert (error.code, error.where) == (code, where)
    assert error.hint.startswith(hint)
    assert error.message


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_the_content_type_does_not_matter(client: httpx.Client, kind: str) -> None:
    response = client.post("/score", content=b'{"customer_ids": ["c0001"]}', headers={"content-type": kind})
    assert response.status_code == 200


def test_health_and_page(client: httpx.Client) -> None:
    assert client.get("/livez").status_code == 200
    assert client.get("/readyz").status_code == 200
    assert "text/html" in client.get("/").headers["content-type"]


def test_metrics_count_rows_and_errors_of_the_model_version(client: httpx.Client) -> None:
    version = _score(client, customer_ids=["c0001", "c0002"]).model_version

    def count(name: str, **labels: str) -> float:
        line = name + "{" + ",".join(f'{key}="{value}"' for key, value in sorted(labels.items())) + "} "
        found = [text for text in client.get("/metrics").text.splitlines() if text.startswith(line)]
        return float(found[0].removeprefix(line)) if found else 0.0

    rows = count("ripple_scored_rows_total", model_version=version)
    errors = count("ripple_errors_total", model_version=version, code="one_of_two")
    _score(client, customer_ids=["c0001", "c0002", "nobody"])
    client.post("/score", json={})
    assert count("ripple_scored_rows_total", model_version=version) == rows + 2
    assert count("ripple_errors_total", model_version=version, code="one_of_two") == errors + 1


def test_openapi_documents_the_real_request_answer_and_errors(client: httpx.Client) -> None:
    document = client.get("/docs.json").json()
    assert document["info"]["title"] == "Ripple"
    assert "contact" not in document["info"]
    post = document["paths"]["/score"]["post"]
    request = post["requestBody"]["content"]["application/json"]["schema"]
    assert set(request["properties"]) == {"customer_ids", "customers", "reasons"}
    assert request["properties"]["customer_ids"]["maxItems"] == 1000
    answer = post["responses"]["200"]["content"]["application/json"]["schema"]
    assert set(answer["required"]) == set(ScoreResponse.model_fields)
    assert set(post["responses"]) == {"200", "400", "500", "503"}
    schemas = document["components"]["schemas"]
    for part in ("CustomerFeatures", "CustomerScore", "Reasons", "Reason", "ErrorResponse", "Problem"):
        assert part in schemas
    references = set(_references(document))
    assert "#/components/schemas/ErrorResponse" in references
    assert {reference.removeprefix("#/components/schemas/") for reference in references} <= set(schemas)


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if "$ref" in value else []
        return own + [one for inner in value.values() for one in _references(inner)]
    return [one for inner in value for one in _references(inner)] if isinstance(value, list) else []


def _instance(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Any:
    from serving.service import RippleService

    model = SimpleNamespace(path=str(folder), tag=SimpleNamespace(version="v1-test"))
    # imported by name, as the attribute of bentoml is a stand-in until its first use
    monkeypatch.setattr(importlib.import_module("bentoml.models"), "get", lambda tag: model)
    monkeypatch.setattr("gc.freeze", lambda: None)
    return RippleService.inner()


def _post(instance: Any, body: bytes) -> tuple[int, str]:
    response = asyncio.run(instance.score(body))
    return response.status_code, ErrorResponse.model_validate_json(response.body).error.code


@BENTOML_IMPORTED
def test_a_model_that_does_not_reproduce_its_scores_serves_nobody(
    monkeypatch: pytest.MonkeyPatch, source: Path
) -> None:
    monkeypatch.setattr(Scorer, "agrees", lambda scorer: False)
    instance = _instance(monkeypatch, source)
    assert asyncio.run(instance.__is_ready__()) is False
    assert _post(instance, b'{"customer_ids": ["c0001"]}') == (503, "not_ready")


@BENTOML_IMPORTED
def test_a_fault_of_ours_has_the_shape_of_every_error(monkeypatch: pytest.MonkeyPatch, source: Path) -> None:
    instance = _instance(monkeypatch, source)
    assert asyncio.run(instance.__is_ready__()) is True
    monkeypatch.setattr(instance.scorer, "answer", lambda request: 1 / 0)
    assert _post(instance, b'{"customer_ids": ["c0001"]}') == (500, "failed")


def test_the_service_needs_nothing_its_bento_does_not_have() -> None:
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({ABSENT!r}))\n"
        "import serving, serving.service, serving.scorer\n"
        "print(sorted(name for name in sys.modules if sys.modules[name] and name in sys.argv))"
    )
    command = [sys.executable, "-c", code, *ABSENT]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_the_package_itself_is_light() -> None:
    code = (
        "import sys, serving, serving.package; print({'bentoml', 'lightgbm', 'pyarrow'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
