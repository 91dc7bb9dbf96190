"""Runs on a dataset with what earlier runs left in its cache, and which of its files they wrote."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pandas as pd

from ripple.features.dataset import Dataset
from ripple.features.validation import checks
from ripple.settings import Settings
from tests.support.oracles import feature_frames, feature_oracle
from tests.support.oracles.feature_frames import Frames

EARLY, OLD, NEW = datetime(2024, 1, 20), datetime(2024, 3, 1), datetime(2024, 4, 21)
FRAMES = feature_frames.random()
# what is kept does not depend on how many windows there are, but what a run costs does
SETTINGS = feature_frames.SETTINGS.model_copy(
    update={"features": feature_frames.SETTINGS.features.model_copy(update={"windows_days": (30,)})}
)
TIME = {
    "orders": "ordered_at",
    "usage": "occurred_at",
    "interactions": "occurred_at",
    "feedback": "occurred_at",
}
CUSTOMER = ("customer_id", "source_id", "target_id")
ROLLED_UP = {
    "orders": {"order_days", "first_purchases"},
    "usage": {"feature_days", "active_days", "user_days", "first_uses"},
    "interactions": {"contact_days", "referrals"},
    "feedback": {"feedback_days"},
}
"""Daily tables by the table that they come from."""
LOOK_BACK = {"first_purchases", "first_uses"}
"""Those whose months follow from the months before too."""
BY_DAY = LOOK_BACK | {"active_days"}
"""Those whose months are those of the events, and not those in which they became known."""
READ = {
    "orders": {"orders", "purchases", "invited", "graph"},
    "usage": {"usage", "users", "feature_use", "first_use", "invited", "graph"},
    "interactions": {"referred", "invited", "graph"},
    "feedback": {"feedback"},
    "catalog": {"feature_use", "first_use"},
    "customers": {"customers", "first_use", "referred", "invited", "graph"},
}
"""The parts that are kept of a cutoff, by the table that they follow from."""
EVERYTHING = set().union(*READ.values())


@dataclass(frozen=True)
class Run:
    """The matrices of a run, and in which folders of the cache it wrote."""

    matrices: list[pd.DataFrame]
    wrote: set[str]


Start = Callable[..., Run]


def opened(frames: Frames, folder: Path, cache: Path | None = None, settings: Settings = SETTINGS) -> Dataset:
    return replace(checks.check(feature_frames.write(frames, folder), settings)[0], cache=cache)


def assert_right(
    computed: pd.DataFrame, frames: Frames, as_of: datetime, settings: Settings = SETTINGS
) -> None:
    chosen = settings.features
    feature_oracle.assert_equal(
        computed,
        feature_oracle.features(frames, as_of, chosen.windows_days, chosen.half_life_days, settings.powers),
    )


def assert_all_right(run: Run, frames: Frames, *cutoffs: datetime, settings: Settings = SETTINGS) -> None:
    for matrix, as_of in zip(run.matrices, cutoffs, strict=True):
        assert_right(matrix, frames, as_of, settings)


def at(as_of: datetime, views: set[str]) -> set[str]:
    return {f"cutoffs/{as_of:%Y-%m-%dT%H%M%S}/{view}" for view in views}


def in_month(month: str, names: set[str], *later: str, known: str | None = None) -> set[str]:
    """Places of daily tables of a month and, if they look back, of *later* ones.

    Those by the month in which rows became known are in *known*, if that is another one.
    """
    return (
        {f"days/{name}/{month}" for name in names & BY_DAY}
        | {f"days/{name}/{known or month}" for name in names - BY_DAY}
        | {f"days/{name}/{each}" for name in names & LOOK_BACK for each in later}
    )
