"""The audit log: who asked what kind of thing when, without ids of customers.

A file of JSON lines for each day. Workers append a line for each request; a line is written at once.
"""

from __future__ import annotations

import logging
import os
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec

from ripple.serving.prometheus import ServiceMetrics

logger = logging.getLogger("bentoml.ripple")


class AuditLine(msgspec.Struct, frozen=True):
    """A request and its answer.

    Attributes:
        at: Moment of the answer, in ISO 8601, UTC.
        key: Name of the key; None without a known one.
        route: Route in place of the path, which may hold the id of a customer.
        request_id: Id of the request, as in the answer.
    """

    at: str
    key: str | None
    method: str
    route: str
    status: int
    request_id: str


class AuditLog:
    """Appends to ``2026-06-30.jsonl`` in *folder*."""

    def __init__(self, folder: Path, metrics: ServiceMetrics) -> None:
        self._folder = folder
        self._metrics = metrics
        self._day: date | None = None
        self._file: int | None = None
        self._failed = False

    def append(
        self,
        key: str | None,
        method: str,
        route: str,
        status: int,
        request_id: str,
        now: datetime | None = None,
    ) -> None:
        """Write a line; if that is not possible, it is counted, and said once until it is again."""
        moment = (now or datetime.now(UTC)).astimezone(UTC)
        line = AuditLine(f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z", key, method, route, status, request_id)
        content = msgspec.json.encode(line) + b"\n"
        try:
            written = os.write(self._opened(moment.date()), content)
            if written < len(content):
                raise OSError(f"{written} of {len(content)} bytes were written")
        except OSError as error:
            self._metrics.count_unaudited_request()
            self.close()
            if not self._failed:
                logger.error("The audit log cannot be written: %s.", error.strerror or error)
            self._failed = True
        else:
            self._failed = False

    def close(self) -> None:
        """Close the file, which the next line opens again."""
        if self._file is not None:
            os.close(self._file)
        self._file, self._day = None, None

    def _opened(self, day: date) -> int:
        if self._file is None or day != self._day:
            self.close()
            self._folder.mkdir(parents=True, exist_ok=True)
            # appended whole, so that lines of several workers do not mix
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
            self._file, self._day = os.open(self._folder / f"{day:%Y-%m-%d}.jsonl", flags, 0o640), day
        return self._file
