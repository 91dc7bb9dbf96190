"""The Prometheus metrics of the service: requests, errors, scores, publications, and age of the snapshot."""

from __future__ import annotations

import os
from collections import Counter as Counting
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import cache
from time import time
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import REGISTRY, Collector

if TYPE_CHECKING:
    from ripple.serving.scorer import Scorer

BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
"""The upper bounds of the latency histogram, in seconds."""

REQUESTS = Histogram("ripple_request_seconds", "Time to answer.", ["route"], buckets=BUCKETS)
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
UNAUDITED = Counter("ripple_unaudited_requests", "Requests that the audit log could not be written about.")
PUBLICATIONS = Counter("ripple_publications", "Publications taken from the store, or refused.", ["outcome"])


class ServiceMetrics(Collector):
    """The metrics of one worker of the service.

    Args:
        routes: The routes of the service, whose latency series exist from the start.
    """

    def __init__(self, routes: Iterable[str] = ()) -> None:
        self._served: tuple[str, float] | None = None
        # the file that several workers share is created with the first label: before a disk is full
        for route in routes:
            _latency(route)

    def count_answer(self, route: str, status: int, seconds: float) -> None:
        """Count an answer by route and status, and observe its latency."""
        _latency(route).observe(seconds)
        _answers(route, status).inc()

    def count_error(self, code: str) -> None:
        """Count a request that was refused or failed, by the code of its error."""
        ERRORS.labels(code).inc()

    def count_scores(self, scorer: Scorer, customers: list[dict[str, Any]]) -> None:
        """Count scored customers by model version and by decile of the snapshot."""
        _rows(scorer.publication.version).inc(len(customers))
        deciles = Counting(min(10, int(customer["percentile"] / 10) + 1) for customer in customers)
        for decile, count in deciles.items():
            _decile(decile).inc(count)

    def count_inexact_explanations(self, count: int) -> None:
        """Count explanations that do not add up to the score served."""
        INEXACT.inc(count)

    def count_unlogged_rows(self, count: int) -> None:
        """Count scores that the prediction log had no room for."""
        UNLOGGED.inc(count)

    def count_unaudited_request(self) -> None:
        """Count a request that the audit log could not be written about."""
        UNAUDITED.inc()

    def count_publication(self, outcome: str, scorer: Scorer | None = None) -> None:
        """Count a publication as "taken", with its *scorer*, or as "refused"."""
        PUBLICATIONS.labels(outcome).inc()
        if scorer is not None:
            as_of = datetime.fromisoformat(scorer.customers.as_of).replace(tzinfo=UTC).timestamp()
            self._served = scorer.publication.version, as_of

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Version, moment and age of the snapshot that this worker serves now, and of no earlier one."""
        if self._served is None:
            return
        version, as_of = self._served
        moment = GaugeMetricFamily(
            "ripple_snapshot_timestamp_seconds", "Moment of the snapshot served.", labels=["model_version"]
        )
        moment.add_metric([version], as_of)
        yield moment
        # a clock that was set back must not make the age of a snapshot negative
        age = max(0.0, time() - as_of)
        yield GaugeMetricFamily("ripple_snapshot_age_seconds", "Age of the snapshot served.", age)

    def exposition(self) -> bytes:
        """The metrics of all workers in Prometheus' text format, with the snapshot of this one."""
        own = CollectorRegistry()
        own.register(self)
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(REGISTRY) + generate_latest(own)
        MultiProcessCollector(own)
        return generate_latest(own)


@cache
def _latency(route: str) -> Histogram:
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
