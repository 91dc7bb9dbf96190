"""The load generator counts answers by status, and what a server sheds."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from benchmarks.endpoint.load_generator import LOST, load, request


class Handler(BaseHTTPRequestHandler):
    """Answers the path with the status that it names; /lost ends the connection."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/lost":
            self.close_connection = True
            return
        status = 200 if self.path == "/livez" else int(self.path[1:4])
        sum(range(1_000_000))  # as CPU is counted in hundredths of a second
        self.send_response(status)
        if self.path.endswith("again"):
            self.send_header("Retry-After", "1")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *given: object) -> None:
        """Nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_answers_are_counted_by_status_and_only_503_with_retry_after_is_shed(port: int) -> None:
    requests = [request(path) for path in ("/200", "/503again", "/503", "/404")]
    result = load(port, os.getpid(), requests, connections=1, seconds=0.3)
    assert set(result.statuses) == {200, 503, 404}
    assert result.shed == pytest.approx(result.statuses[503] / 2, abs=1)
    assert result.errors == result.statuses.total() - result.statuses[200] - result.shed > 0
    assert 0 < result.p50_ms <= result.p99_ms
    assert result.cpu_us > 0
    assert result.per_s > 0


def test_a_lost_connection_is_an_error(port: int) -> None:
    result = load(port, os.getpid(), [request("/lost")], connections=2, seconds=0.1)
    assert result.statuses == {LOST: 2}
    assert result.errors == 2


def test_a_body_is_sent_as_json_with_its_length() -> None:
    head, body = request("/score", {"a": [1]}).split(b"\r\n\r\n")
    assert head.startswith(b"POST /score HTTP/1.1")
    assert b"content-length: 10" in head
    assert body == b'{"a": [1]}'
