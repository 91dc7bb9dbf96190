"""A small real server that answers as scripted, and the client for asyncio as one that blocks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ripple import AsyncClient

Step = tuple[int, Any, dict[str, str]]


class Scripted:
    """A server that answers one step after another, the last one for ever, and records the requests."""

    def __init__(self) -> None:
        self.steps: list[Step | None] = []
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                server.requests.append((self.command, self.path, dict(self.headers), body))
                step = server.steps.pop(0) if len(server.steps) > 1 else server.steps[0]
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

    def script(self, *steps: Step | None) -> None:
        self.steps, self.requests = list(steps), []


class Blocking:
    """An AsyncClient whose methods run to their end."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.client = AsyncClient(*arguments, **options)
        self.runner = asyncio.Runner()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **request: Any) -> Any:
            return self.runner.run(getattr(self.client, name)(*arguments, **request))

        return call

    def __enter__(self) -> Blocking:
        self.runner.run(self.client.__aenter__())
        return self

    def __exit__(self, *_: object) -> None:
        self.runner.run(self.client.__aexit__(None, None, None))
        self.runner.close()
