"""Whatever is sent to the real service, it is answered or refused in the one shape, and never fails."""

from __future__ import annotations

import json
import re
import socket

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from ripple.serving.http.app import CUSTOMER, EXPERIMENT, EXPERIMENTS, PARTS
from ripple.serving.http.app import METHODS as METHODS_BY_PATH
from ripple.serving.http.middleware import HEALTH, REDIRECTED
from ripple.serving.schemas import ErrorResponse
from tests.support.servers.scoring_server import ScoringServer


@pytest.fixture(scope="module")
def api(server: ScoringServer) -> schemathesis.schemas.BaseSchema:
    """The document that is served."""
    schema = schemathesis.openapi.from_url(f"{server.url}/v1/openapi.json")
    schema.config.update(base_url=server.url)
    return schema


OPERATIONS = [
    ("POST", "/v1/score"),
    *(("GET", path) for path in ("/v1/top", "/v1/customers/{customer_id}", "/v1/plays", "/v1/changes")),
    ("GET", "/v1/export"),
]


@pytest.mark.parametrize(
    ("method", "path", "mode"),
    [(*operation, mode) for operation in OPERATIONS for mode in GenerationMode]
    + [
        ("GET", path, GenerationMode.POSITIVE)
        for path in (*PARTS.values(), EXPERIMENTS, EXPERIMENT, "/v1/model")
    ],
)
def test_every_operation_keeps_its_document(
    method: str, path: str, mode: GenerationMode, api: schemathesis.schemas.BaseSchema
) -> None:
    @settings(max_examples=40, suppress_health_check=list(HealthCheck))
    @given(api[path][method].as_strategy(generation_mode=mode))
    def sends(case: schemathesis.Case) -> None:
        # which segments and features there are depends on the model, so a document cannot say it
        case.call_and_validate(excluded_checks=[positive_data_acceptance])

    sends()


# an example is a request, which a busy machine may answer slowly
patient = settings(max_examples=250, suppress_health_check=[HealthCheck.function_scoped_fixture])
SMALL = st.text(max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | SMALL,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["customer_ids", "customers", "customer_id", "features", "explain", "reach_30d"])
            | SMALL,
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)
HEADERS = st.dictionaries(
    st.sampled_from(
        ["content-type", "authorization", "accept", "expect", "content-encoding", "range", "x-any", "cookie"]
    ),
    st.binary(max_size=30).map(lambda value: bytes(byte for byte in value if byte > 31 and byte != 127)),
    max_size=3,
)
METHODS = st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"])
PLACES = st.sampled_from(
    [
        *METHODS_BY_PATH,
        CUSTOMER,
        *HEALTH,
        *REDIRECTED,
        "/static_content/",
        "/metrics",
        "/v1",
        "/v1/",
        "/score",
        "//",
        "/..",
    ]
)
ESCAPED = st.binary(max_size=12).map(lambda value: "".join(f"%{byte:02x}" for byte in value))
PATHS = st.builds(
    lambda route, rest, query: route + rest + query,
    PLACES,
    ESCAPED | st.sampled_from(["", "..", "%2e%2e/%2e%2e/etc/passwd", ";", "//", "c0001", "%", "%zz", "%00"]),
    st.just("") | ESCAPED.map(lambda value: f"?limit={value}") | ESCAPED.map(lambda value: f"?{value}"),
)


def _raw(server: ScoringServer, request: bytes) -> bytes:
    """What a connection of its own answers to bytes as they are."""
    url = httpx.URL(server.url)
    with socket.create_connection((url.host, url.port or 80), timeout=30) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(2**16), b""))


def _request(method: str, path: str, headers: dict[str, bytes], body: bytes) -> bytes:
    fields = {"host": b"x", "connection": b"close", "content-length": b"%d" % len(body)} | headers
    lines = [f"{method} {path} HTTP/1.1".encode(), *(b"%s: %s" % (k.encode(), v) for k, v in fields.items())]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def _assert_valid_answer(answer: bytes) -> None:
    """Fail unless *answer* is a good one, holds an error in the one shape, or says that it was not HTTP."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status_line = re.match(rb"HTTP/1.1 (\d+)", head)
    assert status_line, answer
    status = int(status_line[1])
    assert status < 500, answer
    if status >= 400 and body and not (status == 400 and body == b"Invalid HTTP request received."):
        assert ErrorResponse.model_validate_json(body).error.hint


@patient
@given(JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=60))
def test_any_body_is_answered_or_refused(client: httpx.Client, body: bytes) -> None:
    response = client.post("/v1/score", content=body, headers={"content-type": "application/json"})
    assert response.status_code in (200, 400, 422)
    if response.status_code != 200:
        assert ErrorResponse.model_validate_json(response.content).error.hint


@patient
@given(METHODS, PATHS, HEADERS, st.binary(max_size=20))
def test_any_path_method_and_headers_are_answered_or_refused(
    server: ScoringServer, method: str, path: str, headers: dict[str, bytes], body: bytes
) -> None:
    _assert_valid_answer(_raw(server, _request(method, path, headers, body)))


@patient
@given(st.binary(min_size=1, max_size=80))
def test_bytes_that_are_not_http_are_refused(server: ScoringServer, sent: bytes) -> None:
    url = httpx.URL(server.url)
    with socket.create_connection((url.host, url.port or 80), timeout=30) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(2**16), b""))
    assert not answer or answer.startswith(b"HTTP/1.1 4"), answer
    assert server.http.get("/livez").status_code == 200
