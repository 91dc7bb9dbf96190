"""Where publications are kept: which one is current, and how to open one. Here in a folder."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Protocol

from ripple import atomic
from ripple.redaction import hidden
from ripple.serving.publications.publication import Publication, PublicationError, is_whole, load_publication


class Store(Protocol):
    """Publications by name, one of them current."""

    async def current(self) -> str | None:
        """Name of the current publication; None before the first.

        Raises:
            StoreUnavailable: the store does not answer.
        """

    async def open(self, name: str) -> Publication:
        """The publication of that name, checked.

        Raises:
            PublicationError: it is not whole or not right.
            StoreUnavailable: the store does not answer.
        """

    def publish(self, publication: Path, name: str) -> None:
        """Keep the publication in that folder under *name* and make it current, all of it or nothing.

        The one that was current is kept, for those who still open it; earlier ones are removed.
        """


class FolderStore:
    """Publications as folders of one folder, which workers map into memory; ``current`` names one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def current(self) -> str | None:
        """Name of the current publication; None before the first."""
        return self._pointed()

    async def open(self, name: str) -> Publication:
        """The publication of that name, checked."""
        if not name or "/" in name or name.startswith("."):
            raise PublicationError(f"'{name}' in {self.folder / 'current'} names no publication.")
        return await asyncio.to_thread(load_publication, self.folder / "publications" / name, name)

    def publish(self, publication: Path, name: str) -> None:
        """Keep the publication in that folder under *name* and make it current, all of it or nothing."""
        kept = self.folder / "publications" / name
        if not is_whole(kept):
            with atomic.folder(kept) as building:
                shutil.copytree(publication, building, dirs_exist_ok=True)
        before = self._pointed()
        with atomic.file(self.folder / "current") as building:
            building.write_text(name + "\n", encoding="utf-8")
        for other in kept.parent.iterdir():
            if other.name not in (name, before):
                shutil.rmtree(other, ignore_errors=True)

    def _pointed(self) -> str | None:
        try:
            # whatever stands there must be told, and must not keep the next publication out
            return (self.folder / "current").read_text(encoding="utf-8", errors="replace").strip()
        except FileNotFoundError:
            return None


def open_store(place: str) -> Store:
    """The store at *place*: redis://, rediss:// or unix:// for Redis, else a folder.

    Raises:
        ValueError: the URL is of another kind.
    """
    scheme, separator, _ = place.partition("://")
    if not separator:
        return FolderStore(Path(place))
    if scheme in ("redis", "rediss", "unix"):
        from ripple.serving.publications.redis_store import RedisStore

        return RedisStore(place)
    raise ValueError(f"'{hidden(place)}' is no store: give a folder, or a URL such as redis://host:6379/0.")
