"""Sending an export: complete, or recognisably not; for readers that are slow, gone, or too many."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from ripple.serving.errors import RequestError, StoreUnavailable
from ripple.serving.http import export as module
from ripple.serving.http.app import Api
from ripple.serving.http.export import MAX_EXPORTS, ExportEnded, Exports
from ripple.serving.messages.lists import ExportRequest
from ripple.serving.prometheus import ServiceMetrics
from ripple.serving.publications.publication import load_publication
from ripple.serving.publications.snapshot import Lookup
from ripple.serving.scorer import Scorer
from ripple.serving.store_poller import warmed_up_scorer

LINES = ExportRequest(format="ndjson")


class Reader:
    """Takes an answer, and leaves or stalls after so many parts."""

    def __init__(self, leaves_after: int | None = None, stalls_after: int | None = None) -> None:
        self.messages: list[Any] = []
        self.gone = asyncio.Event()
        self.leaves_after, self.stalls_after = leaves_after, stalls_after

    async def receive(self) -> dict[str, Any]:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.messages.append(message)
        if len(self.messages) - 1 == self.leaves_after:
            self.gone.set()
        if len(self.messages) - 1 == self.stalls_after:
            await asyncio.Event().wait()
        await asyncio.sleep(0)

    @property
    def parts(self) -> list[bytes]:
        return [message["body"] for message in self.messages[1:]]

    @property
    def is_complete(self) -> bool:
        return not self.messages[-1].get("more_body", False)


@pytest.fixture
def scorer(published: Path, monkeypatch: pytest.MonkeyPatch) -> Scorer:
    monkeypatch.setattr(module, "PART_ROWS", 50)
    return warmed_up_scorer(load_publication(published, published.name))


def _send(exports: Exports, scorer: Scorer, reader: Reader, head_only: bool = False) -> Any:
    return exports.send(scorer, LINES, head_only, reader.receive, reader.send, [])


def test_an_export_comes_in_parts(scorer: Scorer, run: Any) -> None:
    exports, reader = Exports(), Reader()
    run(_send(exports, scorer, reader))
    assert [part.count(b"\n") for part in reader.parts] == [50] * 8 + [0]
    ranks = [json.loads(line)["rank"] for line in b"".join(reader.parts).splitlines()]
    assert ranks == list(range(1, 401))
    assert reader.is_complete
    assert exports.running == 0


def test_head_sends_no_part(scorer: Scorer, run: Any) -> None:
    reader = Reader()
    run(_send(Exports(), scorer, reader, head_only=True))
    assert reader.parts == [b""]


def test_nothing_is_made_for_a_reader_who_is_gone(
    scorer: Scorer, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []
    part = scorer.customers.part

    async def watched(offset: int, limit: int, explain: bool) -> Lookup:
        read.append(offset)
        return await part(offset, limit, explain)

    monkeypatch.setattr(scorer.customers, "part", watched)
    exports, reader = Exports(), Reader(leaves_after=2)
    run(_send(exports, scorer, reader))
    assert len(read) <= 4
    assert exports.running == 0


def test_a_reader_who_takes_nothing_is_left(
    scorer: Scorer, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STALL_SECONDS", 0.05)
    exports, reader = Exports(), Reader(stalls_after=2)
    with pytest.raises(ExportEnded) as ended:
        run(_send(exports, scorer, reader))
    assert isinstance(ended.value.__cause__, TimeoutError)
    assert not reader.is_complete
    assert exports.running == 0


def test_too_many_at_once_are_refused(scorer: Scorer, run: Any) -> None:
    async def crowd() -> None:
        exports = Exports()
        waiting = [Reader(stalls_after=1) for _ in range(MAX_EXPORTS)]
        tasks = [asyncio.create_task(_send(exports, scorer, reader)) for reader in waiting]
        while not all(reader.messages for reader in waiting):
            await asyncio.sleep(0.01)
        with pytest.raises(RequestError) as refused:
            await _send(exports, scorer, Reader())
        assert (refused.value.status, refused.value.code) == (503, "overloaded")
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert exports.running == 0
        reader = Reader()
        await _send(exports, scorer, reader)
        assert reader.is_complete

    run(crowd())


@pytest.mark.parametrize("fails_at", [0, 100])
def test_a_store_that_fails_is_told_before_and_ends_the_answer_after_the_beginning(
    fails_at: int,
    scorer: Scorer,
    run: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    part = scorer.customers.part

    async def broken(offset: int, limit: int, explain: bool) -> Lookup:
        if offset >= fails_at:
            raise StoreUnavailable("Redis does not answer.")
        return await part(offset, limit, explain)

    monkeypatch.setattr(scorer.customers, "part", broken)
    monkeypatch.setattr("ripple.serving.http.app.logger.handlers", [caplog.handler])
    api, reader = Api(ServiceMetrics()), Reader()
    api.scorer = scorer
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/v1/export",
        "raw_path": b"/v1/export",
        "query_string": b"format=ndjson",
        "header": {},
        "ripple.request_id": "r1",
    }
    run(api(scope, reader.receive, reader.send))
    if fails_at == 0:
        assert reader.messages[0]["status"] == 503
        assert json.loads(reader.parts[0])["error"]["code"] == "store_unavailable"
        return
    assert reader.messages[0]["status"] == 200
    assert (len(reader.parts), reader.is_complete) == (2, False)
    assert "An export ended by StoreUnavailable, request r1." in caplog.text
