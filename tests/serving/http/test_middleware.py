"""Who is admitted, how many at once, and what the logs do not reveal, by a real server."""

from __future__ import annotations

import hashlib
import json
import re
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from ripple.serving.client import Client, Refused, Unavailable
from ripple.serving.http.app import CUSTOMER, METHODS, Api
from ripple.serving.http.middleware import (
    ASSETS,
    DOCUMENTATION,
    HEALTH,
    REDIRECTED,
    AdmissionMiddleware,
)
from ripple.serving.prometheus import ServiceMetrics
from ripple.serving.schemas import ErrorResponse
from tests.support.servers.scoring_server import ScoringServer, eventually

ORIGIN = "https://app.example"
KEY, OLD_KEY = "the key of today", "the key of yesterday"


MAX_CONCURRENCY = 8


@pytest.fixture(scope="module")
def guarded(serve: Callable[..., ScoringServer]) -> Iterator[ScoringServer]:
    """A server that two keys open, and that answers few at once."""
    hashes = [hashlib.sha256(key.encode()).hexdigest() for key in (OLD_KEY, KEY)]
    options = {"most_at_once": MAX_CONCURRENCY, "origins": ORIGIN, "access_log": True}
    with serve(key=KEY, keys=" ".join(hashes), **options) as server:
        yield server


def _admitted(run: Any, method: str, path: str, headers: dict[str, str], **options: Any) -> httpx.Response:
    """The answer of a service without a model and with a key, run in this process, to a request."""
    api = Api(ServiceMetrics())
    app = AdmissionMiddleware(api, api.metrics, [hashlib.sha256(KEY.encode()).hexdigest()], 8, **options)

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://ripple") as client:
            return await client.request(method, path, headers=headers)

    answer: httpx.Response = run(send())
    return answer


@pytest.mark.parametrize("path", sorted(DOCUMENTATION - set(ASSETS)))
def test_the_documentation_may_be_public(run: Any, path: str) -> None:
    _assert_unauthorized(_admitted(run, "GET", path, {}))
    assert _admitted(run, "GET", path, {}, public_docs=True).status_code in (200, 307)


@pytest.mark.parametrize("path", ["/v1/model", "/metrics", f"{CUSTOMER}c0001", "/v1/docs/", "/v1/nothing"])
def test_with_a_public_documentation_all_else_needs_a_key(run: Any, path: str) -> None:
    _assert_unauthorized(_admitted(run, "GET", path, {}, public_docs=True))


@pytest.mark.parametrize(
    ("sent", "taken"),
    [
        ("5c9c1f0e", True),
        ("a" * 128, True),
        ("a" * 129, False),
        ("two words", False),
        ("", False),
        ("tab\there", False),
    ],
)
def test_the_id_of_a_request_is_taken_or_made_and_returned_with_errors_too(
    run: Any, sent: str, taken: bool
) -> None:
    for path in ("/v1/openapi.json", "/v1/model", "/v1/nothing"):
        headers = {"authorization": f"Bearer {KEY}", "x-request-id": sent}
        answer = _admitted(run, "GET", path, headers)
        returned = answer.headers["x-request-id"]
        assert returned == sent if taken else re.fullmatch("[0-9a-f]{32}", returned)
        if answer.status_code != 200:
            assert ErrorResponse.model_validate_json(answer.content).error.request_id == returned


def test_ids_that_are_made_differ(run: Any) -> None:
    made = {_admitted(run, "GET", "/v1/docs", {}).headers["x-request-id"] for _ in range(5)}
    assert len(made) == 5


def test_a_line_is_logged_for_every_request_without_what_callers_make_up(guarded: ScoringServer) -> None:
    headers = {"x-request-id": "of-the-access-log"}
    guarded.http.get("/v1/customers/c-logged", headers=headers)
    guarded.http.get("/c-logged", headers=headers)
    guarded.http.post("/v1/score", json={"customer_ids": ["c0001"]}, headers=headers)
    eventually(lambda: guarded.printed().count("request of-the-access-log") == 3)
    lines = [line for line in guarded.printed().splitlines() if "of-the-access-log" in line]
    logged = [re.search(r"(GET|POST) (\S+) (\d+) [0-9.]+ ms, request", line) for line in lines]
    assert [line.groups() for line in logged if line] == [
        ("GET", CUSTOMER, "404"),
        ("GET", "unknown", "404"),
        ("POST", "/v1/score", "200"),
    ]
    assert "c-logged" not in guarded.printed()


ASKED = {"origin": ORIGIN, "access-control-request-method": "POST"}


@pytest.mark.parametrize("path", ["/v1/score", f"{CUSTOMER}c0001"])
def test_a_browser_may_ask_for_permission_without_a_key(guarded: ScoringServer, path: str) -> None:
    wanted = {"access-control-request-headers": "authorization, content-type, x-request-id"}
    answer = httpx.options(guarded.url + path, headers=ASKED | wanted)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert "POST" in answer.headers["access-control-allow-methods"]


def test_other_origins_and_headers_get_no_permission(guarded: ScoringServer) -> None:
    for headers in ({"origin": "https://other.example"}, {"access-control-request-headers": "x-other"}):
        answer = httpx.options(f"{guarded.url}/v1/score", headers=ASKED | headers)
        assert answer.status_code == 400
    assert (
        "access-control-allow-origin"
        not in httpx.get(f"{guarded.url}/v1/model", headers={"origin": "https://other.example"}).headers
    )


@pytest.mark.parametrize("authorization", ["", f"Bearer {KEY}"])
def test_a_page_of_the_origin_can_read_answers_and_errors(guarded: ScoringServer, authorization: str) -> None:
    headers = {"origin": ORIGIN, "authorization": authorization}
    for path in ("/v1/model", "/v1/nothing", "/v1/top?limit=many"):
        answer = httpx.get(guarded.url + path, headers=headers)
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        exposed = answer.headers["access-control-expose-headers"]
        assert {"retry-after", "x-request-id"} <= set(re.split(", *", exposed))


@pytest.mark.parametrize(("scheme", "key"), [("Bearer", KEY), ("bearer", OLD_KEY)])
def test_every_key_opens(guarded: ScoringServer, scheme: str, key: str) -> None:
    headers = {"authorization": f"{scheme} {key}"}
    assert httpx.get(f"{guarded.url}/v1/customers/c0001", headers=headers).status_code == 200


def _assert_unauthorized(response: httpx.Response) -> None:
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert ErrorResponse.model_validate_json(response.content).error.code == "unauthorized"


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer wrong", f"Basic {KEY}", KEY, f"Bearer {KEY}x"]
)
def test_other_credentials_do_not(guarded: ScoringServer, authorization: str) -> None:
    headers = {"authorization": authorization}
    _assert_unauthorized(httpx.get(f"{guarded.url}/v1/model", headers=headers))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *((method, path) for path, method in METHODS.items()),
        *(("GET", path) for path in (f"{CUSTOMER}c0001", *ASSETS, *REDIRECTED, "/metrics", "/v1/nothing")),
    ],
)
def test_every_path_needs_a_key(guarded: ScoringServer, method: str, path: str) -> None:
    _assert_unauthorized(httpx.request(method, guarded.url + path))


@pytest.mark.parametrize("path", HEALTH)
def test_health_needs_no_key(guarded: ScoringServer, path: str) -> None:
    assert httpx.get(guarded.url + path).status_code == 200


def test_the_client_brings_its_key(guarded: ScoringServer) -> None:
    with Client(guarded.url, key=KEY) as client:
        assert client.customer("c0001").customer_id == "c0001"
    with Client(guarded.url) as stranger, pytest.raises(Refused, match="unauthorized") as refused:
        stranger.model()
    assert refused.value.status == 401


UPGRADE = (
    "GET /v1/score HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
    "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\r\n"
)


def _connected(server: ScoringServer) -> socket.socket:
    url = httpx.URL(server.url)
    assert url.port is not None
    return socket.create_connection((url.host, url.port), timeout=30)


def test_a_websocket_is_not_opened(guarded: ScoringServer) -> None:
    with _connected(guarded) as connection:
        connection.sendall(UPGRADE.encode())
        assert connection.recv(2**16).startswith((b"HTTP/1.1 403", b"HTTP/1.1 401"))
    assert "Traceback" not in guarded.printed()


def _headed(length: int) -> bytes:
    lines = ["POST /v1/score HTTP/1.1", "host: x", f"authorization: Bearer {KEY}", "connection: close"]
    return "\r\n".join(
        [*lines, "content-type: application/json", f"content-length: {length}", "", ""]
    ).encode()


def _all(connection: socket.socket) -> tuple[int, bytes, bytes]:
    """Status, headers and body of the one answer that comes."""
    head, _, body = b"".join(iter(lambda: connection.recv(2**16), b"")).partition(b"\r\n\r\n")
    return int(head.split()[1]), head.lower(), body


def test_a_request_without_its_body_times_out(guarded: ScoringServer) -> None:
    too_slow = guarded.metric("ripple_errors_total", code="too_slow")
    with _connected(guarded) as connection:
        connection.sendall(_headed(10))
        status, _, body = _all(connection)
    assert status == 504
    assert ErrorResponse.model_validate_json(body).error.code == "too_slow"
    assert guarded.metric("ripple_errors_total", code="too_slow") == too_slow + 1


def test_a_disconnect_in_the_middle_of_a_body_frees_its_place(guarded: ScoringServer) -> None:
    incomplete = guarded.metric("ripple_errors_total", code="incomplete")
    for _ in range(MAX_CONCURRENCY):
        with _connected(guarded) as connection:
            connection.sendall(_headed(10) + b"{")
    eventually(
        lambda: guarded.metric("ripple_errors_total", code="incomplete") == incomplete + MAX_CONCURRENCY, 4
    )
    assert guarded.http.get("/v1/model").status_code == 200


def _occupied(
    server: ScoringServer, stack: ExitStack, length: int
) -> tuple[list[socket.socket], httpx.Response]:
    """As many connections as are answered at once, all sending bodies, and the answer to one more.

    Whoever asks before all have arrived may take the place of the last one, so it may take several tries.
    """
    for _ in range(10):
        with ExitStack() as opened:
            waiting = [opened.enter_context(_connected(server)) for _ in range(MAX_CONCURRENCY)]
            for connection in waiting:
                connection.sendall(_headed(length))
            time.sleep(0.2)
            response = server.http.get("/v1/model")
            if response.status_code != 200:
                stack.push(opened.pop_all())
                return waiting, response
    raise AssertionError("the server never said that it is overloaded")


def test_requests_beyond_the_limit_are_refused_with_retry_after(guarded: ScoringServer) -> None:
    body = b'{"customer_ids": ["c0001"]}'
    overloaded = guarded.metric("ripple_errors_total", code="overloaded")
    with ExitStack() as stack:
        waiting, response = _occupied(guarded, stack, len(body))
        assert response.status_code == 503
        assert response.headers["retry-after"] == "1"
        assert ErrorResponse.model_validate_json(response.content).error.code == "overloaded"
        with (
            Client(guarded.url, key=KEY, retries=0) as client,
            pytest.raises(Unavailable, match="overloaded"),
        ):
            client.model()
        assert guarded.http.get("/readyz").status_code == 200
        for connection in waiting:
            connection.sendall(body)
        assert [_all(connection)[0] for connection in waiting] == [200] * MAX_CONCURRENCY
    assert guarded.http.get("/v1/model").status_code == 200
    assert guarded.metric("ripple_errors_total", code="overloaded") >= overloaded + 2


def test_under_a_flood_requests_are_answered_or_refused_and_retries_succeed(
    guarded: ScoringServer,
) -> None:
    request = {"customer_ids": [f"c{row:04d}" for row in range(300)], "explain": 3}
    body = json.dumps(request).encode()
    for _ in range(10):
        with ExitStack() as stack:
            connections = [stack.enter_context(_connected(guarded)) for _ in range(64)]
            for connection in connections:
                connection.sendall(_headed(len(body)) + body)
            answers = [_all(connection) for connection in connections]
        statuses = [status for status, _, _ in answers]
        assert set(statuses) <= {200, 503}
        if 503 in statuses:
            break
    else:
        # where the sender is slower than the server, a flood may be answered as it comes
        raise AssertionError("none of ten floods was too much")
    assert statuses.count(200) >= MAX_CONCURRENCY
    assert all(b"retry-after: 1" in head for status, head, _ in answers if status == 503)
    for status, _, body in answers:
        assert len(json.loads(body)["customers"] if status == 200 else body) > 0

    with Client(guarded.url, key=KEY, timeout=30, retries=20) as client, ThreadPoolExecutor(32) as pool:
        patient = [pool.submit(client.score, request["customer_ids"]) for _ in range(32)]
        assert {len(future.result().customers) for future in patient} == {300}


def test_logs_and_metrics_hold_no_customers_features_or_keys(guarded: ScoringServer) -> None:
    secret, value, feature = "c-confidential", 123456.78125, "confidential_30d"
    sent: list[dict[str, Any]] = [
        {"customer_ids": [secret, "c0001"]},
        {"customers": [{"customer_id": secret, "features": {feature: value}}]},
        {"customers": [{"customer_id": "c0001", "features": {"reach_30d": value}}], "explain": 3},
        {"customers": [{"customer_id": secret, "features": {"reach_30d": value}}]},
        {"customer_ids": [secret], "explain": secret},
    ]
    statuses = [guarded.http.post("/v1/score", json=body).status_code for body in sent]
    statuses += [guarded.http.get(f"/v1/customers/{secret}").status_code]
    statuses += [guarded.http.get(f"/v1/top?segment={secret}").status_code]
    statuses += [guarded.http.get(f"/{secret}").status_code]
    statuses += [httpx.get(f"{guarded.url}/v1/customers/{secret}").status_code]
    assert statuses == [200, 422, 200, 422, 422, 404, 422, 404, 401]
    text = guarded.printed() + guarded.http.get("/metrics").text
    assert "Service ripple initialized" in text
    for word in ("confidential", "c0001", "123456.78", KEY, OLD_KEY):
        assert word not in text


READER, SCORER = "the key of a reader", "the key of a scorer"


@pytest.fixture(scope="module")
def audited(serve: Callable[..., ScoringServer], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A server of two workers with keys for reading and scoring, and the folder of its audit log."""
    folder = tmp_path_factory.mktemp("audit") / "log"
    reader, scorer = (hashlib.sha256(key.encode()).hexdigest() for key in (READER, SCORER))
    keys = f"{reader}:crm:read+metrics {scorer}:shop:score:3"
    with serve(key=READER, keys=keys, audit=folder, workers=2) as server:
        yield server, folder


def test_a_key_opens_what_it_is_for_at_its_rate_and_all_of_it_is_audited(
    audited: tuple[ScoringServer, Path],
) -> None:
    server, folder = audited
    assert server.http.get("/v1/customers/c0003/history").status_code == 200
    refused = server.http.get("/v1/export")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "out_of_scope")
    body = {"customer_ids": ["c0003", "c-secret"]}
    assert server.http.post("/v1/score", json=body).status_code == 403
    assert httpx.get(f"{server.url}/v1/top").status_code == 401
    # over new connections, which go to either worker
    headers = {"authorization": f"Bearer {SCORER}"}
    answers = [httpx.post(f"{server.url}/v1/score", json=body, headers=headers) for _ in range(8)]
    limited = [answer for answer in answers if answer.status_code == 429]
    # three at once, and one more for each third of a second that passes meanwhile
    elapsed = sum(answer.elapsed.total_seconds() for answer in answers)
    assert 8 - len(limited) <= 3 + 3 * elapsed + 1
    assert limited
    assert all(answer.headers["retry-after"] == "1" for answer in limited)
    assert server.http.get("/metrics").status_code == 200

    text = "".join(file.read_text(encoding="utf-8") for file in sorted(folder.iterdir()))
    lines = [json.loads(line) for line in text.splitlines()]
    assert [(line["key"], line["route"], line["status"]) for line in lines[:4]] == [
        ("crm", "/v1/customers/{customer_id}/history", 200),
        ("crm", "/v1/export", 403),
        ("crm", "/v1/score", 403),
        (None, "/v1/top", 401),
    ]
    assert {line["key"] for line in lines[4:12]} == {"shop"}
    assert [line["status"] for line in lines[4:12]] == [answer.status_code for answer in answers]
    assert "c0003" not in text
    assert "secret" not in text
    assert READER not in text
