"""Traces of requests: a span for each, sent to a collector by OTLP over HTTP; without ids of customers."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.propagate import extract
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode

from ripple.serving.http.app import Receive, Scope, Send
from ripple.serving.http.middleware import HEALTH, known_route


class TracingMiddleware:
    """Records a span for each request to *app*, but for those that ask after its health.

    A span continues the caller's trace (the header traceparent of W3C), and is recorded if the caller's is.
    It has the route in place of the path, which may hold a customer's id.

    Args:
        endpoint: URL of the collector, such as http://collector:4318/v1/traces.
    """

    def __init__(self, app: Any, endpoint: str) -> None:
        self.app = app
        self.provider = TracerProvider(resource=Resource.create({SERVICE_NAME: "ripple"}))
        self.provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint)))
        self._tracer = self.provider.get_tracer("ripple")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on."""
        if scope["type"] != "http" or scope["path"] in HEALTH:
            await self.app(scope, receive, send)
            return
        method, route = scope["method"], known_route(scope)
        if method not in ("GET", "HEAD", "POST", "OPTIONS"):
            method = "_OTHER"  # as OpenTelemetry calls what a caller can make up
        sent = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        attributes = {"http.request.method": method, "http.route": route}
        with self._tracer.start_as_current_span(
            f"{method} {route}", extract(sent), SpanKind.SERVER, attributes, record_exception=False
        ) as span:

            async def record(message: MutableMapping[str, Any]) -> None:
                if message["type"] == "http.response.start":
                    status = message["status"]
                    span.set_attribute("http.response.status_code", status)
                    if status >= 500:
                        span.set_status(StatusCode.ERROR)
                    ids = [value for name, value in message["headers"] if name == b"x-request-id"]
                    if ids:
                        span.set_attribute("ripple.request_id", ids[0].decode())
                await send(message)

            await self.app(scope, receive, record)
