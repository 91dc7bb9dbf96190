"""A log of the scores given, to be held against what comes true: Parquet files by day, ids hashed."""

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
from ripple.serving.prometheus import Measures

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
"""Rows kept in memory: half as many are written at once; what comes while it is full is dropped."""
SECONDS = 10.0
"""Between two writes, where answers are few."""

Kept = tuple[datetime, dict[str, Any]]
"""When an answer was given, and the answer."""

logger = logging.getLogger("bentoml.ripple")


def hashed(customer_id: str, salt: bytes) -> str:
    """The id as it stands in the log: HMAC-SHA-256 under *salt*, without which it cannot be found again."""
    return hmac.new(salt, customer_id.encode(), hashlib.sha256).hexdigest()


def answers(folder: Path, salt: bytes, customers: Iterable[str]) -> pd.DataFrame:
    """The scores in the log *folder* of those of *customers* who stand in it, read with the log's *salt*.

    Returns:
        One row per `customer_id`, `as_of` and `model_version`, with the scores of `SCHEMA` as they were
        answered last; answers to features that were sent, in part or in whole, are left out.

    Raises:
        FileNotFoundError: *folder* holds no log.
    """
    if not any(folder.glob("day=*/*.parquet")):
        raise FileNotFoundError(f"{folder} holds no log of predictions: no day=…/….parquet in it.")
    # not as a dataset of days, which is a column more
    rows = pa.concat_tables(
        pq.read_table(file, schema=SCHEMA, filters=~pc.field("overridden"), partitioning=None)
        for file in sorted(folder.glob("day=*/*.parquet"))
    ).to_pandas()
    named = {hashed(one, salt): one for one in customers}
    rows = rows.assign(customer_id=rows["customer"].map(named), as_of=pd.to_datetime(rows["as_of"]))
    latest = rows.dropna(subset="customer_id").sort_values("answered_at", kind="stable")
    latest = latest.drop_duplicates(["customer_id", "as_of", "model_version"], keep="last")
    return latest.drop(columns=["customer", "overridden"]).reset_index(drop=True)


class PredictionLog:
    """Writes answers into *folder* as ``day=2026-06-30/….parquet``, now and then, beside giving them."""

    def __init__(self, folder: Path, salt: bytes, measures: Measures) -> None:
        self.folder = folder
        self.salt = salt
        self.measures = measures
        self._kept: list[Kept] = []
        self._rows = 0
        self._many = asyncio.Event()

    def note(self, answer: dict[str, Any], now: datetime | None = None) -> None:
        """Keep an answer, a `ripple.serving.schemas.ScoreResponse` as plain data, until it is written."""
        rows = len(answer["customers"])
        if self._rows + rows > MOST_ROWS:
            self.measures.unlogged(rows)
            return
        # only when it becomes half full: a disk that refuses is not asked again with every answer
        if self._rows < MOST_ROWS // 2 <= self._rows + rows:
            self._many.set()
        self._keep([((now or datetime.now(UTC)).replace(tzinfo=None), answer)])

    async def run(self) -> None:
        """Write now and then until cancelled, and then once more."""
        writing: asyncio.Future[list[Kept]] | None = None
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    # not wait_for, which in Python 3.11 may lose that it was cancelled
                    async with asyncio.timeout(SECONDS):
                        await self._many.wait()
                self._many.clear()
                writing = asyncio.ensure_future(asyncio.to_thread(self._write_days, self._taken()))
                self._keep(await asyncio.shield(writing))
                writing = None
        finally:
            if writing is not None:
                self._keep(await writing)
            self._keep(self._write_days(self._taken()))

    def _keep(self, answers: list[Kept]) -> None:
        self._kept += answers
        self._rows += sum(len(answer["customers"]) for _, answer in answers)

    def _taken(self) -> list[Kept]:
        taken, self._kept, self._rows = self._kept, [], 0
        return taken

    def _write_days(self, answers: list[Kept]) -> list[Kept]:
        """Write *answers*, and return those that could not be written."""
        left: list[Kept] = []
        for day, given in groupby(sorted(answers, key=itemgetter(0)), key=lambda one: one[0].date()):
            kept = list(given)
            try:
                self._write(day, kept)
            except OSError as error:
                logger.error("The log of predictions cannot be written: %s.", error)
                left += kept
        return left

    def _write(self, day: date, answers: list[Kept]) -> None:
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
