"""A folder in an object store, which is copied to this machine before it is read."""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from pyarrow import fs

from ripple import atomic
from ripple.digests import digest
from ripple.errors import InputError
from ripple.features.tables.sources.folder import FileFolder, OpenFolder
from ripple.features.tables.sources.source import Source
from ripple.locks import exclusive, share, unshared
from ripple.progress import stage
from ripple.redaction import hidden

logger = logging.getLogger(__name__)

SCHEMES = ("s3", "gs", "abfss")
"""The first parts of URLs of object stores: Amazon S3 and what speaks its protocol, Google, and Azure."""
CONNECTIONS = 8
"""The number of files that are copied at the same time."""
FILES, LISTING = "files", "listing.json"
"""The folder of a copy with the files, and the list of them, which whoever reads the copy shares."""


@dataclass(frozen=True, order=True)
class StoredFile:
    """A file of an object store.

    Attributes:
        path: its path below the folder.
        size: bytes.
        changed: nanoseconds since 1970 at which it was written.
    """

    path: str
    size: int
    changed: int


@dataclass(frozen=True)
class ObjectStore(Source):
    """A folder in an object store, by its URL; credentials come from where its vendor's tools have them."""

    url: str

    @property
    def name(self) -> str:
        """The last part of the path, or the bucket."""
        parts = urlsplit(self.url)
        return PurePosixPath(parts.path).name or parts.netloc.rpartition("@")[2]

    @property
    def folder(self) -> Path | None:
        """The copy, if it holds a ripple.toml."""
        copy = _copy(self)
        return copy if (copy / "ripple.toml").is_file() else None

    def __str__(self) -> str:
        return hidden(self.url.partition("?")[0]).rstrip("/")

    @property
    def identity(self) -> str:
        """Its URL, endpoint included."""
        return hidden(self.url)

    def open(self) -> OpenFolder:
        """The copy as tables of a DuckDB connection of their own."""
        place = OpenFolder(FileFolder(_copy(self)))
        place.source = self
        return place


@cache
def _copy(store: ObjectStore) -> Path:
    """The copy of *store* that this process reads, however often it asks: made once, and of one moment."""
    root = Path(os.environ.get("RIPPLE_HOME", ".ripple")) / "objects" / store.key
    root.mkdir(parents=True, exist_ok=True)
    try:
        files, path = fs.FileSystem.from_uri(store.url)
        listed = _listed(files, path, store)
        copy = root / digest(listed)
        with exclusive(root / ".lock"):
            atomic.remove_unfinished(root)
            if not copy.exists():
                _make_copy(files, path, listed, copy, store)
            share(copy / LISTING)
            _remove_others(copy)
    except (OSError, ValueError) as error:
        raise InputError(f"{store} cannot be read: {hidden(str(error)).splitlines()[0]}") from error
    return copy / FILES


def _listed(files: fs.FileSystem, path: str, store: ObjectStore) -> list[StoredFile]:
    found = files.get_file_info(fs.FileSelector(path, recursive=True, allow_not_found=True))
    listed = sorted(
        StoredFile(str(PurePosixPath(one.path).relative_to(path)), one.size, one.mtime_ns)
        for one in found
        if one.type == fs.FileType.File
    )
    if not listed:
        raise InputError(
            f"There are no files in {store}: expected a folder with a file or a folder of files for each "
            "table, such as customers.parquet and orders/2026-01.parquet."
        )
    return listed


def _make_copy(
    files: fs.FileSystem, path: str, listed: list[StoredFile], copy: Path, store: ObjectStore
) -> None:
    """Link what an earlier copy holds, and fetch the rest."""
    here = _held(copy.parent)
    missing = [one for one in listed if one not in here]
    size, free = sum(one.size for one in missing), shutil.disk_usage(copy.parent).free
    if size > free:
        raise InputError(
            f"{store} holds {size / 1e9:.1f} GB that are to be copied to {copy.parent}, where "
            f"{free / 1e9:.1f} GB are free. Make room, or set RIPPLE_HOME to a folder on a larger disk."
        )
    text = f"{len(missing):,} of {len(listed):,} files, {size / 1e6:,.0f} MB"
    logger.info(f"copying {text}, from {store}", extra=stage("checks"))
    with atomic.folder(copy) as building:
        for one in listed:
            target = building / FILES / one.path
            target.parent.mkdir(parents=True, exist_ok=True)
            if one in here:
                os.link(here[one], target)
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            # whatever fails first ends the copying
            for _ in pool.map(lambda one: _fetch(files, path, one, building / FILES, store), missing):
                pass
        (building / LISTING).write_text(json.dumps([vars(one) for one in listed]), encoding="utf-8")


def _fetch(files: fs.FileSystem, path: str, one: StoredFile, folder: Path, store: ObjectStore) -> None:
    target = folder / one.path
    with files.open_input_stream(f"{path}/{one.path}", compression=None) as stream, target.open("wb") as out:
        shutil.copyfileobj(stream, out, 1 << 20)
    now = files.get_file_info(f"{path}/{one.path}")
    if (target.stat().st_size, now.size, now.mtime_ns) != (one.size, one.size, one.changed):
        raise InputError(f"{store}/{one.path} was changed while it was copied. Run the command again.")
    os.utime(target, ns=(one.changed, one.changed))


def _held(root: Path) -> Mapping[StoredFile, Path]:
    """The files of all copies in *root*."""
    return {
        StoredFile(**one): listing.parent / FILES / one["path"]
        for listing in root.glob(f"[!.]*/{LISTING}")
        for one in json.loads(listing.read_text("utf-8"))
    }


def _remove_others(copy: Path) -> None:
    """Remove the copies beside *copy* that no process reads."""
    for other in copy.parent.glob("[!.]*"):
        if other != copy and other.is_dir():
            with unshared(other / LISTING) as is_unused:
                if is_unused:
                    shutil.rmtree(other, ignore_errors=True)
