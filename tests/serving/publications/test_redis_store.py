from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis

from ripple.models.bundle import HEADS, RANGE_HEADS
from ripple.serving.errors import StoreUnavailable
from ripple.serving.publications import redis_store as module
from ripple.serving.publications.publication import PublicationError, load_publication
from ripple.serving.publications.redis_store import RedisStore
from tests.support.servers.processes import free_port
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
        *(b"falling", b"meta"),
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


def test_customers_of_another_shape_are_refused(empty_redis: str, published: Path, run: Any) -> None:
    RedisStore(empty_redis).publish(published, published.name)
    with redis.Redis.from_url(empty_redis) as client:
        client.hset(f"ripple:{published.name}:customers", "c0001", bytes(16))
    with pytest.raises(StoreUnavailable, match="another shape"):
        run(_find(empty_redis, "c0001"))


def test_a_redis_that_does_not_answer_is_unavailable(run: Any) -> None:
    with pytest.raises(StoreUnavailable, match="does not answer"):
        run(_find(f"redis://127.0.0.1:{free_port()}/0"))


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
