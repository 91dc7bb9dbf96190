from __future__ import annotations

import asyncio
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest

from ripple import AsyncClient, Client
from ripple.models import Bundle
from ripple.models.bundle import SCORES
from ripple.serving.client import NotFound
from ripple.serving.schemas import (
    CustomerResponse,
    ErrorResponse,
    InfluenceResponse,
    ModelResponse,
    ScoreResponse,
    TopResponse,
)
from tests.support.publication_content import ARMS, TESTED
from tests.support.servers.processes import free_port

# what the service must do without: neither the Bento nor its environment has them
ABSENT = (
    *("mlflow", "shap", "ibis", "matplotlib", "sklearn"),
    *("ripple.settings", "ripple.arrays", "ripple.features", "ripple.training", "ripple.simulation"),
)


def _score(client: httpx.Client, **request: Any) -> ScoreResponse:
    response = client.post("/v1/score", json=request)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    return ScoreResponse.model_validate_json(response.content)


def test_an_answer_names_version_moment_currency_and_horizon(client: httpx.Client) -> None:
    answer = _score(client, customer_ids=["c0001", "nobody"])
    assert (answer.model_version, answer.as_of) == ("1", "2026-06-30T00:00:00Z")
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


def test_one_customer_the_top_and_the_model_have_their_own_routes(client: httpx.Client) -> None:
    answer = CustomerResponse.model_validate_json(client.get("/v1/customers/c0001?explain=2").content)
    assert answer.customer == _score(client, customer_ids=["c0001"], explain=2).customers[0]
    top = TopResponse.model_validate_json(client.get("/v1/top?limit=3&segment=plan%20pro").content)
    assert [customer.rank for customer in top.customers] == sorted(
        customer.rank for customer in top.customers
    )
    assert (top.limit, top.offset, top.segment, len(top.customers)) == (3, 0, "plan pro", 3)
    model = ModelResponse.model_validate_json(client.get("/v1/model").content)
    assert (model.customers, model.card) == (400, "# A model\n")


@pytest.mark.parametrize(
    ("body", "status", "code", "where"),
    [
        (b"{", 400, "json_invalid", "body"),
        (b'{"customer_ids": ["a"], "explan": 3}', 422, "extra_forbidden", "explan"),
        (
            b'{"customers": [{"features": {"reach30d": 1}}]}',
            422,
            "unknown_feature",
            "customers[0].features.reach30d",
        ),
    ],
)
def test_a_bad_body_is_refused_with_code_and_field(
    client: httpx.Client, body: bytes, status: int, code: str, where: str
) -> None:
    response = client.post("/v1/score", content=body, headers={"content-type": "application/json"})
    assert response.status_code == status
    error = ErrorResponse.model_validate_json(response.content).error
    assert (error.code, error.where) == (code, where)
    assert error.hint
    assert error.message


def test_a_content_type_has_parameters_and_any_case(client: httpx.Client) -> None:
    headers = {"content-type": "Application/JSON; charset=utf-8"}
    response = client.post("/v1/score", content=b'{"customer_ids": ["c0001"]}', headers=headers)
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "code"),
    [
        ("POST", "/v1/score", {"content-type": "text/plain"}, 415, "wrong_content_type"),
        ("POST", "/v1/score", {}, 415, "wrong_content_type"),
        (
            "POST",
            "/v1/score",
            {"content-type": "application/json", "content-encoding": "gzip"},
            *(415, "wrong_content_encoding"),
        ),
        ("GET", "/v1/score", {}, 405, "wrong_method"),
        ("POST", "/v1/customers/c0001", {}, 405, "wrong_method"),
        ("PUT", "/metrics", {}, 405, "wrong_method"),
        ("POST", "/livez", {}, 405, "wrong_method"),
        ("GET", "/v1/customers/nobody", {}, 404, "unknown_customer"),
        ("GET", "/v1/nothing", {}, 404, "unknown_path"),
        ("GET", "/v1/customers/c%0A1", {}, 404, "unknown_path"),
        ("GET", "/schema.json", {}, 404, "unknown_path"),
        ("GET", "/v1/top?segment=plan", {}, 422, "unknown_segment"),
        ("GET", "/v1/top?limit=many", {}, 422, "int_parsing"),
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


def test_a_bento_served_by_itself_does_not_start_open_to_everybody(store: Any, tag: str) -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("bentoml"), "serve", tag, "--port", str(free_port())],
        env=os.environ | {"BENTOML_HOME": str(store.home), "BENTOML_DO_NOT_TRACK": "True"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode != 0
    assert "Nobody would need an API key: set RIPPLE_SERVE_KEYS" in done.stderr + done.stdout


def test_both_clients_tell_experiments_and_arms(client: httpx.Client) -> None:
    url = str(client.base_url)

    async def asked() -> tuple[Any, ...]:
        async with AsyncClient(url) as asynchronous:
            return (
                await asynchronous.arms("c0003"),
                await asynchronous.experiments(),
                await asynchronous.experiment("a/b ü"),
            )

    with Client(url) as blocking:
        answers = blocking.arms("c0003"), blocking.experiments(), blocking.experiment("a/b ü")
        assert answers == (ARMS["c0003"], TESTED, TESTED[0])
        assert asyncio.run(asked()) == answers
        assert blocking.arms("c0100") == []
        with pytest.raises(NotFound):
            blocking.experiment("july")
        with pytest.raises(NotFound):
            blocking.arms("gone")


def test_both_clients_tell_whom_a_customer_influenced(client: httpx.Client) -> None:
    url = str(client.base_url)

    async def asked() -> InfluenceResponse:
        async with AsyncClient(url) as asynchronous:
            return await asynchronous.influence("c0003")

    with Client(url) as blocking:
        answer = blocking.influence("c0003")
        assert [one.customer_id for one in answer.influenced] == ["c0007", "c0005"]
        assert [one.customer_id for one in answer.influenced_by] == ["c0004"]
        assert asyncio.run(asked()) == answer
        with pytest.raises(NotFound):
            blocking.influence("c9999/influence")
