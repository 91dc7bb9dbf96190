from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from zlib import crc32

import msgspec
import numpy as np
import pytest
import redis

from ripple.models.bundle import HEADS, RANGE_HEADS
from ripple.serving.publications.redis_layout import (
    CHUNK_BYTES,
    RANKING_ROWS,
    RENEW,
    Meta,
    checksum,
    packed_ranking,
    publication_keys,
    ranking_size,
    read_ranking,
    with_checksum,
    without_checksum,
)
from ripple.serving.publications.redis_publishing import publish


def test_keys_and_fields_are_those_that_other_versions_read(empty_redis: str, published: Path) -> None:
    publish(empty_redis, published, published.name)
    with redis.Redis.from_url(empty_redis) as client:
        assert client.get("ripple:current") == published.name.encode()
        files = client.hgetall(f"ripple:{published.name}:files")
        ranking = client.lrange(f"ripple:{published.name}:rank:", 0, -1)
        assert client.hlen(f"ripple:{published.name}:customers") == len(ranking) == 400
    assert set(files) == {
        *(b"bundle.json", b"model_card.md", b"measures.json"),
        *(f"{name}.txt".encode() for name in (*HEADS, *RANGE_HEADS)),
        *(b"falling", b"checksums", b"plays", b"meta", b"experiments.arrow"),
    }
    assert json.loads(files[b"meta"])["segments"] == {"plan basic": 134, "plan pro": 133}
    assert np.all(np.diff(np.frombuffer(files[b"falling"])) >= 0)


def test_a_publication_has_these_keys_and_no_others(
    empty_redis: str, published: Path, publication: Callable[..., Path]
) -> None:
    later = publication(2, after=published)
    publish(empty_redis, later, later.name)
    prefix = f"ripple:{later.name}"
    with redis.Redis.from_url(empty_redis) as client:
        keys = {key.decode() for key in client.scan_iter("ripple:v*")}
        meta = msgspec.json.decode(client.hget(f"{prefix}:files", "meta"), type=Meta)
        size = client.strlen(f"{prefix}:past:0")
    assert keys == set(publication_keys(prefix, meta))
    parts = [
        "arms",
        "customers",
        "files",
        "influence",
        "past:0",
        "plays",
        "rank:",
        "rank:plan basic",
        "rank:plan pro",
    ]
    assert sorted(keys) == [f"{prefix}:{part}" for part in parts]
    assert size == ranking_size(400)


@pytest.mark.parametrize("size", [1, RANKING_ROWS, 3 * RANKING_ROWS + 1])
def test_a_ranking_is_read_as_it_was_written_as_a_whole_and_by_chunk(size: int) -> None:
    random = np.random.default_rng(size)
    values, ranks = random.normal(size=size), random.integers(0, 99, size)
    packed = packed_ranking(2, values, ranks)
    assert len(packed) == ranking_size(size)
    for first in range(0, size, RANKING_ROWS):
        number = first // RANKING_ROWS
        chunk = packed[number * CHUNK_BYTES : (number + 1) * CHUNK_BYTES]
        read = read_ranking(2, chunk, number)
        assert np.array_equal(read, (values[first : first + 256], ranks[first : first + 256]))
    assert np.array_equal(read_ranking(2, packed), (values, ranks))


def test_a_ranking_that_was_changed_or_moved_is_refused() -> None:
    packed = packed_ranking(0, np.arange(2.0 * RANKING_ROWS), np.arange(2 * RANKING_ROWS))
    chunk = packed[:CHUNK_BYTES]
    flipped = chunk[:50] + bytes([chunk[50] ^ 1]) + chunk[51:]
    for place, wrong, first in ((0, flipped, 0), (1, chunk, 0), (0, chunk, 1), (0, chunk[:-1], 0)):
        with pytest.raises(ValueError, match="was changed"):
            read_ranking(place, wrong, first)


def test_a_hash_is_there_where_it_holds_somebody() -> None:
    assert Meta("1", "2026-06-30", 4, {}).optional == []
    assert Meta("1", "2026-06-30", 4, {}, arms=1).optional == ["arms"]
    assert Meta("1", "2026-06-30", 4, {}, influence=2, arms=1).optional == ["influence", "arms"]


def test_content_is_that_of_its_own_name_only() -> None:
    kept = with_checksum(b"c0001", b"[1]")
    assert without_checksum(b"c0001", kept) == b"[1]"
    assert without_checksum(b"c0002", kept) is None
    assert without_checksum(b"c0001", kept[:-1]) is None


def test_the_checksum_is_that_of_the_id_followed_by_the_row() -> None:
    assert checksum(b"c0001", b"row") == crc32(b"c0001row")


def test_renewing_prolongs_only_keys_that_expire_and_tells_whether_all_exist(empty_redis: str) -> None:
    with redis.Redis.from_url(empty_redis) as client:
        client.mset({"current": b"", "superseded": b""})
        client.expire("superseded", 10)
        renew = client.register_script(RENEW)
        assert renew(["current", "superseded"], [1000]) == 1
        assert client.ttl("current") == -1
        assert 990 <= client.ttl("superseded") <= 1000
        assert not renew(["current", "superseded", "lost"], [1000])
