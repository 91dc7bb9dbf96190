from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from prometheus_client.registry import REGISTRY

from ripple.serving import prediction_log
from ripple.serving.prediction_log import SCHEMA, PredictionLog, hashed, read_log
from ripple.serving.prometheus import ServiceMetrics
from tests.support.servers.scoring_server import ScoringServer

SALT = b"salt"
NOON = datetime(2026, 6, 30, 12, tzinfo=UTC)


def _answer(*ids: str | None, overridden: bool = False) -> dict[str, Any]:
    customers = [
        {
            "customer_id": customer,
            "network_value": 10.5 + index,
            "network_value_low": 1.0,
            "network_value_high": 20.0,
            "top_probability": 0.125,
            "top_member": False,
            "rank": 7,
            "percentile": 50.0,
            "overridden": ["reach_30d"] if overridden else [],
        }
        for index, customer in enumerate(ids)
    ]
    return {"model_version": "3", "as_of": "2026-06-01T00:00:00Z", "customers": customers}


def _rows(folder: Path) -> list[dict[str, Any]]:
    files = sorted(folder.rglob("*.parquet"))
    assert all(pq.read_schema(file).equals(SCHEMA) for file in files)
    return [row for file in files for row in pq.ParquetFile(file).read().to_pylist()]


def _dropped() -> float:
    return REGISTRY.get_sample_value("ripple_unlogged_rows_total") or 0.0


@pytest.fixture
def log(tmp_path: Path) -> PredictionLog:
    return PredictionLog(tmp_path / "log", SALT, ServiceMetrics())


async def _until(holds: Callable[[], bool]) -> None:
    for _ in range(3000):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError


async def _run(log: PredictionLog, holds: Callable[[], bool] = lambda: True) -> None:
    """Run the log until *holds*, and end it as the service does."""
    task = asyncio.create_task(log.run())
    await asyncio.sleep(0)
    await _until(holds)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _written(log: PredictionLog) -> bool:
    return bool(list(log.folder.rglob("*.parquet")))


def test_a_row_holds_moment_customer_and_scores(log: PredictionLog, run: Any) -> None:
    log.append(_answer("a", None, overridden=True), NOON)
    run(_run(log))
    first, second = _rows(log.folder)
    assert first == {
        "answered_at": datetime(2026, 6, 30, 12),
        "customer": hmac.new(SALT, b"a", hashlib.sha256).hexdigest(),
        "as_of": "2026-06-01T00:00:00Z",
        "model_version": "3",
        "overridden": True,
        "network_value": 10.5,
        "network_value_low": 1.0,
        "network_value_high": 20.0,
        "top_probability": 0.125,
        "rank": 7,
    }
    assert (second["customer"], second["network_value"]) == (None, 11.5)


def test_the_latest_answer_of_each_customer_is_read_with_the_salt(log: PredictionLog, run: Any) -> None:
    # an earlier version wrote moments without their zone
    log.append(_answer("a", "b") | {"as_of": "2026-06-01T00:00:00"}, NOON - timedelta(days=1))
    log.append(_answer("a", "b", None), NOON)
    log.append(_answer("b", "stranger"), NOON + timedelta(days=1))
    log.append(_answer("a", overridden=True), NOON + timedelta(days=2))
    run(_run(log))
    logged = read_log(log.folder, SALT, ["a", "b", "c"]).set_index("customer_id")
    assert logged["network_value"].to_dict() == {"a": 10.5, "b": 10.5}
    assert set(logged["as_of"]) == {datetime(2026, 6, 1)}
    assert set(logged["model_version"]) == {"3"}
    assert read_log(log.folder, b"other", ["a", "b"]).empty


def test_a_folder_without_a_log_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="holds no log of predictions"):
        read_log(tmp_path, SALT, ["a"])


def test_without_the_salt_an_id_cannot_be_found(log: PredictionLog) -> None:
    assert hashed("a", SALT) == hashed("a", SALT)
    assert len({hashed("a", SALT), hashed("b", SALT), hashed("a", b"other")}) == 3
    assert hashed("a", SALT) != hashlib.sha256(b"a").hexdigest()


def test_each_day_has_a_folder(log: PredictionLog, run: Any) -> None:
    for day in (1, 0, 1):
        log.append(_answer("a"), NOON + timedelta(days=day))
    run(_run(log))
    counted = {file.parent.name: pq.read_metadata(file).num_rows for file in log.folder.rglob("*.parquet")}
    assert counted == {"day=2026-06-30": 1, "day=2026-07-01": 2}


def test_an_answer_about_nobody_leaves_no_file(log: PredictionLog, run: Any) -> None:
    log.append(_answer(), NOON)
    run(_run(log))
    assert not log.folder.exists()


def test_a_failed_write_is_logged_and_retried(
    log: PredictionLog, run: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(prediction_log, "FLUSH_SECONDS", 0.01)
    log.folder.write_text("in the way")
    log.append(_answer("a", "b"), NOON)

    async def story() -> None:
        running = asyncio.create_task(_run(log, lambda: _written(log)))
        await _until(lambda: "cannot be written" in caplog.text)
        log.folder.unlink()
        log.append(_answer("c"), NOON)
        await running

    # BentoML's logger, once it is set up, hands nothing on
    monkeypatch.setattr(prediction_log.logger, "handlers", [caplog.handler])
    run(story())
    assert sorted(row["customer"] for row in _rows(log.folder)) == sorted(
        hashed(letter, SALT) for letter in "abc"
    )


def test_a_half_full_buffer_is_written_at_once(
    log: PredictionLog, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prediction_log, "MAX_ROWS", 10)

    monkeypatch.setattr(prediction_log, "FLUSH_SECONDS", 1000.0)
    log.append(_answer(*"abcde"), NOON)
    run(_run(log, lambda: _written(log)))
    assert len(_rows(log.folder)) == 5


def test_rows_for_a_full_buffer_are_dropped_and_counted(
    log: PredictionLog, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prediction_log, "MAX_ROWS", 5)
    before = _dropped()
    for _ in range(3):
        log.append(_answer("a", "b"), NOON)
    assert _dropped() == before + 2
    run(_run(log, lambda: _written(log)))
    assert len(_rows(log.folder)) == 4


def test_the_service_logs_what_it_answers(serve: Any, tmp_path: Path, features: Any) -> None:
    whole = {name: None if value != value else value for name, value in features.iloc[7].items()}
    with serve(log=tmp_path / "log", log_salt="secret", workers=1) as server:
        assert isinstance(server, ScoringServer)
        customer = server.http.get("/v1/customers/c0003").json()["customer"]
        sent = server.http.post("/v1/score", json={"customers": [{"features": whole}]}).json()["customers"]
        server.http.post("/v1/score", json={"customer_ids": ["nobody"]})
        server.http.get("/v1/top")
    rows = _rows(tmp_path / "log")
    assert [row["customer"] for row in rows] == [hashed("c0003", b"secret"), None]
    assert [row["network_value"] for row in rows] == [customer["network_value"], sent[0]["network_value"]]
    assert "c0003" not in "".join(str(file.read_bytes()) for file in (tmp_path / "log").rglob("*.parquet"))
