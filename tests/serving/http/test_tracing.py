"""Spans of requests, as a real collector gets them."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from ripple.serving.http.app import Api
from ripple.serving.http.middleware import AdmissionMiddleware
from ripple.serving.http.tracing import TracingMiddleware
from ripple.serving.prometheus import ServiceMetrics

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Collector(HTTPServer):
    """Takes spans by OTLP over HTTP."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1/traces"


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                self.server.spans.extend(scope.spans)
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_span_is_sent_for_each_request_with_its_route_and_trace(run: Any, collector: Collector) -> None:
    metrics = ServiceMetrics()
    app = TracingMiddleware(AdmissionMiddleware(Api(metrics), metrics, [], 8), collector.url)

    async def send() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://ripple") as client:
            headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "x-request-id": "mine"}
            unsampled = {"traceparent": f"00-{TRACE}-{PARENT}-00"}
            return [
                await client.get("/v1/customers/c000042", headers=headers),
                await client.get("/v1/openapi.json"),
                await client.get("/v1/model", headers=unsampled),
                await client.request("MADE-UP", "/v1/made/up"),
            ]

    answers = run(send())
    app.provider.shutdown()
    known, document, other = collector.spans
    assert [answer.status_code for answer in answers] == [503, 200, 503, 404]
    assert [span.name for span in collector.spans] == [
        "GET /v1/customers/",
        "GET /v1/openapi.json",
        "_OTHER unknown",
    ]
    assert (known.trace_id.hex(), known.parent_span_id.hex()) == (TRACE, PARENT)
    assert not document.parent_span_id
    attributes = {one.key: one.value for one in known.attributes}
    assert attributes["http.response.status_code"].int_value == 503
    assert attributes["ripple.request_id"].string_value == "mine"
    assert known.status.code == Status.STATUS_CODE_ERROR
    assert other.status.code == Status.STATUS_CODE_UNSET
    assert "c000042" not in "".join(map(str, collector.spans))
