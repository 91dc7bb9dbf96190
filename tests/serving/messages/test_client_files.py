"""Answers that are files: alone, and through both clients from a server that answers as scripted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from ripple import Client
from ripple.serving.client import Refused, Unavailable
from ripple.serving.messages.client_files import is_export, summary, whole_file
from ripple.serving.messages.lists import ExportSummary
from tests.support.servers.scripted_server import Scripted

HEADER = {"model_version": "1", "as_of": "2026-06-30T00:00:00Z", "currency": "EUR", "horizon_days": 180}
BUSY = {
    "error": {"code": "overloaded", "message": "128 are being answered.", "where": "service", "hint": "Wait."}
}


def _break(path: Path) -> None:
    with whole_file(path) as file:
        file.write(b"half")
        raise OSError("broken")


def test_a_file_has_its_name_once_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "scores.parquet"
    path.write_bytes(b"earlier")
    with pytest.raises(OSError, match="broken"):
        _break(path)
    assert (path.read_bytes(), list(tmp_path.iterdir())) == (b"earlier", [path])
    with whole_file(path) as file:
        file.write(b"new")
        assert path.read_bytes() == b"earlier"
    assert (path.read_bytes(), list(tmp_path.iterdir())) == (b"new", [path])


def test_headers_say_what_a_file_holds() -> None:
    headers = {
        "x-ripple-model-version": "3",
        "x-ripple-as-of": "2026-01-01T00:00:00Z",
        "x-ripple-currency": "z%C5%82",
        "x-ripple-horizon-days": "180",
        "x-ripple-publication": "v3-a",
        "x-ripple-customers": "12",
    }
    told = ExportSummary.model_validate_json(summary(httpx.Response(200, headers=headers)).content)
    assert (told.model_version, told.currency, told.horizon_days, told.customers) == ("3", "zł", 180, 12)


def test_a_page_of_something_else_is_no_export() -> None:
    assert not is_export(httpx.Response(200, content=b"<html>"))
    assert not is_export(httpx.Response(503, headers={"x-ripple-publication": "v1-a"}))
    assert is_export(httpx.Response(200, headers={"x-ripple-publication": "v1-a"}))


@pytest.fixture
def client(scripted: Scripted, connect: Callable[..., Client]) -> Client:
    return connect(scripted.url, key="k", retries=3)


EXPORT = {f"x-ripple-{name.replace('_', '-')}": str(value) for name, value in HEADER.items()} | {
    "x-ripple-publication": "v1-a",
    "x-ripple-customers": "2",
}


def test_an_export_is_a_file_and_tried_again(scripted: Scripted, client: Client, tmp_path: Path) -> None:
    path = tmp_path / "scores.parquet"
    scripted.script((503, BUSY, {"retry-after": "0"}), None, (200, b"PAR1", EXPORT))
    summary = client.export(path, explain=2)
    assert (summary.publication, summary.customers, path.read_bytes()) == ("v1-a", 2, b"PAR1")
    assert [request[1] for request in scripted.requests] == ["/v1/export?format=parquet&explain=2"] * 3


def test_an_export_that_ends_early_leaves_nothing(
    scripted: Scripted, connect: Callable[..., Client], tmp_path: Path
) -> None:
    client = connect(scripted.url, retries=1)
    path = tmp_path / "scores.parquet"
    path.write_bytes(b"earlier")
    scripted.script((200, b"PA", EXPORT | {"content-length": "4", "connection": "close"}))
    with pytest.raises(Unavailable):
        client.export(path)
    assert (path.read_bytes(), list(tmp_path.iterdir())) == (b"earlier", [path])
    scripted.script((422, {"error": BUSY["error"] | {"code": "literal_error"}}, {}))
    with pytest.raises(Refused):
        client.export(path, format="csv")  # type: ignore[arg-type]
    # a server that is none of Ripple
    scripted.script((200, b"<html>", {}))
    with pytest.raises(Unavailable):
        client.export(tmp_path / "other")
    assert not (tmp_path / "other").exists()
