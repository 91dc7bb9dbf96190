"""Stores of publications: which one is current, and how to open one; the one in a folder."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Protocol

from ripple import atomic
from ripple.redaction import hidden
from ripple.serving.publications.publication import (
    Publication,
    PublicationError,
    is_complete,
    load_publication,
)


class Store(Protocol):
    """A store of publications by name, one of which is current."""

    async def current(self) -> str | None:
        """Name of the current publication; None before the first.

        Raises:
            StoreUnavailable: the store does not answer.
        """

    async def open(self, name: str) -> Publication:
        """The publication of that name, validated.

        Raises:
            PublicationError: it is not complete or not valid.
            StoreUnavailable: the store does not answer.
        """

    def publish(self, publication: Path, name: str) -> None:
        """Keep the publication in that folder under *name* and make it current, all of it or nothing.

        The one that was current is kept, for those who still open it; earlier ones are removed.
        """


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
        return await asyncio.to_thread(load_publication, self.folder / "publications" / name, name)

    def publish(self, publication: Path, name: str) -> None:
        """Keep the publication in that folder under *name* and make it current, all of it or nothing."""
        target = self.folder / "publications" / name
        if not is_complete(target):
            with atomic.folder(target) as building:
                shutil.copytree(publication, building, dirs_exist_ok=True)
        previous = self._read_pointer()
        with atomic.file(self.folder / "current") as building:
            building.write_text(name + "\n", encoding="utf-8")
        for other in target.parent.iterdir():
            if other.name not in (name, previous):
                shutil.rmtree(other, ignore_errors=True)

    def _read_pointer(self) -> str | None:
        try:
            # an unreadable pointer becomes a name that is reported, and must not block the next publication
            return (self.folder / "current").read_text(encoding="utf-8", errors="replace").strip()
        except FileNotFoundError:
            return None


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
