"""Answers of the client that are files: written whole or not at all, with what their headers tell."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import unquote

import httpx

from ripple.serving.messages.lists import ExportSummary

NUMBERS = ("horizon_days", "customers")
"""The headers that are numbers."""


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A file that gets its name *path* once all of it is there; an earlier one stays until then."""
    building = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with building.open("xb") as file:
            yield file
        building.replace(path)
    finally:
        building.unlink(missing_ok=True)


def is_export(answer: httpx.Response) -> bool:
    """Whether the service exports, rather than refusing it, or something else answers."""
    return answer.is_success and "x-ripple-publication" in answer.headers


def summary(answer: httpx.Response) -> httpx.Response:
    """The headers of a long answer that say what it holds, as an answer in JSON."""
    told = {
        name: unquote(answer.headers[header])
        for name in ExportSummary.model_fields
        if (header := f"x-ripple-{name.replace('_', '-')}") in answer.headers
    }
    numbers = {name: int(told[name]) for name in NUMBERS if told.get(name, "").isdigit()}
    return httpx.Response(answer.status_code, content=json.dumps(told | numbers).encode())
