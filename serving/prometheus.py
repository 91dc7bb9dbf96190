"""What /metrics tells: requests, rows and errors, the model served, the age of its snapshot, the scores."""

from __future__ import annotations

import os
from collections import Counter as Counting
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from time import time
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import REGISTRY

if TYPE_CHECKING:
    from ripple.serving.scorer import Scorer

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)

REQUESTS = Histogram("ripple_request_seconds", "Time to answer.", ["route"], buckets=SECONDS)
ANSWERS = Counter("ripple_answers", "Answers by status.", ["route", "status"])
ROWS = Counter("ripple_scored_rows", "Customers scored.", ["model_version"])
ERRORS = Counter("ripple_errors", "Requests refused or failed.", ["code"])
DECILES = Counter(
    "ripple_scores",
    "Scores given, by the decile of the snapshot in which they rank; 10 is the highest.",
    ["decile"],
)
INEXACT = Counter("ripple_inexact_explanations", "Explanations that did not add up to the score served.")
UNLOGGED = Counter("ripple_unlogged_rows", "Scores given that the log of predictions had no room for.")
PUBLICATIONS = Counter("ripple_publications", "Publications taken from the store, or refused.", ["outcome"])
AS_OF = Gauge(
    "ripple_snapshot_timestamp_seconds",
    "Moment of the snapshot served.",
    ["model_version"],
    multiprocess_mode="mostrecent",
)
AGE = Gauge("ripple_snapshot_age_seconds", "Age of the snapshot served.", multiprocess_mode="mostrecent")


class Measures:
    """Counts for one service, of which *routes* are known."""

    def __init__(self, routes: Iterable[str] = ()) -> None:
        self._as_of = time()
        # the file of what several workers count is made with the first label: before a disk is full
        for route in routes:
            _seconds(route)

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Note an answer."""
        _seconds(route).observe(seconds)
        _answers(route, status).inc()

    def refused(self, code: str) -> None:
        """Note a request that was refused or failed."""
        ERRORS.labels(code).inc()

    def scored(self, scorer: Scorer, customers: list[dict[str, Any]]) -> None:
        """Note the scores given."""
        _rows(scorer.publication.version).inc(len(customers))
        deciles = Counting(min(10, int(one["percentile"] / 10) + 1) for one in customers)
        for decile, number in deciles.items():
            _decile(decile).inc(number)

    def inexact(self, number: int) -> None:
        """Note explanations that did not add up."""
        INEXACT.inc(number)

    def unlogged(self, number: int) -> None:
        """Note scores that the log had no room for."""
        UNLOGGED.inc(number)

    def published(self, outcome: str, scorer: Scorer | None = None) -> None:
        """Note that a publication was taken, or could not be."""
        PUBLICATIONS.labels(outcome).inc()
        if scorer is not None:
            self._as_of = datetime.fromisoformat(scorer.customers.as_of).replace(tzinfo=UTC).timestamp()
            AS_OF.labels(scorer.publication.version).set(self._as_of)

    def exposition(self) -> bytes:
        """All measures of all workers, as Prometheus reads them."""
        # a clock that was set back must not make a snapshot younger than it is new
        AGE.set(max(0.0, time() - self._as_of))
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(REGISTRY)
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
        return generate_latest(registry)


@cache
def _seconds(route: str) -> Histogram:
    return REQUESTS.labels(route)


@cache
def _answers(route: str, status: int) -> Counter:
    return ANSWERS.labels(route, str(status))


@cache
def _rows(version: str) -> Counter:
    return ROWS.labels(version)


@cache
def _decile(decile: int) -> Counter:
    return DECILES.labels(str(decile))
