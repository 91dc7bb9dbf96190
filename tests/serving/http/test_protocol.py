"""What a connection may send, by a real server of uvicorn whose time for headers is short."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from time import monotonic

import pytest
import uvicorn

from ripple.serving.http import protocol
from ripple.serving.http.app import Api
from ripple.serving.http.middleware import MAX_HEAD_BYTES, MAX_HEADERS, AdmissionMiddleware
from ripple.serving.http.protocol import MAX_REQUEST_BYTES, BoundedProtocol, use_bounded_protocol
from ripple.serving.prometheus import ServiceMetrics

SECONDS = 0.4


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Of a server without a model: it answers what needs none."""
    api = Api(ServiceMetrics())
    app = AdmissionMiddleware(api, api.metrics, (), max_concurrency=8)
    with pytest.MonkeyPatch.context() as patch, closing(socket.socket()) as listening:
        patch.setattr(protocol, "HEAD_SECONDS", SECONDS)
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        server = uvicorn.Server(uvicorn.Config(app, http=BoundedProtocol, log_config=None, lifespan="off"))
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join()


def _answers(port: int, *parts: bytes) -> bytes:
    """All that a connection answers until it is closed; a part is sent until that fails."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        try:
            for part in parts:
                connection.sendall(part)
        except OSError:
            pass  # closed before all was sent
        received = b""
        try:
            while more := connection.recv(2**16):
                received += more
        except ConnectionResetError:
            pass
        return received


def _assert_head_too_large(answer: bytes) -> None:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")
    assert json.loads(body)["error"]["code"] == "head_too_large"


LINE = b"GET /v1/openapi.json HTTP/1.1\r\nhost: x\r\n"
LAST = b"connection: close\r\n\r\n"


@pytest.mark.parametrize(
    "headers",
    [
        b"a: " + b"b" * MAX_HEAD_BYTES + b"\r\n",
        b"".join(b"a%d: b\r\n" % number for number in range(MAX_HEADERS)),
        b"a" * MAX_HEAD_BYTES + b": b\r\n",
    ],
)
def test_headers_have_a_size_and_a_number(port: int, headers: bytes) -> None:
    _assert_head_too_large(_answers(port, LINE + headers + LAST))


def test_a_path_counts_as_well(port: int) -> None:
    line = b"GET /v1/openapi.json?" + b"a" * MAX_HEAD_BYTES + b" HTTP/1.1\r\n"
    _assert_head_too_large(_answers(port, line + LAST))


def test_headers_up_to_both_limits_are_read(port: int) -> None:
    headers = b"".join(b"a%d: b\r\n" % number for number in range(MAX_HEADERS - 3))
    room = MAX_HEAD_BYTES - len(headers) - 2**10
    answer = _answers(port, LINE + headers + b"a: " + b"b" * room + b"\r\n" + LAST)
    assert answer.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("endless", [b"a" * 2**16, b"a: b\r\n" * 2**13])
def test_headers_that_do_not_end_are_cut_off(port: int, endless: bytes) -> None:
    answer = _answers(port, LINE, *[endless] * 200)
    assert not answer or b"431" in answer


@pytest.mark.parametrize("begun", [b"", b"GET /v1/docs", LINE, LINE + LAST[:-2]])
def test_headers_that_do_not_come_are_not_waited_for(port: int, begun: bytes) -> None:
    started = monotonic()
    answer = _answers(port, begun)
    assert SECONDS / 2 < monotonic() - started < 5
    assert b"HTTP/1.1 200" not in answer


def test_trailers_are_not_kept_and_a_request_without_end_is_cut_off(port: int) -> None:
    head = b"POST /v1/score HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    head += b"transfer-encoding: chunked\r\n\r\n"
    endless = b"a: b\r\n" * 2**13
    sent = 3 * MAX_REQUEST_BYTES // len(endless)
    answer = _answers(port, head + b"1\r\n{\r\n0\r\n", *[endless] * sent)
    assert answer.count(b"HTTP/1.1") <= 1


def test_one_connection_after_another_request_has_its_own_bounds(port: int) -> None:
    padding = b"a: " + b"b" * (MAX_HEAD_BYTES // 2) + b"\r\n"
    once = LINE + padding
    answer = _answers(port, once + b"\r\n", once + b"\r\n", once + LAST)
    assert answer.count(b"HTTP/1.1 200") == 3


def test_servers_of_this_process_use_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HTTP_PROTOCOLS", protocol.HTTP_PROTOCOLS)
    before = protocol.HTTP_PROTOCOLS["auto"]
    monkeypatch.setitem(protocol.HTTP_PROTOCOLS, "auto", before)
    use_bounded_protocol()
    config = uvicorn.Config(Api(ServiceMetrics()), log_config=None)
    config.load()
    assert config.http_protocol_class is BoundedProtocol
