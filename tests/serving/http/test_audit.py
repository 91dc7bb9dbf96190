from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ripple.serving.http import audit as module
from ripple.serving.http.audit import AuditLog
from ripple.serving.prometheus import UNAUDITED, ServiceMetrics

NOON = datetime(2026, 6, 30, 12, tzinfo=UTC)


def _lines(folder: Path, day: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / f"{day}.jsonl").read_text(encoding="utf-8").splitlines()]


def test_a_line_says_who_asked_what_kind_of_thing_when(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit", ServiceMetrics())
    log.append("crm", "GET", "/v1/plays", 200, "r1", NOON)
    log.append(None, "POST", "/v1/score", 401, "r2", NOON.replace(day=29))
    log.append("crm", "GET", "/v1/top", 429, "r3", NOON)
    assert _lines(tmp_path / "audit", "2026-06-30") == [
        {
            "at": "2026-06-30T12:00:00.000000Z",
            "key": "crm",
            "method": "GET",
            "route": "/v1/plays",
            "status": 200,
            "request_id": "r1",
        },
        {
            "at": "2026-06-30T12:00:00.000000Z",
            "key": "crm",
            "method": "GET",
            "route": "/v1/top",
            "status": 429,
            "request_id": "r3",
        },
    ]
    assert [line["key"] for line in _lines(tmp_path / "audit", "2026-06-29")] == [None]
    assert (tmp_path / "audit/2026-06-30.jsonl").stat().st_mode & 0o777 == 0o640
    log.close()


def test_lines_of_several_workers_do_not_mix(tmp_path: Path) -> None:
    logs = [AuditLog(tmp_path, ServiceMetrics()) for _ in range(4)]

    def write(log: AuditLog) -> None:
        for number in range(200):
            log.append("k" * 40, "GET", "/v1/customers/", 200, f"{number:0128d}", NOON)

    threads = [threading.Thread(target=write, args=(log,)) for log in logs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(_lines(tmp_path, "2026-06-30")) == 800
    for log in logs:
        log.close()


def test_what_cannot_be_written_is_counted_and_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module.logger, "handlers", [caplog.handler])
    (tmp_path / "audit").write_text("a file", encoding="utf-8")
    log, before = AuditLog(tmp_path / "audit", ServiceMetrics()), _unaudited()
    for _ in range(3):
        log.append("crm", "GET", "/v1/top", 200, "r1", NOON)
    assert _unaudited() == before + 3
    # a logger that hands on gives the record to both handlers
    assert len({id(record) for record in caplog.records}) == 1
    assert "The audit log cannot be written" in caplog.text
    (tmp_path / "audit").unlink()
    log.append("crm", "GET", "/v1/top", 200, "r1", NOON)
    assert len(_lines(tmp_path / "audit", "2026-06-30")) == 1
    log.close()


def _unaudited() -> float:
    (family,) = UNAUDITED.collect()
    return next(sample.value for sample in family.samples if sample.name.endswith("_total"))
