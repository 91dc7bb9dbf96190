"""The client against a small real server that answers as it is told to."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest

from ripple import Client
from ripple.serving.client import NotFound, Refused, ServiceError, Unavailable
from tests.support.processes import free_port

HEADER = {"model_version": "1", "as_of": "2026-06-30T00:00:00", "currency": "EUR", "horizon_days": 180}
CUSTOMER = {
    "customer_id": "a/b ü",
    "network_value": 2.5,
    "network_value_low": 1.0,
    "network_value_high": 4.0,
    "top_probability": 0.25,
    "top_member": True,
    "rank": 1,
    "percentile": 100.0,
    "overridden": [],
}
SCORED = HEADER | {"customers": [CUSTOMER], "not_found": ["x"]}
BUSY = {
    "error": {"code": "overloaded", "message": "128 are being answered.", "where": "service", "hint": "Wait."}
}

Step = tuple[int, Any, dict[str, str]]


class Scripted:
    """Answers one step after another, the last one for ever, and remembers what it was asked."""

    def __init__(self) -> None:
        self.steps: list[Step | None] = []
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        script = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                script.asked.append((self.command, self.path, dict(self.headers), body))
                step = script.steps.pop(0) if len(script.steps) > 1 else script.steps[0]
                if step is None:  # the connection breaks
                    self.close_connection = True
                    return
                status, content, headers = step
                sent = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response(status)
                for name, value in ({"content-length": str(len(sent))} | headers).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(sent)

            do_GET = do_POST = answer  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def says(self, *steps: Step | None) -> None:
        self.steps, self.asked = list(steps), []


@pytest.fixture(scope="module")
def scripted() -> Iterator[Scripted]:
    script = Scripted()
    thread = threading.Thread(target=script.server.serve_forever, args=(0.02,))
    thread.start()
    yield script
    script.server.shutdown()
    thread.join()
    script.server.server_close()


@pytest.fixture
def client(scripted: Scripted) -> Iterator[Client]:
    with Client(scripted.url, key="k", retries=3) as client:
        yield client


def test_answers_are_typed_and_requests_are_what_was_asked(scripted: Scripted, client: Client) -> None:
    scripted.says((200, SCORED, {}))
    answer = client.score(["a/b ü"], explain=2)
    assert (answer.customers[0].network_value, answer.not_found) == (2.5, ["x"])
    method, path, headers, body = scripted.asked[0]
    assert (method, path, headers["authorization"]) == ("POST", "/v1/score", "Bearer k")
    assert json.loads(body) == {"customer_ids": ["a/b ü"], "explain": 2}

    client.score(customers=[{"features": {"reach_30d": None}}])
    assert json.loads(scripted.asked[1][3]) == {
        "customers": [{"features": {"reach_30d": None}}],
        "explain": 0,
    }


def test_an_id_of_any_letters_is_one_part_of_the_path(scripted: Scripted, client: Client) -> None:
    scripted.says((200, HEADER | {"customer": CUSTOMER}, {}))
    assert client.customer("a/b ü", explain=1).customer_id == "a/b ü"
    assert scripted.asked[0][1] == "/v1/customers/a%2Fb%20%C3%BC?explain=1"


def test_the_top_of_everybody_or_of_a_segment(scripted: Scripted, client: Client) -> None:
    top = HEADER | {"customers": [CUSTOMER], "total": 9, "limit": 5, "offset": 2, "segment": "plan pro"}
    scripted.says((200, top, {}))
    assert client.top(5, 2, "plan pro").total == 9
    client.top()
    assert [path for _, path, _, _ in scripted.asked] == [
        "/v1/top?limit=5&offset=2&segment=plan+pro",
        "/v1/top?limit=100&offset=0",
    ]


@pytest.mark.parametrize(
    "failing",
    [
        [(503, BUSY, {})],
        [(429, BUSY, {}), (502, b"<html>", {}), (504, BUSY, {})],
        [None],
        [None, (503, b"", {"retry-after": "soon"}), None],
    ],
)
def test_what_passes_is_tried_again(scripted: Scripted, client: Client, failing: list[Step | None]) -> None:
    scripted.says(*failing, (200, SCORED, {}))
    assert client.score(["a"]).model_version == "1"
    assert len(scripted.asked) == len(failing) + 1
    assert len({body for _, _, _, body in scripted.asked}) == 1


def test_it_waits_as_long_as_it_is_told_to(scripted: Scripted, client: Client) -> None:
    scripted.says((503, BUSY, {"retry-after": "1"}), (200, SCORED, {}))
    started = time.monotonic()
    client.score(["a"])
    assert time.monotonic() - started >= 1


def test_pauses_grow(scripted: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    # in this module alone: threads that other tests have left in the process sleep too
    monkeypatch.setattr("ripple.serving.client.time", SimpleNamespace(sleep=pauses.append))
    monkeypatch.setattr("ripple.serving.client.random.uniform", lambda _, most: most)
    scripted.says((503, BUSY, {}))
    with Client(scripted.url, retries=8) as client, pytest.raises(Unavailable):
        client.score(["a"])
    assert pauses == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0])
    scripted.says((503, BUSY, {"retry-after": "3600"}))
    with Client(scripted.url, retries=1) as client, pytest.raises(Unavailable):
        client.score(["a"])
    assert pauses[-1] <= 20


def test_what_does_not_pass_says_what_the_service_said(scripted: Scripted) -> None:
    scripted.says((503, BUSY, {}))
    with Client(scripted.url, retries=1) as client, pytest.raises(Unavailable, match="128 are being") as told:
        client.model()
    assert (told.value.status, told.value.problem.code) == (503, "overloaded")
    assert len(scripted.asked) == 2


@pytest.mark.parametrize(
    ("status", "expected"),
    [(400, Refused), (401, Refused), (404, NotFound), (422, Refused), (500, Unavailable)],
)
def test_what_trying_again_does_not_help_is_not_tried_again(
    scripted: Scripted, client: Client, status: int, expected: type[ServiceError]
) -> None:
    problem = {"code": "c", "message": "It is wrong.", "where": "body", "hint": "Mend it."}
    scripted.says((status, {"error": problem}, {}))
    with pytest.raises(expected, match=r"It is wrong. \(body: c\) Mend it.") as refused:
        client.score(["a"])
    assert type(refused.value) is expected
    assert (refused.value.status, len(scripted.asked)) == (status, 1)


def test_an_answer_of_something_else_is_told(scripted: Scripted, client: Client) -> None:
    scripted.says((404, b"<html>not here</html>", {}))
    with pytest.raises(NotFound, match="answered 404 without saying why"):
        client.model()
    scripted.says((200, b"<html>welcome</html>", {}))
    with pytest.raises(Unavailable, match="answered 200 with something else"):
        client.model()


def test_nobody_there_is_told(client: Client) -> None:
    with Client(f"http://127.0.0.1:{free_port()}", retries=1) as alone, pytest.raises(Unavailable) as told:
        alone.model()
    assert (told.value.status, told.value.problem.code) == (None, "unreached")
    assert "Check the address" in str(told.value)
