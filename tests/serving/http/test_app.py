"""What the routes do where a real server cannot be brought to it: without a model, on a fault of ours."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest

from ripple.serving.http import app as module
from ripple.serving.http.app import EXPERIMENT, EXPERIMENTS, Api
from ripple.serving.http.middleware import AdmissionMiddleware, route_of
from ripple.serving.prometheus import ServiceMetrics
from ripple.serving.publications.publication import load_publication
from ripple.serving.schemas import ErrorResponse, ScoreResponse
from ripple.serving.scorer import Scorer
from ripple.serving.store_poller import warmed_up_scorer


@pytest.fixture
def api(published: Path) -> Api:
    api = Api(ServiceMetrics())
    api.scorer = warmed_up_scorer(load_publication(published, published.name))
    return api


@pytest.fixture
def ask(api: Api, run: Any) -> Any:
    """Sends requests to the routes through the middleware, without a server."""
    app = AdmissionMiddleware(api, api.metrics, (), max_concurrency=2)

    def ask(method: str, path: str, **request: Any) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://ripple") as client:
                return await client.request(method, path, **request)

        response: httpx.Response = run(send())
        return response

    return ask


def _code(response: httpx.Response) -> str:
    return ErrorResponse.model_validate_json(response.content).error.code


def test_without_a_model_it_is_not_ready(api: Api, ask: Any) -> None:
    api.scorer = None
    response = ask("GET", "/v1/model")
    assert (response.status_code, _code(response)) == (503, "not_ready")
    assert response.headers["retry-after"] == "1"
    assert ask("GET", "/v1/openapi.json").status_code == 200


def test_an_internal_error_is_a_500_that_does_not_reveal_the_request(
    ask: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(self: Scorer, customer_id: str, explain: int) -> None:
        raise KeyError(customer_id)

    monkeypatch.setattr(Scorer, "customer", fail)
    # BentoML's logger, once it is set up, hands nothing on
    monkeypatch.setattr(module.logger, "handlers", [caplog.handler])
    response = ask("GET", "/v1/customers/confidential")
    assert (response.status_code, _code(response)) == (500, "failed")
    assert "confidential" not in response.text + caplog.text
    assert "Answering /v1/customers/ failed by KeyError" in caplog.text
    assert "in fail" in caplog.text


def test_a_long_body_is_answered_as_a_short_one(ask: Any, features: pd.DataFrame) -> None:
    sent = [
        {"customer_id": f"new {row}", "features": {name: float(value) for name, value in values.items()}}
        for row, values in enumerate(features.fillna(0.5).to_dict("records"))
    ] * 2
    body = json.dumps({"customers": sent, "explain": 1}).encode()
    assert len(body) > module.MAX_INLINE_BYTES
    headers = {"content-type": "application/json"}
    many = ScoreResponse.model_validate_json(
        ask("POST", "/v1/score", content=body, headers=headers).content
    ).customers
    single = ScoreResponse.model_validate_json(
        ask("POST", "/v1/score", json={"customers": sent[5:6], "explain": 1}).content
    ).customers
    assert len(many) == 800
    assert many[5] == single[0]


def test_every_answer_that_does_not_add_up_is_counted(api: Api, ask: Any) -> None:
    assert api.scorer is not None
    api.scorer.explainer._base_log_value += 0.01
    before = _inexact(ask)
    assert ask("POST", "/v1/score", json={"customer_ids": ["c0001", "c0002"], "explain": 1}).is_success
    assert _inexact(ask) == before + 2


def _inexact(ask: Any) -> float:
    line = "ripple_inexact_explanations_total "
    return float(ask("GET", "/metrics").text.split(f"\n{line}")[1].split("\n")[0])


@pytest.mark.parametrize("path", ["/v1/docs", "/v1/customers/c0001"])
def test_a_get_route_answers_head(ask: Any, path: str) -> None:
    headers = {"x-request-id": "r1"}
    assert ask("HEAD", path, headers=headers).headers == ask("GET", path, headers=headers).headers


def test_experiments_have_a_list_and_one_route_for_each(api: Api, ask: Any) -> None:
    listed = ask("GET", "/v1/experiments").json()["experiments"]
    assert [one["name"] for one in listed] == ["a/b ü", "june"]
    assert ask("GET", "/v1/experiments/june").json()["experiment"] == listed[1]
    assert ask("GET", "/v1/experiments/a%2Fb%20%C3%BC").json()["experiment"] == listed[0]
    for path in ("/v1/experiments/", "/v1/experiments/jun"):
        answer = ask("GET", path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown_experiment")
    for path in ("/v1/experiments", "/v1/experiments/june"):
        assert ask("GET", f"{path}?explain=1").json()["error"]["code"] == "extra_forbidden"
        assert ask("POST", path).status_code == 405
    # in metrics and logs they are routes, without what a caller can make up
    counted = api.metrics.exposition().decode()
    assert 'ripple_answers_total{route="/v1/experiments/{name}",status="404"}' in counted
    assert 'ripple_answers_total{route="/v1/experiments",status="200"}' in counted
    assert "experiments/jun" not in counted
    paths = ("/v1/experiments", "/v1/experiments/june")
    assert [route_of({"path": path, "raw_path": path.encode()}) for path in paths] == [
        EXPERIMENTS,
        EXPERIMENT,
    ]


def test_an_id_with_a_slash_is_not_taken_for_a_part_of_a_customer(ask: Any) -> None:
    error = ask("GET", "/v1/customers/c0003%2Finfluence").json()["error"]
    assert (error["code"], "'c0003/influence'" in error["message"]) == ("unknown_customer", True)
    assert ask("GET", "/v1/customers/c0003/influence").json()["customer_id"] == "c0003"
    assert ask("GET", "/v1/customers/c0003/influence?explain=1").json()["error"]["code"] == "extra_forbidden"
    assert ask("POST", "/v1/customers/c0003/influence").status_code == 405


TAGGED = ["/v1/customers/c0003", "/v1/customers/c0003/history", "/v1/plays?limit=2", "/v1/top", "/v1/model"]


@pytest.mark.parametrize("path", [*TAGGED, "/v1/docs", "/v1/openapi.json"])
def test_what_is_as_it_was_is_not_sent_again(path: str, ask: Any) -> None:
    first = ask("GET", path)
    assert first.headers["cache-control"] == "private, no-cache"
    tag = first.headers["etag"]
    for sent in (tag, f"W/{tag}", f'"other", {tag}'):
        again = ask("GET", path, headers={"if-none-match": sent})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert "content-length" not in again.headers
    assert ask("GET", path, headers={"if-none-match": '"other"'}).content == first.content
    assert ask("POST", path, headers={"if-none-match": tag}).status_code == 405


def test_a_tag_is_of_one_path_and_one_publication(
    api: Api, ask: Any, publication: Callable[..., Path]
) -> None:
    tags = [ask("GET", path).headers["etag"] for path in (*TAGGED, "/v1/plays?limit=3")]
    assert len(set(tags)) == len(tags)
    documentation = ask("GET", "/v1/openapi.json").headers["etag"]
    folder = publication(2)
    api.scorer = warmed_up_scorer(load_publication(folder, folder.name))
    assert not set(tags) & {ask("GET", path).headers["etag"] for path in TAGGED}
    assert ask("GET", "/v1/openapi.json").headers["etag"] == documentation
    # the tag of an answer with other scores does not keep the new ones from being sent
    assert ask("GET", TAGGED[0], headers={"if-none-match": tags[0]}).json()["model_version"] == "2"


def test_an_error_and_a_post_have_no_tag(ask: Any) -> None:
    for response in (
        ask("GET", "/v1/customers/nobody"),
        ask("GET", "/v1/top?limit=0"),
        ask("POST", "/v1/score", json={"customer_ids": ["c0003"]}),
    ):
        assert "etag" not in response.headers
        assert "cache-control" not in response.headers


def test_an_id_that_is_the_name_of_a_part_is_a_customer(ask: Any) -> None:
    for part in ("influence", "plays", "history"):
        assert f"'{part}'" in ask("GET", f"/v1/customers/{part}").json()["error"]["message"]
        assert f"'{part}'" in ask("GET", f"/v1/customers/{part}/{part}").json()["error"]["message"]
        assert ask("GET", f"/v1/customers/c0003/{part}").json()["customer_id"] == "c0003"
