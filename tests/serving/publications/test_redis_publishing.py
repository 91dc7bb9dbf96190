from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from ripple.serving.errors import StoreUnavailable
from ripple.serving.publications import redis_publishing
from ripple.serving.publications.redis_publishing import publish
from ripple.serving.publications.snapshot import Lookup
from tests.support.servers.stepped_threads import SteppedThread, stepped_writes


def test_old_publications_in_redis_go_away(empty_redis: str, published: Path, newer: Path) -> None:
    publish(empty_redis, published, published.name)
    publish(empty_redis, newer, newer.name)
    with redis.Redis.from_url(empty_redis) as client:
        ages = {key.decode(): client.ttl(key) for key in client.scan_iter("ripple:v*")}
    assert all((age > 0) == (published.name in key) for key, age in ages.items())
    assert len(ages) == 2 * 8


def test_publishing_again_mends_a_customer(
    empty_redis: str, published: Path, find: Callable[..., Lookup]
) -> None:
    publish(empty_redis, published, published.name)
    with redis.Redis.from_url(empty_redis) as client:
        client.hset(f"ripple:{published.name}:customers", "c0001", bytes(8))
    publish(empty_redis, published, published.name)
    assert find(empty_redis, "c0001").ids == ["c0001"]


def test_what_lost_its_customers_is_written_anew(
    empty_redis: str, published: Path, find: Callable[..., Lookup]
) -> None:
    publish(empty_redis, published, published.name)
    with redis.Redis.from_url(empty_redis) as client:
        client.delete(f"ripple:{published.name}:customers")
    publish(empty_redis, published, published.name)
    assert find(empty_redis, "c0001").ids == ["c0001"]


@pytest.mark.parametrize("rows", [7, 1000])
def test_any_number_of_customers_is_written_at_once(
    rows: int, empty_redis: str, published: Path, find: Callable[..., Lookup], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_publishing, "CHUNK_ROWS", rows)
    publish(empty_redis, published, published.name)
    assert find(empty_redis, *(f"c{row:04d}" for row in range(400))).ids[-1] == "c0399"


def test_a_redis_that_is_full_keeps_what_it_has_and_nothing_of_the_next_one(
    empty_redis: str, published: Path, newer: Path
) -> None:
    publish(empty_redis, published, published.name)
    with redis.Redis.from_url(empty_redis) as client:
        before = set(client.keys())
        client.config_set("maxmemory", client.info("memory")["used_memory"] + 20_000)
        try:
            with pytest.raises(StoreUnavailable, match="full"):
                publish(empty_redis, newer, newer.name)
        finally:
            client.config_set("maxmemory", 0)
        assert set(client.keys()) == before
        assert client.get("ripple:current") == published.name.encode()


def test_a_publisher_that_lost_its_lock_does_not_replace_what_another_one_published(
    empty_redis: str, published: Path, newer: Path
) -> None:
    with stepped_writes(), redis.Redis.from_url(empty_redis) as client:
        slow = SteppedThread(lambda: publish(empty_redis, newer, newer.name))
        while not client.keys("ripple:unfinished:*:files"):
            slow.advance()
        client.delete("ripple:publishing")
        publish(empty_redis, published, published.name)
        while not slow.is_finished:
            slow.advance()
        assert isinstance(slow.error, StoreUnavailable)
        assert client.get("ripple:current") == published.name.encode()


def test_what_a_killed_publisher_wrote_expires(empty_redis: str, newer: Path) -> None:
    with stepped_writes(), redis.Redis.from_url(empty_redis) as client:
        killed = SteppedThread(lambda: publish(empty_redis, newer, newer.name))
        while not client.keys("ripple:unfinished:*:files"):
            killed.advance()
        killed.kill()
        assert all(client.ttl(key) > 0 for key in client.scan_iter())
