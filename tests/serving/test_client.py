"""Both clients against a small real server that answers as scripted."""

from __future__ import annotations

import json
import math
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ripple import AsyncClient, Client
from ripple.serving.client import NotFound, Refused, ServiceError, Unavailable
from tests.support.servers.processes import free_port
from tests.support.servers.scripted_server import Scripted, Step

HEADER = {"model_version": "1", "as_of": "2026-06-30T00:00:00Z", "currency": "EUR", "horizon_days": 180}
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


@pytest.fixture
def client(scripted: Scripted, connect: Callable[..., Client]) -> Client:
    return connect(scripted.url, key="k", retries=3)


def test_answers_are_typed_and_requests_hold_the_arguments(scripted: Scripted, client: Client) -> None:
    scripted.script((200, SCORED, {}))
    answer = client.score(["a/b ü"], explain=2)
    assert (answer.customers[0].network_value, answer.not_found) == (2.5, ["x"])
    method, path, headers, body = scripted.requests[0]
    assert (method, path, headers["authorization"]) == ("POST", "/v1/score", "Bearer k")
    assert json.loads(body) == {"customer_ids": ["a/b ü"], "explain": 2}

    client.score(customers=[{"features": {"reach_30d": None}}])
    assert json.loads(scripted.requests[1][3]) == {
        "customers": [{"features": {"reach_30d": None}}],
        "explain": 0,
    }


def test_an_id_of_any_letters_is_one_part_of_the_path(scripted: Scripted, client: Client) -> None:
    scripted.script((200, HEADER | {"customer": CUSTOMER}, {}))
    assert client.customer("a/b ü", explain=1).customer_id == "a/b ü"
    assert scripted.requests[0][1] == "/v1/customers/a%2Fb%20%C3%BC?explain=1"


def test_the_top_of_everybody_or_of_a_segment(scripted: Scripted, client: Client) -> None:
    top = HEADER | {"customers": [CUSTOMER], "total": 9, "limit": 5, "offset": 2, "segment": "plan pro"}
    scripted.script((200, top, {}))
    assert client.top(5, 2, "plan pro").total == 9
    client.top()
    assert [path for _, path, _, _ in scripted.requests] == [
        "/v1/top?limit=5&offset=2&segment=plan+pro",
        "/v1/top?limit=100&offset=0",
    ]


def test_answers_of_a_later_service_that_tells_more_are_read(scripted: Scripted, client: Client) -> None:
    scripted.script((200, SCORED | {"customers": [CUSTOMER | {"segment_rank": 3}], "more": {}}, {}))
    answer = client.score(["a/b ü"])
    assert answer.customers[0].rank == 1
    assert answer.customers[0].any_value_probability is None  # nor does an earlier one tell all


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"error": BUSY["error"] | {"code": "unknown_customer"}}, NotFound),
        ({"error": BUSY["error"] | {"code": "unknown_path"}}, Refused),
    ],
)
def test_only_an_unknown_customer_is_not_found(
    scripted: Scripted, client: Client, body: Any, error: type[ServiceError]
) -> None:
    scripted.script((404, body, {}))
    with pytest.raises(ServiceError) as raised:
        client.customer("a")
    assert type(raised.value) is error


def test_numbers_of_numpy_are_numbers_and_nan_is_undefined(scripted: Scripted, client: Client) -> None:
    scripted.script((200, SCORED, {}))
    features = {
        "a": np.float32(0.5),
        "b": np.int64(3),
        "c": math.nan,
        "d": np.float64("nan"),
        "e": None,
    }
    client.score(customers=[{"customer_id": np.str_("a"), "features": features}], explain=np.int64(2))
    assert json.loads(scripted.requests[0][3]) == {
        "customers": [{"customer_id": "a", "features": {"a": 0.5, "b": 3, "c": None, "d": None, "e": None}}],
        "explain": 2,
    }


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (math.inf, "finite_number"),
        (np.float64("-inf"), "finite_number"),
        ("1", "float_type"),
        (True, "float_type"),
        (np.bool_(True), "float_type"),
        (np.ones(2), "float_type"),
        (pd.NA, "float_type"),
    ],
)
def test_what_is_no_number_is_refused_before_anything_is_sent(
    value: Any, code: str, scripted: Scripted, client: Client
) -> None:
    scripted.script((200, SCORED, {}))
    with pytest.raises(Refused) as refused:
        client.score(customers=[{"features": {}}, {"features": {"reach_30d": value}}])
    problem = refused.value.problem
    assert (refused.value.status, problem.code) == (None, code)
    assert problem.where == "customers[1].features.reach_30d"
    with pytest.raises(Refused, match="json_invalid"):
        client.score(["a"], explain=pd.NA)
    assert scripted.requests == []


def _answer_by_socks(listening: socket.socket, content: bytes) -> bytes:
    """Answer one request as a SOCKS5 proxy (RFC 1928) that reached the service, and tell for whom it was."""
    connection, _ = listening.accept()
    with connection:
        assert connection.recv(2**16)[:1] == b"\x05"
        connection.sendall(b"\x05\x00")  # no authentication
        target = connection.recv(2**16)
        connection.sendall(b"\x05\x00\x00\x01" + bytes(6))
        connection.recv(2**16)
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(content) + content)
    return target


def test_a_proxy_of_the_environment_may_speak_socks(
    connect: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor(1) as pool:
        listening.settimeout(30)
        for name in ("HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy", "all_proxy"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("ALL_PROXY", f"socks5://127.0.0.1:{listening.getsockname()[1]}")
        target = pool.submit(_answer_by_socks, listening, json.dumps(SCORED).encode())
        assert connect("http://ripple.example").score(["a"]).model_version == "1"
        assert b"ripple.example" in target.result()


def test_an_id_in_place_of_a_list_is_refused_before_anything_is_sent(
    scripted: Scripted, client: Client
) -> None:
    scripted.script((200, SCORED, {}))
    with pytest.raises(TypeError, match=r"\['c000042'\]"):
        client.score("c000042")
    assert scripted.requests == []


@pytest.mark.parametrize(
    "failing",
    [
        [(503, BUSY, {})],
        [(429, BUSY, {}), (502, b"<html>", {}), (504, BUSY, {})],
        [None],
        [None, (503, b"", {"retry-after": "soon"}), None],
    ],
)
def test_transient_failures_are_tried_again(
    scripted: Scripted, client: Client, failing: list[Step | None]
) -> None:
    scripted.script(*failing, (200, SCORED, {}))
    assert client.score(["a"]).model_version == "1"
    assert len(scripted.requests) == len(failing) + 1
    assert len({body for _, _, _, body in scripted.requests}) == 1


def test_it_waits_for_retry_after(scripted: Scripted, client: Client) -> None:
    scripted.script((503, BUSY, {"retry-after": "1"}), (200, SCORED, {}))
    started = time.monotonic()
    client.score(["a"])
    assert time.monotonic() - started >= 1


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the clients would sleep."""
    seconds: list[float] = []

    async def sleep(pause: float) -> None:
        seconds.append(pause)

    # in this module alone: threads that other tests have left in the process sleep too
    clock = SimpleNamespace(sleep=seconds.append, monotonic=lambda: sum(seconds))
    monkeypatch.setattr("ripple.serving.client.time", clock)
    monkeypatch.setattr("ripple.serving.client.asyncio", SimpleNamespace(sleep=sleep))
    monkeypatch.setattr("ripple.serving.calls.random.uniform", lambda _, high: high)
    return seconds


def test_pauses_grow(scripted: Scripted, connect: Callable[..., Client], pauses: list[float]) -> None:
    scripted.script((503, BUSY, {}))
    with pytest.raises(Unavailable):
        connect(scripted.url, retries=8, timeout=60).score(["a"])
    assert pauses == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0])
    scripted.script((503, BUSY, {"retry-after": "3600"}))
    with pytest.raises(Unavailable):
        connect(scripted.url, retries=1, timeout=60).score(["a"])
    assert pauses[-1] == pytest.approx(10.1)


@pytest.mark.parametrize("headers", [{}, {"retry-after": "1"}, {"retry-after": "3600"}])
def test_tries_and_pauses_take_no_longer_than_the_timeout(
    headers: dict[str, str], scripted: Scripted, connect: Callable[..., Client], pauses: list[float]
) -> None:
    scripted.script((503, BUSY, headers))
    with pytest.raises(Unavailable, match="128 are being"):
        connect(scripted.url, retries=50, timeout=5).score(["a"])
    assert sum(pauses) <= 5


def test_a_service_that_does_not_answer_is_left_after_the_timeout(connect: Callable[..., Client]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        started = time.monotonic()
        with pytest.raises(Unavailable, match="not reached"):
            connect(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=0.4).model()
        assert time.monotonic() - started < 2


def test_without_retries_the_service_s_error_is_raised(
    scripted: Scripted, connect: Callable[..., Client]
) -> None:
    scripted.script((503, BUSY, {}))
    with pytest.raises(Unavailable, match="128 are being") as error:
        connect(scripted.url, retries=1).model()
    assert (error.value.status, error.value.problem.code) == (503, "overloaded")
    assert len(scripted.requests) == 2


@pytest.mark.parametrize(
    ("status", "expected"),
    [(400, Refused), (401, Refused), (404, Refused), (422, Refused), (500, Unavailable)],
)
def test_permanent_errors_are_not_tried_again(
    scripted: Scripted, client: Client, status: int, expected: type[ServiceError]
) -> None:
    problem = {"code": "c", "message": "It is wrong.", "where": "body", "hint": "Mend it."}
    scripted.script((status, {"error": problem}, {}))
    with pytest.raises(expected, match=r"It is wrong. \(body: c\) Mend it.") as refused:
        client.score(["a"])
    assert type(refused.value) is expected
    assert (refused.value.status, len(scripted.requests)) == (status, 1)


def test_an_answer_of_another_server_is_an_error(scripted: Scripted, client: Client) -> None:
    scripted.script((404, b"<html>not here</html>", {}))
    with pytest.raises(Refused, match="answered 404 without saying why"):
        client.model()
    scripted.script((200, b"<html>welcome</html>", {}))
    with pytest.raises(Unavailable, match="answered 200 with something else"):
        client.model()


def test_an_unreachable_service_is_an_error_of_its_own(connect: Callable[..., Client]) -> None:
    with pytest.raises(Unavailable) as error:
        connect(f"http://127.0.0.1:{free_port()}", retries=1).model()
    assert (error.value.status, error.value.problem.code) == (None, "unreached")
    assert "Check the address" in str(error.value)


def test_the_clients_have_the_same_methods() -> None:
    public = {name for name in vars(Client) if not name.startswith("_")} - {"close"}
    assert public == {name for name in vars(AsyncClient) if not name.startswith("_")} - {"aclose"}


IMPORTED = """
import sys
before = set(sys.modules)
from ripple import AsyncClient, Client
print(*sorted({name.partition(".")[0] for name in set(sys.modules) - before} - sys.stdlib_module_names))
print(*sorted(name for name in sys.modules if name.startswith("ripple")))
"""


def test_the_clients_import_only_httpx_and_pydantic() -> None:
    command = [sys.executable, "-c", IMPORTED]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    packages, modules = (set(line.split()) for line in run.stdout.splitlines())
    assert {"httpx", "pydantic"} <= packages
    heavy = {"numpy", "pandas", "lightgbm", "bentoml", "mlflow", "starlette", "ibis", "duckdb", "pyarrow"}
    assert not packages & (heavy | {"msgspec", "scipy", "redis", "prometheus_client"})
    own = {
        *("", ".calls", ".client", ".experiment_schemas", ".schemas", ".messages"),
        *(
            f".messages.{name}"
            for name in ("base", "client_bodies", "client_files", "client_methods", "lists", "what_if")
        ),
    }
    assert {name.removeprefix("ripple.serving") for name in modules - {"ripple"}} == own
