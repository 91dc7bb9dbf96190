"""Writes a dataset folder so that it is there whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Set
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ripple import atomic

SETTINGS = "ripple.toml"
"""The name of the settings file of a dataset."""
TABLES = ("customers", "orders", "usage", "catalog", "interactions", "feedback")
"""The names of the simulated tables."""
REQUIRED_TABLES = ("customers", "orders")
"""The tables without which a folder is no dataset, unless it has settings."""
DATASET_FILES = {SETTINGS, *(f"{name}.parquet" for name in TABLES)}
"""The names of all files of every simulated dataset."""
CONTACTS_FILE = "plays_log.parquet"
"""The file of contacts, of a world in which a play is done."""


def write(tables: Mapping[str, pa.Table], out: Path, settings_toml: str) -> None:
    """Write each table as OUT/NAME.parquet and *settings_toml* as OUT/ripple.toml, all or nothing.

    A dataset written earlier is replaced.

    Raises:
        FileExistsError: *out* is a file, or a folder that holds anything but a dataset written earlier.
    """
    validate_dataset_folder(out)
    out = out.resolve()
    with atomic.folder(out) as building:
        for name, table in tables.items():
            pq.write_table(table, building / f"{name}.parquet", compression="zstd")
        (building / SETTINGS).write_text(settings_toml, encoding="utf-8")


def validate_dataset_folder(out: Path) -> None:
    """Check that a dataset may be written to *out*.

    Raises:
        FileExistsError: *out* is a file, or a folder that holds anything but a dataset written earlier.
    """
    validate_replaceable(out.resolve(), "a simulated dataset", DATASET_FILES, {CONTACTS_FILE})


def validate_replaceable(out: Path, what: str, files: set[str], optional: Set[str] = frozenset()) -> None:
    """Check that *out* may be replaced by *what*: it is absent, empty, or has these *files* and no others.

    Files that are *optional* may be there or not.

    Raises:
        FileExistsError: *out* is anything else.
    """
    if not out.exists():
        return
    if not out.is_dir():
        raise FileExistsError(f"{out} is a file; name a folder that is absent, empty or {what}.")
    present = {entry.name for entry in out.iterdir()}
    if present and present - optional != files:
        foreign = sorted(present - files - optional)
        reason = f"also holds {', '.join(foreign[:3])}" if foreign else f"holds only part of {what}"
        raise FileExistsError(
            f"{out} is not replaced: it {reason}. Name a folder that is absent, empty or {what}."
        )


def dataset_around(path: Path) -> Path | None:
    """The dataset folder that *path* is or lies in, simulated or not; None if there is none."""
    path = path.resolve()
    return next((folder for folder in (path, *path.parents) if _is_dataset(folder)), None)


def _is_dataset(folder: Path) -> bool:
    def holds(table: str) -> bool:
        return any((folder / f"{table}{suffix}").exists() for suffix in (".parquet", ".csv", ""))

    return (folder / SETTINGS).exists() or all(holds(table) for table in REQUIRED_TABLES)
