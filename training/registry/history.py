"""How well the versions registered so far did, each on its own backtest."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ripple.training.registry.model_versions import Version
    from ripple.training.registry.tracking import Store


@dataclass(frozen=True)
class PastVersion:
    """A registered version, the end of its data, and the metrics of its run, nan where unknown."""

    number: str
    as_of: datetime
    capture: float
    rule_capture: float
    predicted_share: float


def past_versions(client: Store) -> list[PastVersion]:
    """Every registered version whose run is still there, the oldest first."""
    from ripple.training.registry import model_versions  # mlflow is slow to import

    past = []
    for version in reversed(model_versions.newest_first(client)):
        try:
            data = model_versions.run_of(client, version).data
        except model_versions.VersionGoneError:
            continue
        names = ("capture", "best_baseline_capture", "predicted_share")
        if "data.end" in data.params:
            metrics = (data.metrics.get(name, math.nan) for name in names)
            past.append(
                PastVersion(version.number, datetime.fromisoformat(data.params["data.end"]), *metrics)
            )
    return past


def made_at(client: Store, version: Version) -> datetime:
    """When the run of *version* began, UTC."""
    from ripple.training.registry import model_versions  # mlflow is slow to import

    milliseconds = model_versions.run_of(client, version).info.start_time
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
