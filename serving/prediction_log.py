"""A log of predictions, for comparison with realised values: Parquet files by day, ids hashed."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import logging
from collections.abc import Iterable
from datetime import UTC, date, datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any
from uuid import uuid4

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ripple import atomic
from ripple.serving.prometheus import ServiceMetrics

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
"""The columns of the log. `customer` is the hash of the id, null where features were sent without an id."""
MAX_ROWS = 50_000
"""The number of rows that the buffer holds. It is written when half full; rows for a full one are dropped."""
FLUSH_SECONDS = 10.0
"""The time between two writes of a buffer that is less than half full."""

LoggedAnswer = tuple[datetime, dict[str, Any]]
"""The moment of an answer, and the answer."""

logger = logging.getLogger("bentoml.ripple")


def hashed(customer_id: str, salt: bytes) -> str:
    """HMAC-SHA-256 of the id under *salt*, as the log stores it; only who has the salt can find it again."""
    return hmac.new(salt, customer_id.encode(), hashlib.sha256).hexdigest()


def read_log(folder: Path, salt: bytes, customers: Iterable[str]) -> pd.DataFrame:
    """The logged scores of *customers* in *folder*, whose ids were hashed with *salt*.

    Returns:
        The latest answer per `customer_id`, `as_of` and `model_version`, with the scores of `SCHEMA`;
        answers to features that were sent, in part or in whole, are left out.

    Raises:
        FileNotFoundError: *folder* holds no log.
    """
    if not any(folder.glob("day=*/*.parquet")):
        raise FileNotFoundError(f"{folder} holds no log of predictions: no day=…/….parquet in it.")
    # file by file: read as a partitioned dataset, they would have a column `day` more
    rows = pa.concat_tables(
        pq.read_table(file, schema=SCHEMA, filters=~pc.field("overridden"), partitioning=None)
        for file in sorted(folder.glob("day=*/*.parquet"))
    ).to_pandas()
    id_by_hash = {hashed(customer, salt): customer for customer in customers}
    # logs of earlier versions have moments without a zone, which are of UTC too
    as_of = pd.to_datetime(rows["as_of"], format="ISO8601", utc=True).dt.tz_localize(None)
    rows = rows.assign(customer_id=rows["customer"].map(id_by_hash), as_of=as_of)
    latest = rows.dropna(subset="customer_id").sort_values("answered_at", kind="stable")
    latest = latest.drop_duplicates(["customer_id", "as_of", "model_version"], keep="last")
    return latest.drop(columns=["customer", "overridden"]).reset_index(drop=True)


class PredictionLog:
    """Buffers answers and writes them into *folder* as ``day=2026-06-30/….parquet`` in the background."""

    def __init__(self, folder: Path, salt: bytes, metrics: ServiceMetrics) -> None:
        self.folder = folder
        self.salt = salt
        self.metrics = metrics
        self._buffer: list[LoggedAnswer] = []
        self._rows = 0
        self._half_full = asyncio.Event()

    def append(self, answer: dict[str, Any], now: datetime | None = None) -> None:
        """Buffer an answer, a `ripple.serving.schemas.ScoreResponse` as plain data."""
        rows = len(answer["customers"])
        if self._rows + rows > MAX_ROWS:
            self.metrics.count_unlogged_rows(rows)
            return
        # only when it becomes half full: a failing disk is not tried again with every answer
        if self._rows < MAX_ROWS // 2 <= self._rows + rows:
            self._half_full.set()
        self._extend_buffer([((now or datetime.now(UTC)).replace(tzinfo=None), answer)])

    async def run(self) -> None:
        """Write the buffer from time to time until cancelled, and then once more."""
        writing: asyncio.Future[list[LoggedAnswer]] | None = None
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    # not wait_for, which in Python 3.11 may lose that it was cancelled
                    async with asyncio.timeout(FLUSH_SECONDS):
                        await self._half_full.wait()
                self._half_full.clear()
                writing = asyncio.ensure_future(asyncio.to_thread(self._write_days, self._take_buffer()))
                self._extend_buffer(await asyncio.shield(writing))
                writing = None
        finally:
            if writing is not None:
                self._extend_buffer(await writing)
            self._extend_buffer(self._write_days(self._take_buffer()))

    def _extend_buffer(self, answers: list[LoggedAnswer]) -> None:
        self._buffer += answers
        self._rows += sum(len(answer["customers"]) for _, answer in answers)

    def _take_buffer(self) -> list[LoggedAnswer]:
        answers, self._buffer, self._rows = self._buffer, [], 0
        return answers

    def _write_days(self, answers: list[LoggedAnswer]) -> list[LoggedAnswer]:
        """Write *answers*, and return those that could not be written."""
        unwritten: list[LoggedAnswer] = []
        for day, group in groupby(sorted(answers, key=itemgetter(0)), key=lambda logged: logged[0].date()):
            of_day = list(group)
            try:
                self._write(day, of_day)
            except OSError as error:
                logger.error("The log of predictions cannot be written: %s.", error)
                unwritten += of_day
        return unwritten

    def _write(self, day: date, answers: list[LoggedAnswer]) -> None:
        rows = [
            {
                "answered_at": moment,
                "customer": self._hashed(customer["customer_id"]),
                "as_of": answer["as_of"],
                "model_version": answer["model_version"],
                "overridden": bool(customer["overridden"]),
                **{name: customer[name] for name in SCHEMA.names[5:]},
            }
            for moment, answer in answers
            for customer in answer["customers"]
        ]
        if rows:
            with atomic.file(self.folder / f"day={day:%Y-%m-%d}" / f"{uuid4().hex}.parquet") as building:
                pq.write_table(pa.Table.from_pylist(rows, SCHEMA), building)

    def _hashed(self, customer_id: str | None) -> str | None:
        return None if customer_id is None else hashed(customer_id, self.salt)
