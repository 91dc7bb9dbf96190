"""The families of metrics that a worker tells once it serves a snapshot."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from prometheus_client import Metric
from prometheus_client.registry import REGISTRY

from ripple.serving.prometheus import ServiceMetrics


def metric_families() -> list[Metric]:
    """Every family of Ripple's own, those of a snapshot included."""
    metrics = ServiceMetrics()
    served: Any = SimpleNamespace(
        publication=SimpleNamespace(version="1"), customers=SimpleNamespace(as_of="2026-06-30")
    )
    metrics.count_publication("taken", served)
    every = [*REGISTRY.collect(), *metrics.collect()]
    return [family for family in every if family.name.startswith("ripple_")]
