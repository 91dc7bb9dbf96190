"""Steps that several commands share: open a dataset checked, compute and score as of a date, write tables."""

from __future__ import annotations

import contextlib
import logging
import signal
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ripple import atomic
from ripple.cli.preflight import preflight
from ripple.errors import InputError
from ripple.progress import stage
from ripple.settings import Settings
from ripple.settings import load as load_settings

if TYPE_CHECKING:
    import pandas as pd

    from ripple.features.dataset import Dataset
    from ripple.features.validation.findings import Report
    from ripple.models.bundle import Bundle


logger = logging.getLogger(__name__)

MAX_QUIET_DAYS = 7
"""The number of days after the end of the data as of which features are still computed."""


def open_checked(
    data: str,
    settings: Path | None,
    engine: Literal["duckdb", "spark"] = "duckdb",
    keep: bool = False,
    first: Callable[[Settings], object] | None = None,
    lists_warnings: bool = False,
) -> tuple[Dataset, Report]:
    """Open and check a dataset; with *keep*, what is computed is cached for later runs.

    Args:
        first: called with the settings before anything is read, to refuse what could not be finished.
        lists_warnings: whether the command goes on to print the warnings themselves.
    """
    from ripple.features.tables.sources import find
    from ripple.features.validation.checks import load
    from ripple.locks import lock

    source, cache = find(data), None
    # as an exception, so that what is temporary is removed
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    chosen = load_settings(settings or source.folder)
    if first is not None:
        first(chosen)
    if keep:
        preflight(chosen.home)
        cache = chosen.home / "cache" / source.key
        if not lock(cache):
            cache = None
            logger.info(
                f"another run works on {source}: what is computed now will not be kept for later runs"
            )
    logger.info(f"checking {source}", extra=stage("checks"))
    dataset, report = load(data, chosen, engine, cache)
    for origin in dataset.extension.origins:
        logger.info(f"with the features and metrics of {origin}")
    if (number := len(report.warnings)) and not lists_warnings:
        logger.info(f"{number} warning{'s' * (number != 1)} about the data, which `ripple check` lists")
    return dataset, report


def print_check(dataset: Dataset, report: Report) -> None:
    """Print what a check found in a dataset that keeps the contract."""
    from ripple.training.examples.feasibility import feasibility

    for name, rows in report.rows.items():
        print(f"{name:<13}{rows:>10,} rows")
    if dataset.plays_log is not None:
        print(f"{'plays_log':<13}{dataset.plays_log.count().execute():>10,} rows")
    for name in report.absent:
        print(f"{name:<13}    absent: its features are left out")
    if features := dataset.attribute_features:
        named = ", ".join(f"{one.name} ({one.kind})" for one in features)
        print(f"attributes that are features: {named}")
    for path in dataset.skipped:
        print(f"skipped: {path}, as its name begins with _ or a dot")
    for finding in report.set_aside:
        print(f"set aside: {finding}")
    if dataset.internal is not None:
        print(f"left out: {dataset.internal.count().execute():,} interactions of two users of one customer")
    for warning in report.warnings:
        print(f"warning: {warning}")
    end = dataset.settings.until or report.end
    print(f"events from {report.start:%Y-%m-%d}; the data end on {end:%Y-%m-%d %H:%M}")
    try:
        print(f"training: {feasibility(dataset, report.start, end)}")
    except InputError as error:
        print(f"training: not possible. {error}")
    print("The dataset keeps the input contract.")


def network_value_needs() -> str:
    """What to bring so that network value can be predicted."""
    from ripple.training.examples.feasibility import NETWORK_VALUE_NEEDS

    return NETWORK_VALUE_NEEDS


def validate_interactions(dataset: Dataset) -> None:
    """Raise an InputError where *dataset* cannot have network value, as it has no interactions."""
    if "interactions" not in dataset.tables:
        raise InputError(
            f"{dataset.place} has no table interactions. {network_value_needs()} What customers spend "
            "themselves, and their lifetime value, are in the report and the table of `ripple train`; "
            "neither is published."
        )


def features_as_of(dataset: Dataset, as_of: datetime) -> pd.DataFrame:
    """Features of every customer at *as_of*, indexed by customer_id.

    Raises:
        InputError: the data end long before *as_of*, or nobody had joined by then.
    """
    from ripple.training.examples.examples import features_at, frame

    validate_as_of(as_of, dataset.settings)
    features = frame(features_at(dataset, as_of))
    if features.empty:
        raise InputError(f"Nobody had joined before {as_of:%Y-%m-%d}: choose a later date.")
    return features


def score_dataset(
    dataset: Dataset, folder: Path, number: str, features: pd.DataFrame, as_of: datetime
) -> tuple[Bundle, pd.DataFrame, pd.DataFrame]:
    """The bundle in *folder*, and the features and scores of every customer of *features*.

    Levels of categories have the values of the bundle.

    Raises:
        InputError: features are missing that the version was trained on.
    """
    from ripple.models.batch_scoring import score_population
    from ripple.models.bundle import Bundle, FeatureMismatch
    from ripple.training.examples.examples import attributes

    logger.info(f"scoring {len(features):,} customers with version {number} as of {as_of:%Y-%m-%d}")
    bundle = Bundle.load(folder / "bundle")
    rows = attributes(dataset, as_of).reindex(features.index)
    for category in bundle.spec.categories:
        if category.attribute in rows and len(new := category.unknown(rows[category.attribute])):
            logger.info(
                f"{new.sum():,} customers have {category.attribute} = {', '.join(map(str, new.index[:3]))}"
                f"{' …' * (len(new) > 3)}, which version {number} does not know: counted as any rare one"
            )
    features = bundle.encode(features, rows)
    try:
        return bundle, features, score_population(bundle, features)
    except FeatureMismatch as error:
        raise InputError(f"{dataset.place} lacks what version {number} was trained on. {error}") from error


def validate_version(settings: Settings, name: str) -> None:
    """Raise an InputError where there is no model version of that name, or its files are gone."""
    from ripple.training.registry import model_versions, tracking

    client = tracking.connect(settings)
    model_versions.artifacts(client, model_versions.find(client, name))


@contextlib.contextmanager
def fetched_version(
    settings: Settings, name: str, *artifacts: str, optional: Collection[str] = ()
) -> Iterator[tuple[str, Path]]:
    """A model version's number and a temporary folder with these of its artifacts.

    Args:
        optional: Further artifacts, which runs of earlier versions may lack.
    """
    from ripple.training.registry import model_versions, tracking

    client = tracking.connect(settings)
    version = model_versions.find(client, name)
    with tempfile.TemporaryDirectory() as folder:
        there = model_versions.artifacts(client, version) if optional else set()
        for artifact in (*artifacts, *(one for one in optional if one in there)):
            model_versions.fetch(client, version, artifact, Path(folder))
        yield version.number, Path(folder)


def validate_not_after_end(moment: datetime, settings: Settings, flag: str) -> None:
    """Raise an InputError where the *moment* given by the option *flag* is after the end of the data."""
    if settings.until is not None and moment > settings.until:
        raise InputError(
            f"{flag} {moment:%Y-%m-%d} is after the data end ({settings.until:%Y-%m-%d %H:%M}): "
            "what happened until then is not known yet."
        )


def validate_as_of(as_of: datetime, settings: Settings) -> None:
    """Raise an InputError where *as_of* is more than `MAX_QUIET_DAYS` after the end of the data.

    After a quiet night the data end before the midnight for which a nightly job computes.
    """
    if settings.until is None or as_of <= settings.until:
        return
    if as_of > settings.until + timedelta(days=MAX_QUIET_DAYS):
        raise InputError(
            f"--as-of {as_of:%Y-%m-%d} is after the data end ({settings.until:%Y-%m-%d %H:%M}), by more than "
            f"{MAX_QUIET_DAYS} days: load what has happened since, or choose an earlier date."
        )
    logger.info(
        f"the data end on {settings.until:%Y-%m-%d %H:%M}: nothing is known of the time from there to "
        f"--as-of {as_of:%Y-%m-%d}"
    )


def write_table(frame: pd.DataFrame, out: Path) -> None:
    """Write a row per customer to *out*, as CSV or Parquet, whole or not at all, and print its size."""
    with atomic.file(out) as building:
        if out.suffix == ".csv":
            frame.reset_index().to_csv(building, index=False)
        else:
            frame.reset_index().to_parquet(building, index=False)
    print(f"{out}: {len(frame):,} customers, {len(frame.columns)} columns")


def write_with_spark(dataset: Dataset, as_of: datetime, out: Path) -> None:
    """Have Spark write the features, as a folder of Parquet files."""
    from ripple.training.examples.examples import features_at

    validate_as_of(as_of, dataset.settings)
    features = features_at(dataset, as_of)
    with atomic.folder(out) as building:
        building.rmdir()  # Spark makes its folder itself
        features.to_parquet_dir(building)
    print(f"{out}: {len(features.columns) - 1} columns, as a folder of Parquet files")
