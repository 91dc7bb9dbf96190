from __future__ import annotations

import os
import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import redis

from ripple.locks import exclusive
from ripple.serving.errors import StoreUnavailable
from ripple.serving.publications import redis_publishing, stores
from ripple.serving.publications.publication import PublicationError, write_publication
from ripple.serving.publications.redis_store import RedisStore
from ripple.serving.publications.stores import FolderStore, open_store


@pytest.fixture(params=["folder", "redis"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of an empty store."""
    return str(tmp_path / "store") if request.param == "folder" else request.getfixturevalue("empty_redis")


async def _current(location: str) -> tuple[str | None, str | None]:
    """What is current in a store, and which version that is."""
    store = open_store(location)
    name = await store.current()
    version = None if name is None else (await store.open(name)).version
    if isinstance(store, RedisStore):
        await store.client.aclose()
    return name, version


def test_an_empty_store_has_nothing_current(location: str, run: Any) -> None:
    assert run(_current(location)) == (None, None)


def test_the_latest_publication_is_current(location: str, published: Path, newer: Path, run: Any) -> None:
    open_store(location).publish(published, published.name)
    assert run(_current(location)) == (published.name, "1")
    open_store(location).publish(newer, newer.name)
    assert run(_current(location)) == (newer.name, "2")
    open_store(location).publish(published, published.name)
    assert run(_current(location)) == (published.name, "1")


def test_the_previous_publication_can_still_be_opened(
    location: str, published: Path, newer: Path, run: Any
) -> None:
    open_store(location).publish(published, published.name)
    open_store(location).publish(newer, newer.name)

    async def version() -> str:
        store = open_store(location)
        version = (await store.open(published.name)).version
        if isinstance(store, RedisStore):
            await store.client.aclose()
        return version

    assert run(version()) == "1"


def test_a_publication_that_was_stopped_half_way_changes_nothing(
    location: str, published: Path, newer: Path, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_store(location).publish(published, published.name)
    for target in (shutil, redis.Redis):
        monkeypatch.setattr(target, "copytree" if target is shutil else "rpush", _disk_full)
    with pytest.raises(OSError, match="No space"):
        open_store(location).publish(newer, newer.name)
    monkeypatch.undo()
    assert run(_current(location)) == (published.name, "1")
    open_store(location).publish(newer, newer.name)
    assert run(_current(location)) == (newer.name, "2")


def _disk_full(*_: object, **__: object) -> None:
    raise OSError(28, os.strerror(28))


def test_a_publisher_waits_for_another_one_only_for_a_while(
    location: str, published: Path, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (stores, redis_publishing):
        monkeypatch.setattr(module, "WAIT_SECONDS", 0.0)
    with ExitStack() as other:
        if "://" in location:
            other.enter_context(redis.Redis.from_url(location)).set("ripple:publishing", "other")
        else:
            Path(location).mkdir()
            other.enter_context(exclusive(Path(location) / ".lock"))
        with pytest.raises(StoreUnavailable, match="another publisher"):
            open_store(location).publish(published, published.name)
    assert run(_current(location)) == (None, None)


def test_old_publications_are_removed(published: Path, newer: Path, source: Path, tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    (tmp_path / "third").mkdir()
    third = (tmp_path / "third").rename(tmp_path / write_publication(tmp_path / "third", source, "3"))
    for publication in (published, newer, third):
        store.publish(publication, publication.name)
    kept = {folder.name for folder in (tmp_path / "store/publications").iterdir()}
    assert kept == {newer.name, third.name}


def test_a_pointer_leads_nowhere_else(tmp_path: Path, run: Any) -> None:
    (tmp_path / "current").write_text("../../elsewhere")
    with pytest.raises(PublicationError, match="names no publication"):
        run(_current(str(tmp_path)))


def test_another_url_is_no_store() -> None:
    with pytest.raises(ValueError, match="'s3://bucket' is no store: give a folder"):
        open_store("s3://bucket")
    with pytest.raises(ValueError, match=r"'mysql://\*+@host' is no store"):
        open_store("mysql://me:secret@host")
