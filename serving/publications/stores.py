"""Stores of publications: which one is current, and how to open one; the one in a folder."""

from __future__ import annotations

import asyncio
import os
import shutil
import weakref
from pathlib import Path
from typing import Protocol

from ripple import atomic, locks
from ripple.redaction import hidden
from ripple.serving.errors import StoreUnavailable
from ripple.serving.publications.history import Rankings
from ripple.serving.publications.publication import (
    MANIFEST,
    Publication,
    PublicationError,
    is_complete,
    load_publication,
    read_rankings,
)

WAIT_SECONDS = 600.0
"""How long a publisher waits for another one, as one at a time writes to a store."""


class Store(Protocol):
    """A store of publications by name, one of which is current.

    A publication is removed once it is neither current nor the one before, and nobody serves it.
    """

    async def current(self) -> str | None:
        """Name of the current publication; None before the first.

        Raises:
            StoreUnavailable: the store does not answer.
        """

    async def open(self, name: str) -> Publication:
        """The publication of that name, validated; it is kept for as long as it is served.

        Raises:
            PublicationError: it is not complete or not valid.
            StoreUnavailable: the store does not answer.
        """

    def validate_room(self) -> None:
        """Check that there is room for a publication of the size of the current one.

        Raises:
            StoreUnavailable: there is not, or the store cannot be written.
        """

    def publish(self, publication: Path, name: str) -> None:
        """Keep the publication in that folder under *name* and make it current, all of it or nothing.

        What other publishers left unfinished is removed.

        Raises:
            StoreUnavailable: the store did not take it, or another publisher is at work.
        """

    async def aclose(self) -> None:
        """Close what is open."""


class FolderStore:
    """Publications as folders of one folder, which workers memory-map; the file ``current`` names one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def current(self) -> str | None:
        """Name of the current publication; None before the first."""
        return self._read_pointer()

    async def open(self, name: str) -> Publication:
        """The publication of that name, validated."""
        if not name or "/" in name or name.startswith("."):
            raise PublicationError(f"'{name}' in {self.folder / 'current'} names no publication.")
        return await asyncio.to_thread(_open, self.folder / "publications" / name, name)

    def validate_room(self) -> None:
        """Check that there is room for a publication of the size of the current one."""
        name = self._read_pointer()
        if name is None:
            return
        files = (self.folder / "publications" / name).rglob("*")
        needed, free = sum(file.stat().st_size for file in files), shutil.disk_usage(self.folder).free
        if free < needed:
            raise StoreUnavailable(no_room(str(self.folder), free, needed))

    def publish(self, publication: Path, name: str) -> None:
        """Keep the publication in that folder under *name* and make it current, all of it or nothing."""
        target = self.folder / "publications" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with locks.exclusive(self.folder / ".lock", WAIT_SECONDS):
                # nobody else publishes now, so whoever left these was stopped
                atomic.remove_unfinished(self.folder)
                atomic.remove_unfinished(target.parent)
                if not is_complete(target):
                    with atomic.folder(target) as building:
                        shutil.copytree(publication, building, dirs_exist_ok=True)
                self._make_current(name)
        except TimeoutError as error:
            raise StoreUnavailable(
                f"another publisher has been writing to {self.folder} for {WAIT_SECONDS / 60:.0f} minutes."
            ) from error

    async def aclose(self) -> None:
        """Nothing is open."""

    def _make_current(self, name: str) -> None:
        previous = self._read_pointer()
        if previous == name:
            return
        with atomic.file(self.folder / "current") as building:
            building.write_text(name + "\n", encoding="utf-8")
        for other in (self.folder / "publications").iterdir():
            if other.name not in (name, previous):
                with locks.unshared(other / MANIFEST) as unserved:
                    if unserved:
                        shutil.rmtree(other, ignore_errors=True)

    def _read_pointer(self) -> str | None:
        try:
            # an unreadable pointer becomes a name that is reported, and must not block the next publication
            return (self.folder / "current").read_text(encoding="utf-8", errors="replace").strip()
        except FileNotFoundError:
            return None


def no_room(place: str, free: int, needed: int) -> str:
    """The message that a store has too little room, in bytes, for a publication like the current one."""
    return (
        f"{place} has room for {free / 1e6:,.1f} MB, and the current publication takes "
        f"{needed / 1e6:,.1f} MB: make room for another one."
    )


def _open(folder: Path, name: str) -> Publication:
    """The publication in *folder*, which is shared until it is no longer used."""
    try:
        handle = locks.share(folder / MANIFEST)
    except BlockingIOError as error:
        raise PublicationError(f"{folder} is being removed.") from error
    except OSError:
        # it is not there, which is told below, or its file system knows no locks, and it can still be served
        return load_publication(folder, name)
    try:
        publication = load_publication(folder, name)
    except BaseException:
        os.close(handle)
        raise
    weakref.finalize(publication, os.close, handle)
    return publication


async def current_rankings(location: str) -> Rankings | None:
    """The values and ranks in the current publication of a store, and in those it takes along; None if none.

    Raises:
        PublicationError: the current publication is not complete or not valid.
        StoreUnavailable: the store does not answer.
    """
    store = open_store(location)
    try:
        name = await store.current()
        return None if name is None else await read_rankings(await store.open(name))
    finally:
        await store.aclose()


def open_store(location: str) -> Store:
    """The store at *location*: redis://, rediss:// or unix:// for Redis, else a folder.

    Raises:
        ValueError: the URL is of another kind.
    """
    scheme, separator, _ = location.partition("://")
    if not separator:
        return FolderStore(Path(location))
    if scheme in ("redis", "rediss", "unix"):
        from ripple.serving.publications.redis_store import RedisStore

        return RedisStore(location)
    raise ValueError(
        f"'{hidden(location)}' is no store: give a folder, or a URL such as redis://host:6379/0."
    )
