from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import redis

from ripple.models.bundle import HEADS, RANGE_HEADS
from ripple.serving.errors import StoreUnavailable
from ripple.serving.publications import redis_store as module
from ripple.serving.publications.publication import PublicationError, load_publication
from ripple.serving.publications.redis_store import RedisStore
from tests.support.servers.processes import free_port
from tests.support.servers.redis_server import redis_server
from tests.support.servers.stepped_threads import SteppedThread, stepped_writes


def test_old_publications_in_redis_go_away(empty_redis: str, published: Path, newer: Path) -> None:
    store = RedisStore(empty_redis)
    store.publish(published, published.name)
    store.publish(newer, newer.name)
    with redis.Redis.from_url(empty_redis) as client:
        ages = {key.decode(): client.ttl(key) for key in client.scan_iter("ripple:v*")}
    assert all((age > 0) == (published.name in key) for key, age in ages.items())
    assert len(ages) == 2 * 5


async def _find(url: str, *ids: str) -> Any:
    store = RedisStore(url)
    try:
        publication = await store.open(str(await store.current()))
        return await publication.customers.find(ids)
    finally:
        await store.client.aclose()


def test_customers_come_back_as_they_are_in_the_file(empty_redis: str, published: Path, run: Any) -> None:
    RedisStore(empty_redis).publish(published, published.name)
    ids = ["c0003", "nobody", "c0001"]
    lookup = run(_find(empty_redis, *ids))
    expected = run(load_publication(published, published.name).customers.find(ids))
    assert (lookup.ids, lookup.ranks) == (["c0003", "c0001"], expected.ranks)
    np.testing.assert_array_equal(lookup.features, expected.features)
    np.testing.assert_array_equal(lookup.scores, expected.scores)
    for part in ("families", "features", "strongest"):
        values, same = getattr(lookup.contributions, part), getattr(expected.contributions, part)
        np.testing.assert_array_equal(values, same)


def test_keys_and_fields_are_those_that_other_versions_read(empty_redis: str, published: Path) -> None:
    RedisStore(empty_redis).publish(published, published.name)
    with redis.Redis.from_url(empty_redis) as client:
        assert client.get("ripple:current") == published.name.encode()
        files = client.hgetall(f"ripple:{published.name}:files")
        ranking = client.lrange(f"ripple:{published.name}:rank:", 0, -1)
        assert client.hlen(f"ripple:{published.name}:customers") == len(ranking) == 400
    assert set(files) == {
        *(b"bundle.json", b"model_card.md", b"measures.json"),
        *(f"{name}.txt".encode() for name in (*HEADS, *RANGE_HEADS)),
        *(b"falling", b"checksums", b"meta"),
    }
    assert json.loads(files[b"meta"])["segments"] == {"plan basic": 134, "plan pro": 133}
    assert np.all(np.diff(np.frombuffer(files[b"falling"])) >= 0)


def test_a_redis_that_was_emptied_is_unavailable(empty_redis: str, published: Path, run: Any) -> None:
    RedisStore(empty_redis).publish(published, published.name)
    with redis.Redis.from_url(empty_redis) as client:
        client.delete(f"ripple:{published.name}:customers")
    with pytest.raises(StoreUnavailable, match="publish again"):
        run(_find(empty_redis, "c0001"))


def test_an_incomplete_publication_is_refused(empty_redis: str, published: Path, run: Any) -> None:
    RedisStore(empty_redis).publish(published, published.name)
    with redis.Redis.from_url(empty_redis) as client:
        client.hdel(f"ripple:{published.name}:files", "meta")
    with pytest.raises(PublicationError, match="not whole"):
        run(_find(empty_redis, "c0001"))


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
    checksums: bool, empty_redis: str, published: Path, run: Any
) -> None:
    # together they have the right size
    changes = {"c0001": lambda row: row[:-8], "c0002": lambda row: row + bytes(8)}
    _set_rows(empty_redis, published, **changes)
    if not checksums:
        _remove_checksums(empty_redis, published)
    for ids in (["c0001"], ["c0002"], ["c0003", "c0001", "c0002"]):
        with pytest.raises(StoreUnavailable, match="another shape"):
            run(_find(empty_redis, *ids))
    assert run(_find(empty_redis, "c0003")).ids == ["c0003"]


@pytest.mark.parametrize("byte", [0, 7, 8, 100, 300, -1])
def test_a_customer_of_whom_a_bit_changed_is_refused(
    byte: int, empty_redis: str, published: Path, run: Any
) -> None:
    def flip(row: bytes) -> bytes:
        changed = bytearray(row)
        changed[byte] ^= 4
        return bytes(changed)

    _set_rows(empty_redis, published, c0001=flip)
    with pytest.raises(StoreUnavailable, match="not as they were published"):
        run(_find(empty_redis, "c0003", "c0001"))


def test_publishing_again_mends_a_customer(empty_redis: str, published: Path, run: Any) -> None:
    _set_rows(empty_redis, published, c0001=lambda row: row[:-8])
    RedisStore(empty_redis).publish(published, published.name)
    assert run(_find(empty_redis, "c0001")).ids == ["c0001"]


def test_a_customer_does_not_get_what_belongs_to_another(empty_redis: str, published: Path, run: Any) -> None:
    RedisStore(empty_redis).publish(published, published.name)
    key = f"ripple:{published.name}:customers"
    with redis.Redis.from_url(empty_redis) as client:
        other: Any = client.hget(key, "c0002")
        client.hset(key, "c0001", other)
    with pytest.raises(StoreUnavailable, match="not as they were published"):
        run(_find(empty_redis, "c0001"))


@pytest.mark.parametrize(
    ("column", "value"),
    [(0, math.nan), (0, 0.0), (0, 401.0), (0, 1.5), (0, math.inf), (1, 1e9), (2, math.nan), (-21, 12.0)],
)
def test_of_an_earlier_publication_what_is_possible_is_served(
    column: int, value: float, empty_redis: str, published: Path, run: Any
) -> None:
    def change(row: bytes) -> bytes:
        values = np.frombuffer(row).copy()
        values[column] = value
        return values.tobytes()

    _set_rows(empty_redis, published, c0001=change)
    _remove_checksums(empty_redis, published)
    expected = run(load_publication(published, published.name).customers.find(["c0003"]))
    assert run(_find(empty_redis, "c0003")).ranks == expected.ranks
    with pytest.raises(StoreUnavailable, match="not as they were published"):
        run(_find(empty_redis, "c0001"))


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
    part: str, content: bytes, empty_redis: str, published: Path, run: Any
) -> None:
    RedisStore(empty_redis).publish(published, published.name)
    with redis.Redis.from_url(empty_redis) as client:
        client.hset(f"ripple:{published.name}:files", part, content)
    with pytest.raises(PublicationError, match="not whole"):
        run(_find(empty_redis, "c0001"))


def test_a_redis_that_does_not_answer_is_unavailable(run: Any) -> None:
    with pytest.raises(StoreUnavailable, match="does not answer"):
        run(_find(f"redis://127.0.0.1:{free_port()}/0"))


def test_a_redis_that_hangs_is_waited_for_once(
    published: Path, run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TIMEOUT_SECONDS", 0.3)
    monkeypatch.setattr(module, "BREAK_SECONDS", 0.3)

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


@pytest.mark.parametrize("rows", [7, 1000])
def test_any_number_of_customers_is_written_at_once(
    rows: int, empty_redis: str, published: Path, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK_ROWS", rows)
    RedisStore(empty_redis).publish(published, published.name)
    assert run(_find(empty_redis, *(f"c{row:04d}" for row in range(400)))).ids[-1] == "c0399"


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


def test_a_redis_that_is_full_keeps_what_it_has_and_nothing_of_the_next_one(
    empty_redis: str, published: Path, newer: Path
) -> None:
    RedisStore(empty_redis).publish(published, published.name)
    with redis.Redis.from_url(empty_redis) as client:
        before = set(client.keys())
        client.config_set("maxmemory", client.info("memory")["used_memory"] + 20_000)
        try:
            with pytest.raises(StoreUnavailable, match="full"):
                RedisStore(empty_redis).publish(newer, newer.name)
        finally:
            client.config_set("maxmemory", 0)
        assert set(client.keys()) == before
        assert client.get("ripple:current") == published.name.encode()


def test_what_lost_its_customers_is_written_anew(empty_redis: str, published: Path, run: Any) -> None:
    RedisStore(empty_redis).publish(published, published.name)
    with redis.Redis.from_url(empty_redis) as client:
        client.delete(f"ripple:{published.name}:customers")
    RedisStore(empty_redis).publish(published, published.name)
    assert run(_find(empty_redis, "c0001")).ids == ["c0001"]


def test_a_publisher_that_lost_its_lock_does_not_replace_what_another_one_published(
    empty_redis: str, published: Path, newer: Path
) -> None:
    with stepped_writes(), redis.Redis.from_url(empty_redis) as client:
        slow = SteppedThread(lambda: RedisStore(empty_redis).publish(newer, newer.name))
        while not client.keys("ripple:unfinished:*:files"):
            slow.advance()
        client.delete("ripple:publishing")
        RedisStore(empty_redis).publish(published, published.name)
        while not slow.is_finished:
            slow.advance()
        assert isinstance(slow.error, StoreUnavailable)
        assert client.get("ripple:current") == published.name.encode()


def test_what_a_killed_publisher_wrote_expires(empty_redis: str, newer: Path) -> None:
    with stepped_writes(), redis.Redis.from_url(empty_redis) as client:
        killed = SteppedThread(lambda: RedisStore(empty_redis).publish(newer, newer.name))
        while not client.keys("ripple:unfinished:*:files"):
            killed.advance()
        killed.kill()
        assert all(client.ttl(key) > 0 for key in client.scan_iter())
