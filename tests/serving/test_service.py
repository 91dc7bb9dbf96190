from __future__ import annotations

import json
import math
import subprocess
import sys
from typing import Any

import httpx
import pandas as pd
import pytest

from ripple.models import Bundle
from ripple.models.bundle import SCORES
from ripple.serving.schemas import (
    CustomerResponse,
    ErrorResponse,
    ModelResponse,
    ScoreResponse,
    TopResponse,
)

# what the service must do without: the Bento's environment does not have them
ABSENT = ("mlflow", "shap", "ibis", "matplotlib", "sklearn", "settings", "training", "features")


def _score(client: httpx.Client, **request: Any) -> ScoreResponse:
    response = client.post("/v1/score", json=request)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    return ScoreResponse.model_validate_json(response.content)


def test_an_answer_says_what_it_is(client: httpx.Client) -> None:
    answer = _score(client, customer_ids=["c0001", "nobody"])
    assert (answer.model_version, answer.as_of) == ("1", "2026-06-30T00:00:00")
    assert (answer.currency, answer.horizon_days) == ("EUR", 180)
    assert answer.not_found == ["nobody"]


def test_features_sent_score_bit_for_bit_as_in_process(
    client: httpx.Client, bundle: Bundle, features: pd.DataFrame
) -> None:
    changed = features.iloc[[5, 6]].assign(reach_30d=[0.1 + 0.2, math.nan], orders_90d=1e-300)
    whole, override = changed.astype(object).where(changed.notna(), None).to_dict("records")
    sent = [
        {"customer_id": "new", "features": whole},
        {"customer_id": "c0006", "features": {name: override[name] for name in ("reach_30d", "orders_90d")}},
    ]
    served = client.post("/v1/score", json={"customers": sent}).json()["customers"]
    scores = bundle.score(changed)
    for name in SCORES:
        assert [customer[name] for customer in served] == scores[name].tolist()
    assert [customer["customer_id"] for customer in served] == ["new", "c0006"]
    assert [customer["overridden"] for customer in served] == [[], ["reach_30d", "orders_90d"]]


def test_one_customer_the_top_and_the_model_have_their_own_addresses(client: httpx.Client) -> None:
    one = CustomerResponse.model_validate_json(client.get("/v1/customers/c0001?explain=2").content)
    assert one.customer == _score(client, customer_ids=["c0001"], explain=2).customers[0]
    top = TopResponse.model_validate_json(client.get("/v1/top?limit=3&segment=plan%20pro").content)
    assert [customer.rank for customer in top.customers] == sorted(one.rank for one in top.customers)
    assert (top.limit, top.offset, top.segment, len(top.customers)) == (3, 0, "plan pro", 3)
    model = ModelResponse.model_validate_json(client.get("/v1/model").content)
    assert (model.customers, model.card) == (400, "# A model\n")


BAD: list[tuple[Any, int, str, str, str]] = [
    (b"", 400, "json_invalid", "body", "Send a JSON object"),
    (b"{", 400, "json_invalid", "body", "Send a JSON object"),
    (b"\xff\xfe", 400, "json_invalid", "body", "Send a JSON object"),
    (b"null", 422, "model_type", "body", "Send a JSON object"),
    ([], 422, "model_type", "body", "Send a JSON object"),
    ({}, 422, "one_of_two", "body", "Send customer_ids"),
    (
        {"customer_ids": ["a"], "customers": [{"features": {}}]},
        422,
        "one_of_two",
        "body",
        "Send customer_ids",
    ),
    ({"customer_ids": []}, 422, "too_short", "customer_ids", "Name at least one"),
    ({"customers": []}, 422, "too_short", "customers", "Name at least one"),
    ({"customer_ids": ["a"] * 1001}, 422, "too_long", "customer_ids", "Split the request"),
    ({"customer_ids": "a"}, 422, "list_type", "customer_ids", "See the schema"),
    ({"customer_ids": [1]}, 422, "string_type", "customer_ids[0]", "See the schema"),
    ({"customer_ids": ["a"], "explan": 3}, 422, "extra_forbidden", "explan", "Did you mean 'explain'?"),
    ({"customer_ids": ["a"], "explain": 11}, 422, "less_than_equal", "explain", "See the schema"),
    ({"customer_ids": ["a"], "explain": -1}, 422, "greater_than_equal", "explain", "See the schema"),
    ({"customer_ids": ["a"], "explain": True}, 422, "explain_type", "explain", "Send false"),
    ({"customer_ids": ["a"], "explain": "5"}, 422, "explain_type", "explain", "Send false"),
    ({"customers": [{}]}, 422, "missing", "customers[0].features", "Add the field"),
    ({"customers": [{"features": {}, "id": "a"}]}, 422, "extra_forbidden", "customers[0].id", "Known are"),
    (
        {"customers": [{"features": {"reach_30d": "1"}}]},
        422,
        "float_type",
        "customers[0].features.reach_30d",
        "Send a",
    ),
    (
        {"customers": [{"features": {"reach_30d": True}}]},
        422,
        "float_type",
        "customers[0].features.reach_30d",
        "Send",
    ),
    (
        b'{"customers": [{"features": {"reach_30d": NaN}}]}',
        422,
        "finite_number",
        "customers[0].features.reach_30d",
        "Send",
    ),
    (
        b'{"customers": [{"features": {"a": -Infinity}}]}',
        422,
        "finite_number",
        "customers[0].features.a",
        "Send a finite",
    ),
    (
        b'{"customers": [{"features": {"a": 1e999}}]}',
        422,
        "finite_number",
        "customers[0].features.a",
        "Send a finite",
    ),
    (
        {"customers": [{"features": {"reach30d": 1}}]},
        422,
        "unknown_feature",
        "customers[0].features.reach30d",
        "Did you",
    ),
    (
        {"customers": [{"features": {"reach_30d": 1}}]},
        422,
        "missing_feature",
        "customers[0].features.orders_30d",
        "Send",
    ),
]


@pytest.mark.parametrize(("body", "status", "code", "where", "hint"), BAD, ids=lambda value: str(value)[:40])
def test_a_bad_request_is_told_what_is_wrong_and_where(
    client: httpx.Client, body: Any, status: int, code: str, where: str, hint: str
) -> None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = client.post("/v1/score", content=content, headers={"content-type": "application/json"})
    assert response.status_code == status
    error = ErrorResponse.model_validate_json(response.content).error
    assert (error.code, error.where) == (code, where)
    assert error.hint.startswith(hint)
    assert error.message


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
def test_a_body_that_says_it_is_json_is_read(client: httpx.Client, kind: str) -> None:
    content = b'{"customer_ids": ["c0001"]}'
    response = client.post("/v1/score", content=content, headers={"content-type": kind})
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "code"),
    [
        ("POST", "/v1/score", {"content-type": "text/plain"}, 415, "wrong_content_type"),
        ("POST", "/v1/score", {}, 415, "wrong_content_type"),
        ("GET", "/v1/score", {}, 405, "wrong_method"),
        ("DELETE", "/v1/top", {}, 405, "wrong_method"),
        ("POST", "/v1/customers/c0001", {}, 405, "wrong_method"),
        ("PUT", "/metrics", {}, 405, "wrong_method"),
        ("POST", "/livez", {}, 405, "wrong_method"),
        ("GET", "/static_content/nothing.css", {}, 404, "unknown_path"),
        ("GET", "/v1/customers/nobody", {}, 404, "unknown_customer"),
        ("GET", "/v1/customers/", {}, 404, "unknown_customer"),
        ("GET", "/v1/nothing", {}, 404, "unknown_path"),
        ("GET", "/v1/customers/c%0A1", {}, 404, "unknown_path"),
        ("POST", "/score", {}, 404, "unknown_path"),
        ("GET", "/schema.json", {}, 404, "unknown_path"),
        ("GET", "/v1/top?segment=plan", {}, 422, "unknown_segment"),
        ("GET", "/v1/top?limit=many", {}, 422, "int_parsing"),
        ("GET", "/v1/customers/c0001?explain=11", {}, 422, "less_than_equal"),
    ],
)
def test_other_bad_requests_are_refused_in_the_same_shape(
    client: httpx.Client, method: str, path: str, headers: dict[str, str], status: int, code: str
) -> None:
    response = client.request(method, path, headers=headers, content=b"{}" if method == "POST" else None)
    assert response.status_code == status
    assert ErrorResponse.model_validate_json(response.content).error.code == code
    assert ("allow" in response.headers) == (status == 405)


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_over_5_mb_is_refused_whether_or_not_it_says_so(client: httpx.Client, declared: bool) -> None:
    body = b'{"customer_ids": ["' + b"c" * (5 * 2**20) + b'"]}'
    content = body if declared else (body[at : at + 2**16] for at in range(0, len(body), 2**16))
    response = client.post("/v1/score", content=content, headers={"content-type": "application/json"})
    assert response.status_code == 413
    assert ErrorResponse.model_validate_json(response.content).error.code == "too_large"


def test_health(client: httpx.Client) -> None:
    assert client.get("/livez").status_code == 200
    assert client.get("/readyz").status_code == 200


def test_metrics_tell_of_rows_errors_the_model_and_its_snapshot(client: httpx.Client) -> None:
    def value(name: str, **labels: str) -> float:
        listed = ",".join(f'{key}="{label}"' for key, label in sorted(labels.items()))
        line = f"{name}{{{listed}}} " if labels else f"{name} "
        found = [text for text in client.get("/metrics").text.splitlines() if text.startswith(line)]
        return float(found[0].removeprefix(line)) if found else 0.0

    rows = value("ripple_scored_rows_total", model_version="1")
    errors = value("ripple_errors_total", code="one_of_two")
    answers = value("ripple_request_seconds_count", route="/v1/score")
    _score(client, customer_ids=["c0001", "c0002", "nobody"])
    client.post("/v1/score", json={})
    assert value("ripple_scored_rows_total", model_version="1") == rows + 2
    assert value("ripple_errors_total", code="one_of_two") == errors + 1
    assert value("ripple_request_seconds_count", route="/v1/score") == answers + 2
    assert value("ripple_snapshot_timestamp_seconds", model_version="1") == 1782777600
    assert value("ripple_snapshot_age_seconds") >= 0
    assert value("ripple_inexact_explanations_total") == 0
    best = client.get("/v1/top?limit=1").json()["customers"][0]["customer_id"]
    highest = value("ripple_scores_total", decile="10")
    _score(client, customer_ids=[best])
    assert value("ripple_scores_total", decile="10") == highest + 1


def test_no_path_that_a_caller_makes_up_becomes_a_label(client: httpx.Client) -> None:
    for path in ("/v1/made-up", "/v1/customers/made-up", "/made-up"):
        client.get(path)
    assert "made-up" not in client.get("/metrics").text


def test_openapi_documents_the_real_request_answer_and_errors(client: httpx.Client) -> None:
    document = client.get("/docs.json", follow_redirects=True).json()
    assert document["info"]["title"] == "Ripple"
    post = document["paths"]["/v1/score"]["post"]
    assert set(post["responses"]) == {"200", "400", "401", "413", "415", "422", "500", "503", "504"}
    schemas = document["components"]["schemas"]
    assert set(schemas["ScoreRequest"]["properties"]) == {"customer_ids", "customers", "explain"}
    references = {reference.removeprefix("#/components/schemas/") for reference in _references(document)}
    assert references <= set(schemas)
    assert {"ScoreRequest", "CustomerScore", "HeadExplanation", "Problem", "ModelResponse"} <= references


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if "$ref" in value else []
        return own + [one for inner in value.values() for one in _references(inner)]
    return [one for inner in value for one in _references(inner)] if isinstance(value, list) else []


def test_the_service_needs_nothing_its_bento_does_not_have() -> None:
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({ABSENT!r}))\n"
        "import ripple.serving.service, ripple.serving.publications.redis_store\n"
        "print(sorted(name for name in sys.modules if sys.modules[name] and name in sys.argv))"
    )
    command = [sys.executable, "-c", code, *ABSENT]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_the_package_itself_is_light() -> None:
    code = "import sys, ripple.serving.package; print({'bentoml', 'lightgbm', 'pyarrow'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
