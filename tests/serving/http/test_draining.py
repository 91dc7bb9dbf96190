from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx
import pytest

from ripple.serving.http.draining import Draining
from tests.support.servers.processes import free_port
from tests.support.servers.scoring_server import eventually

SERVER = """
import sys
import uvicorn
from ripple.serving.http.draining import Draining, DrainingMiddleware

draining = Draining(float(sys.argv[2]))

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        draining.start(keep_alive_seconds=1)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    status = 503 if draining.is_under_way else 200
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body"})

uvicorn.run(DrainingMiddleware(app, draining), port=int(sys.argv[1]), log_level="error")
"""


class Server:
    """A real uvicorn that drains for some seconds, and answers 503 meanwhile."""

    def __init__(self, seconds: float) -> None:
        self.port = free_port()
        command = [sys.executable, "-c", SERVER, str(self.port), str(seconds)]
        self.process = subprocess.Popen(command)
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.port}")
        eventually(lambda: self.status() == 200)

    def status(self) -> int | None:
        try:
            return self.http.get("/").status_code
        except httpx.TransportError:
            return None

    def drain(self) -> None:
        self.process.terminate()
        eventually(lambda: self.status() == 503)


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    server = Server(request.param)
    yield server
    server.http.close()
    server.process.kill()
    server.process.wait()


@pytest.mark.parametrize("server", [1.0], indirect=True)
def test_connections_are_closed_after_their_answer_for_a_while_and_then_the_server_ends(
    server: Server,
) -> None:
    assert "connection" not in server.http.get("/").headers
    started = time.monotonic()
    server.drain()
    assert server.http.get("/").headers["connection"] == "close"
    server.process.wait(timeout=60)
    assert time.monotonic() - started > 1.0


@pytest.mark.parametrize("server", [60.0], indirect=True)
def test_a_second_signal_ends_it_at_once(server: Server) -> None:
    server.drain()
    server.process.terminate()
    server.process.wait(timeout=30)


@pytest.mark.parametrize("server", [0.0], indirect=True)
def test_connections_are_kept_for_as_long_as_is_set_and_no_draining_ends_at_once(server: Server) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{server.port}") as client:
        stream = client.get("/").extensions["network_stream"]
        time.sleep(0.3)
        assert not stream.get_extra_info("is_readable")
        eventually(lambda: bool(stream.get_extra_info("is_readable")), 30)
    server.process.terminate()
    server.process.wait(timeout=30)


def test_without_uvicorn_it_does_not_start() -> None:
    async def start() -> None:
        Draining(1.0).start(75)

    with pytest.raises(RuntimeError, match="uvicorn does not handle"):
        asyncio.run(start())
