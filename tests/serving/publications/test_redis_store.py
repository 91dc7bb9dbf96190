from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import redis

from ripple.serving.errors import StoreUnavailable
from ripple.serving.publications import redis_store
from ripple.serving.publications.publication import PublicationError, load_publication
from ripple.serving.publications.redis_store import RedisStore
from ripple.serving.publications.snapshot import Lookup
from tests.support.servers.processes import free_port
from tests.support.servers.redis_server import redis_server


def test_customers_come_back_as_they_are_in_the_file(
    empty_redis: str, published: Path, run: Any, find: Callable[..., Lookup]
) -> None:
    RedisStore(empty_redis).publish(published, published.name)
    ids = ["c0003", "nobody", "c0001"]
    lookup = find(empty_redis, *ids)
    expected = run(load_publication(published, published.name).customers.find(ids))
    assert (lookup.ids, lookup.ranks) == (["c0003", "c0001"], expected.ranks)
    np.testing.assert_array_equal(lookup.features, expected.features)
    np.testing.assert_array_equal(lookup.scores, expected.scores)
    for part in ("families", "features", "strongest"):
        values, same = getattr(lookup.contributions, part), getattr(expected.contributions, part)
        np.testing.assert_array_equal(values, same)


def test_a_redis_that_was_emptied_is_unavailable(
    empty_redis: str, published: Path, find: Callable[..., Lookup]
) -> None:
    RedisStore(empty_redis).publish(published, published.name)
    with redis.Redis.from_url(empty_redis) as client:
        client.delete(f"ripple:{published.name}:customers")
    with pytest.raises(StoreUnavailable, match="publish again"):
        find(empty_redis, "c0001")


def test_an_incomplete_publication_is_refused(
    empty_redis: str, published: Path, find: Callable[..., Lookup]
) -> None:
    RedisStore(empty_redis).publish(published, published.name)
    with redis.Redis.from_url(empty_redis) as client:
        client.hdel(f"ripple:{published.name}:files", "meta")
    with pytest.raises(PublicationError, match="not whole"):
        find(empty_redis, "c0001")


def _set_rows(url: str, published: Path, **rows: Callable[[bytes], bytes]) -> None:
    """Publish, and then change the packed values of some customers."""
    RedisStore(url).publish(published, published.name)
    key = f"ripple:{published.name}:customers"
    with redis.Redis.from_url(url) as client:
        for name, change in rows.items():
            row: Any = client.hget(key, name)
            client.hset(key, name, change(row))


def _remove_checksums(url: str, published: Path) -> None:
    """Make a publication one of an earlier version."""
    with redis.Redis.from_url(url) as client:
        assert client.hdel(f"ripple:{published.name}:files", "checksums") == 1


@pytest.mark.parametrize("checksums", [True, False])
def test_customers_of_another_shape_are_refused(
    checksums: bool, empty_redis: str, published: Path, find: Callable[..., Lookup]
) -> None:
    # together they have the right size
    changes = {"c0001": lambda row: row[:-8], "c0002": lambda row: row + bytes(8)}
    _set_rows(empty_redis, published, **changes)
    if not checksums:
        _remove_checksums(empty_redis, published)
    for ids in (["c0001"], ["c0002"], ["c0003", "c0001", "c0002"]):
        with pytest.raises(StoreUnavailable, match="another shape"):
            find(empty_redis, *ids)
    assert find(empty_redis, "c0003").ids == ["c0003"]


@pytest.mark.parametrize("byte", [0, 7, 8, 100, 300, -1])
def test_a_customer_of_whom_a_bit_changed_is_refused(
    byte: int, empty_redis: str, published: Path, find: Callable[..., Lookup]
) -> None:
    def flip(row: bytes) -> bytes:
        changed = bytearray(row)
        changed[byte] ^= 4
        return bytes(changed)

    _set_rows(empty_redis, published, c0001=flip)
    with pytest.raises(StoreUnavailable, match="not as they were published"):
        find(empty_redis, "c0003", "c0001")


def test_a_customer_does_not_get_what_belongs_to_another(
    empty_redis: str, published: Path, find: Callable[..., Lookup]
) -> None:
    RedisStore(empty_redis).publish(published, published.name)
    key = f"ripple:{published.name}:customers"
    with redis.Redis.from_url(empty_redis) as client:
        other: Any = client.hget(key, "c0002")
        client.hset(key, "c0001", other)
    with pytest.raises(StoreUnavailable, match="not as they were published"):
        find(empty_redis, "c0001")


@pytest.mark.parametrize(
    ("column", "value"),
    [(0, math.nan), (0, 0.0), (0, 401.0), (0, 1.5), (0, math.inf), (1, 1e9), (2, math.nan), (-21, 12.0)],
)
def test_of_an_earlier_publication_what_is_possible_is_served(
    column: int, value: float, empty_redis: str, published: Path, run: Any, find: Callable[..., Lookup]
) -> None:
    def change(row: bytes) -> bytes:
        values = np.frombuffer(row).copy()
        values[column] = value
        return values.tobytes()

    _set_rows(empty_redis, published, c0001=change)
    _remove_checksums(empty_redis, published)
    expected = run(load_publication(published, published.name).customers.find(["c0003"]))
    assert find(empty_redis, "c0003").ranks == expected.ranks
    with pytest.raises(StoreUnavailable, match="not as they were published"):
        find(empty_redis, "c0001")


@pytest.mark.parametrize(
    ("part", "content"),
    [
        ("meta", b"[]"),
        ("meta", b"{}"),
        ("meta", b'{"version": "1", "as_of": "2026-06-30", "size": 400, "segments": ["plan pro"]}'),
        ("meta", b'{"version": 1, "as_of": "2026-06-30", "size": 400, "segments": {}}'),
        ("meta", b'{"version": "1", "as_of": "2026-06-30", "size": 399, "segments": {}}'),
        ("falling", bytes(8)),
        ("falling", bytes(7)),
        ("checksums", b""),
        ("checksums", bytes(5)),
    ],
)
def test_parts_of_another_shape_are_refused(
    part: str, content: bytes, empty_redis: str, published: Path, find: Callable[..., Lookup]
) -> None:
    RedisStore(empty_redis).publish(published, published.name)
    with redis.Redis.from_url(empty_redis) as client:
        client.hset(f"ripple:{published.name}:files", part, content)
    with pytest.raises(PublicationError, match="not whole"):
        find(empty_redis, "c0001")


def test_a_redis_that_does_not_answer_is_unavailable(find: Callable[..., Lookup]) -> None:
    with pytest.raises(StoreUnavailable, match="does not answer"):
        find(f"redis://127.0.0.1:{free_port()}/0")


def test_a_redis_that_hangs_is_waited_for_once(
    published: Path, run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_store, "TIMEOUT_SECONDS", 0.3)
    monkeypatch.setattr(redis_store, "BREAK_SECONDS", 0.3)

    async def waits(hung: psutil.Process, store: RedisStore) -> tuple[float, float]:
        """Seconds that a hundred lookups take while Redis hangs, and until one is answered afterwards."""
        customers = (await store.open(published.name)).customers

        async def fails() -> bool:
            try:
                await customers.find(["c0001"])
            except StoreUnavailable:
                return True
            return False

        hung.suspend()
        started = time.monotonic()
        try:
            assert all(await asyncio.gather(*(fails() for _ in range(50))))
            assert all([await fails() for _ in range(50)])
            waited = time.monotonic() - started
        finally:
            hung.resume()
        started = time.monotonic()
        while await fails():
            await asyncio.sleep(0.02)
        await store.client.aclose()
        return waited, time.monotonic() - started

    with redis_server(tmp_path) as server:
        RedisStore(server.url).publish(published, published.name)
        waited, recovered = run(waits(psutil.Process(server.pid), RedisStore(server.url)))
    assert waited < 2
    assert recovered < 2


def test_a_worker_that_may_only_read_serves_all_the_same(empty_redis: str, published: Path, run: Any) -> None:
    RedisStore(empty_redis).publish(published, published.name)
    with redis.Redis.from_url(empty_redis) as client:
        client.acl_setuser(
            "reader", enabled=True, nopass=True, keys=["*"], categories=["+@read", "+@connection"]
        )

        async def held() -> list[bool]:
            store = RedisStore(empty_redis.replace("redis://", "redis://reader:any@"))
            customers = (await store.open(published.name)).customers
            before = await customers.renew()
            client.delete(f"ripple:{published.name}:files")
            after = await customers.renew()
            await store.client.aclose()
            return [before, after]

        assert run(held()) == [True, False]
