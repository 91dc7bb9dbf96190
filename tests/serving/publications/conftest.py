"""Publications and an empty Redis for the tests of stores."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from ripple.serving.publications.publication import write_publication
from ripple.serving.publications.redis_store import RedisStore
from ripple.serving.publications.snapshot import Lookup


@pytest.fixture
def empty_redis(redis_url: str) -> Iterator[str]:
    """A Redis that is empty, and is emptied again, as a lock left in it would stop publishers elsewhere."""
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
        yield redis_url
        client.flushall()


@pytest.fixture
def newer(source: Path, tmp_path: Path) -> Path:
    """A publication of another version."""
    (tmp_path / "newer").mkdir()
    return (tmp_path / "newer").rename(tmp_path / write_publication(tmp_path / "newer", source, "2"))


@pytest.fixture
def find(run: Any) -> Callable[..., Lookup]:
    """Looks customers up in the current publication of a Redis, given its URL and their ids."""

    async def look_up(url: str, *ids: str) -> Lookup:
        store = RedisStore(url)
        try:
            publication = await store.open(str(await store.current()))
            return await publication.customers.find(ids)
        finally:
            await store.client.aclose()

    return lambda url, *ids: run(look_up(url, *ids))
