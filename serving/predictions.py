"""A log of the scores given, to be held against what comes true: Parquet files by day, ids hashed."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import threading
from datetime import UTC, date, datetime
from itertools import groupby
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

import atomic

SCHEMA = pa.schema(
    {
        "answered_at": pa.timestamp("ms"),
        "customer": pa.string(),
        "as_of": pa.string(),
        "model_version": pa.string(),
        "overridden": pa.bool_(),
        "network_value": pa.float64(),
        "network_value_low": pa.float64(),
        "network_value_high": pa.float64(),
        "top_probability": pa.float64(),
        "rank": pa.int64(),
    }
)
"""`customer` is `hashed` of the id, and null where features were sent without one."""
MOST_ROWS = 50_000
"""Rows kept in memory: more are written at once, and where that fails, the newest are dropped."""
SECONDS = 10.0

logger = logging.getLogger("bentoml.ripple")


def hashed(customer_id: str, salt: bytes) -> str:
    """The id as it stands in the log: HMAC-SHA-256 under *salt*, without which it cannot be found again."""
    return hmac.new(salt, customer_id.encode(), hashlib.sha256).hexdigest()


class PredictionLog:
    """Writes answers into *folder* as ``day=2026-06-30/….parquet``, now and then, beside giving them."""

    def __init__(self, folder: Path, salt: bytes) -> None:
        self.folder = folder
        self.salt = salt
        self.dropped = 0
        self._answers: list[tuple[datetime, dict[str, Any]]] = []
        self._rows = 0
        self._writing = threading.Lock()

    def note(self, answer: dict[str, Any], now: datetime | None = None) -> None:
        """Keep an answer, a `serving.schemas.ScoreResponse` as plain data, until the next `write`."""
        if self._rows >= MOST_ROWS:
            self.dropped += len(answer["customers"])
            return
        self._answers.append(((now or datetime.now(UTC)).replace(tzinfo=None), answer))
        self._rows += len(answer["customers"])

    async def run(self) -> None:
        """Write every `SECONDS` until cancelled, and then once more."""
        try:
            while True:
                await asyncio.sleep(SECONDS)
                await asyncio.to_thread(self.write)
        finally:
            self.write()

    def write(self) -> None:
        """Write what is kept; what cannot be written is told and kept for the next time."""
        with self._writing:
            answers, self._answers, self._rows = self._answers, [], 0
            days = groupby(sorted(answers, key=lambda one: one[0]), key=lambda one: one[0].date())
            for day, given in days:
                kept = list(given)
                try:
                    self._write(day, kept)
                except OSError as error:
                    logger.error("The log of predictions cannot be written: %s.", error)
                    self._answers += kept
                    self._rows += sum(len(answer["customers"]) for _, answer in kept)

    def _write(self, day: date, answers: list[tuple[datetime, dict[str, Any]]]) -> None:
        rows = [
            {
                "answered_at": moment,
                "customer": None if one["customer_id"] is None else hashed(one["customer_id"], self.salt),
                "as_of": answer["as_of"],
                "model_version": answer["model_version"],
                "overridden": bool(one["overridden"]),
                **{name: one[name] for name in SCHEMA.names[5:]},
            }
            for moment, answer in answers
            for one in answer["customers"]
        ]
        if rows:
            with atomic.file(self.folder / f"day={day:%Y-%m-%d}" / f"{uuid4().hex}.parquet") as building:
                pq.write_table(pa.Table.from_pylist(rows, SCHEMA), building)
