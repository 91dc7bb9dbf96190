"""Publishing to Redis: a whole publication becomes current, or nothing changes.

A publisher holds a lock that expires, and writes to keys of its own. One transaction gives them their names,
makes them current, and lets the previous publication expire; it fails if the lock was lost.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import numpy as np
import redis
from redis.backoff import NoBackoff
from redis.exceptions import LockError, OutOfMemoryError, RedisError
from redis.lock import Lock
from redis.retry import Retry

from ripple.models import Bundle
from ripple.serving.errors import StoreUnavailable
from ripple.serving.publications import experiments, history, influence, plays
from ripple.serving.publications.experiments import Experiments
from ripple.serving.publications.history import History
from ripple.serving.publications.influence import Influence
from ripple.serving.publications.plays import Plays, packed_index
from ripple.serving.publications.publication import MANIFEST
from ripple.serving.publications.redis_layout import (
    CURRENT,
    RENEW,
    RETENTION_SECONDS,
    Meta,
    checksum,
    packed_ranking,
    ranking_size,
    with_checksum,
)
from ripple.serving.publications.snapshot import Snapshot
from ripple.serving.publications.stores import WAIT_SECONDS, no_room
from ripple.serving.score_explanations import Explainer

LOCK = "ripple:publishing"
"""The key of the lock that a publisher holds."""
UNFINISHED = "ripple:unfinished:"
"""The beginning of the keys that a publisher writes before they are those of a publication."""
PUBLISHER_TIMEOUT_SECONDS = 20.0
"""The time after which Redis counts as not answering a publisher, whose commands are large."""
CONNECT_SECONDS = 5.0
"""The time after which a publisher cannot reach Redis."""
LOCK_SECONDS = 60.0
"""The time after which another publisher may go on, if this one neither writes nor ends."""
CHUNK_ROWS = 1000
"""The number of customers that are written in one command."""


def validate_room(url: str) -> None:
    """Check that the Redis at *url* has room for a publication of the size of the current one.

    Raises:
        StoreUnavailable: it has not, or it cannot be written.
    """
    with _client(url) as client:
        client.set(f"{UNFINISHED}probe", b"", ex=1)
        name: Any = client.get(CURRENT)
        if name is None:
            return
        memory: Any = client.info("memory")
        keys = client.scan_iter(f"ripple:{name.decode()}:*")
        needed = sum(client.memory_usage(key) or 0 for key in keys)
        free = memory.get("maxmemory", 0) - memory["used_memory"]
        if memory.get("maxmemory", 0) > 0 and free < needed:
            raise StoreUnavailable(no_room("Redis", free, needed))


def publish(url: str, publication: Path, name: str) -> None:
    """Keep the folder *publication* in the Redis at *url* under *name* and make it current, or do nothing.

    Raises:
        StoreUnavailable: Redis did not take it, or another publisher is at work.
    """
    with _client(url) as client, _exclusive(client) as lock:
        # nobody else publishes now, so whoever left these was stopped
        client.unlink("", *client.scan_iter(f"{UNFINISHED}*"))
        if keys := list(client.scan_iter(f"ripple:{name}:*")):
            client.register_script(RENEW)(keys, [RETENTION_SECONDS])
        written = None
        prefix = f"ripple:{name}"
        if not (_is_complete(client, prefix) and _are_unchanged(client, prefix)):
            written = f"{UNFINISHED}{uuid4().hex}"
            _write(client, publication, written, lock)
        _make_current(client, name, written, lock)


@contextmanager
def _client(url: str) -> Iterator[redis.Redis]:
    """A client to publish with, whose errors are raised as those of the store."""
    try:
        with redis.Redis.from_url(
            url,
            socket_timeout=PUBLISHER_TIMEOUT_SECONDS,
            socket_connect_timeout=CONNECT_SECONDS,
            # a list would have twice what is sent twice
            retry=Retry(NoBackoff(), 0),
        ) as client:
            yield client
    except OutOfMemoryError as error:
        raise StoreUnavailable(
            "Redis is full (maxmemory). It needs room for two publications, and for a third one while "
            "workers refuse the current one."
        ) from error
    except RedisError as error:
        raise StoreUnavailable(f"Redis did not take it ({type(error).__name__}: {error}).") from error


@contextmanager
def _exclusive(client: redis.Redis) -> Iterator[Lock]:
    """The lock of publishers; what this one leaves unfinished is removed."""
    lock = client.lock(LOCK, LOCK_SECONDS, blocking_timeout=WAIT_SECONDS)
    if not lock.acquire():
        raise StoreUnavailable(f"another publisher has been at work for {WAIT_SECONDS / 60:.0f} minutes.")
    try:
        yield lock
    finally:
        # what cannot be removed now expires
        with suppress(RedisError):
            if lock.owned():
                client.unlink("", *client.scan_iter(f"{UNFINISHED}*"))
                lock.release()


def _is_complete(client: redis.Redis, prefix: str) -> bool:
    """Whether all customers of the publication under *prefix* are there."""
    packed: Any = client.hget(f"{prefix}:files", "meta")
    if packed is None:
        return False
    try:
        meta = msgspec.json.decode(packed, type=Meta)
    except ValueError:
        return False
    with client.pipeline() as sizes:
        sizes.hlen(f"{prefix}:customers")
        for segment in ("", *meta.segments):
            sizes.llen(f"{prefix}:rank:{segment}")
        sizes.hlen(f"{prefix}:influence")
        sizes.hlen(f"{prefix}:arms")
        sizes.hlen(f"{prefix}:plays")
        for place in range(len(meta.past)):
            sizes.strlen(f"{prefix}:past:{place}")
        expected = [meta.size, meta.size, *meta.segments.values(), meta.influence, meta.arms, meta.plays]
        return sizes.execute() == expected + [ranking_size(meta.size)] * len(meta.past)


def _make_current(client: redis.Redis, name: str, written: str | None, lock: Lock) -> None:
    """Make publication *name* current, unless the *lock* was lost.

    Args:
        written: The prefix of the keys that become those of the publication; None if it has them.
    """
    if written is not None and not _is_complete(client, written):
        raise LockError("what was written is not all there")
    with client.pipeline() as transaction:
        transaction.watch(LOCK)
        if not lock.owned():
            raise LockError("another publisher took over, as this one did not write for a while")
        prefix = f"ripple:{name}:"
        keys = [key.decode() for key in client.scan_iter("ripple:v*:*")]
        own = [key for key in keys if key.startswith(prefix)]
        superseded = [key for key in keys if not key.startswith(prefix) and client.ttl(key) == -1]
        new = [] if written is None else [key.decode() for key in client.scan_iter(f"{written}:*")]
        transaction.multi()
        if new:
            transaction.unlink(*own, "")
            own = [prefix + key.removeprefix(f"{written}:") for key in new]
            for key, final in zip(new, own, strict=True):
                transaction.rename(key, final)
        for key in own:
            transaction.persist(key)
        transaction.set(CURRENT, name)
        for key in superseded:
            transaction.expire(key, RETENTION_SECONDS)
        transaction.execute()


def _write(client: redis.Redis, publication: Path, prefix: str, lock: Lock) -> None:
    """Write the *publication* to keys that begin with *prefix*, and expire unless it becomes current."""
    snapshot = Snapshot.load(publication / "snapshot.arrow", Explainer(Bundle.load(publication / "bundle")))
    version = json.loads((publication / MANIFEST).read_text(encoding="utf-8"))["version"]
    files: dict[Any, Any] = {
        file.name: file.read_bytes() for file in sorted((publication / "bundle").iterdir()) if file.is_file()
    }
    sizes = {segment: len(rows) for segment, rows in snapshot.segments.items()}
    meta = Meta(version, snapshot.as_of, snapshot.size, sizes)
    credited = Influence.load(file) if (file := publication / influence.FILE).is_file() else None
    tested = Experiments.load(file) if (file := publication / experiments.FILE).is_file() else None
    checksums = np.empty(snapshot.size, np.uint32)
    with client.pipeline() as batch:

        def write(key: str) -> None:
            lock.reacquire()
            batch.expire(key, RETENTION_SECONDS)
            batch.execute()

        for rows in _chunks(range(snapshot.size)):
            batch.hset(f"{prefix}:customers", mapping=dict(_packed(snapshot, rows, checksums)))
            write(f"{prefix}:customers")
        for segment, members in {"": np.arange(snapshot.size), **snapshot.segments}.items():
            for rows in _chunks(members.tolist()):
                batch.rpush(f"{prefix}:rank:{segment}", *(snapshot.ids[row] for row in rows))
                write(f"{prefix}:rank:{segment}")

        def write_texts(key: str, texts: Influence | Experiments) -> int:
            """The number of customers for whom there are any."""
            written = 0
            for rows in _chunks(range(snapshot.size)):
                fields: dict[Any, Any] = dict(_texts(snapshot, texts, rows))
                if fields:
                    written += len(fields)
                    batch.hset(key, mapping=fields)
                    write(key)
            return written

        if credited is not None:
            meta.window = credited.window
            meta.influence = write_texts(f"{prefix}:influence", credited)
        if tested is not None:
            meta.arms = write_texts(f"{prefix}:arms", tested)
            files[experiments.FILE] = with_checksum(experiments.FILE.encode(), tested.described)
        if (file := publication / plays.FILE).is_file():
            listed = Plays.load(file)
            files["plays"], meta.plays = packed_index(file), len(listed.index.ids)
            for rows in _chunks(range(meta.plays)):
                batch.hset(f"{prefix}:plays", mapping=dict(_plays(listed, rows)))
                write(f"{prefix}:plays")
        if (file := publication / history.FILE).is_file():
            earlier = History(file)
            meta.past = earlier.past
            for place, ranking in enumerate(zip(earlier.values, earlier.ranks, strict=True)):
                batch.set(f"{prefix}:past:{place}", packed_ranking(place, *ranking))
                write(f"{prefix}:past:{place}")
        files |= {
            "falling": snapshot.negated_values.tobytes(),
            "checksums": checksums.tobytes(),
            "meta": msgspec.json.encode(meta),
        }
        batch.hset(f"{prefix}:files", mapping=files)
        write(f"{prefix}:files")


def _packed(snapshot: Snapshot, rows: Sequence[int], checksums: np.ndarray) -> Iterator[tuple[bytes, bytes]]:
    """Id and packed values of customers in consecutive *rows*, whose *checksums* are filled in."""
    chunk = slice(rows[0], rows[-1] + 1)
    contributions = snapshot.contributions[chunk]
    columns = (
        np.arange(rows[0] + 1, rows[-1] + 2, dtype=float),
        snapshot.scores[chunk],
        snapshot.features[chunk],
        contributions.families,
        contributions.features,
        contributions.strongest,
    )
    packed = np.hstack([column.reshape(len(rows), -1) for column in columns])
    for row, values in zip(rows, packed, strict=True):
        field = snapshot.ids[row], values.tobytes()
        checksums[row] = checksum(*field)
        yield field


def _texts(
    snapshot: Snapshot, texts: Influence | Experiments, rows: Sequence[int]
) -> Iterator[tuple[bytes, bytes]]:
    """Id and text of the customers in *rows* who have one, with its checksum before it."""
    for row in rows:
        if content := texts.of_row(row):
            yield snapshot.ids[row], with_checksum(snapshot.ids[row], content)


def _plays(listed: Plays, rows: Sequence[int]) -> Iterator[tuple[bytes, bytes]]:
    """Id and play of the customers in *rows* of the list, with its checksum before it."""
    for row, content in zip(rows, listed.of_rows(rows), strict=True):
        yield listed.index.ids[row], with_checksum(listed.index.ids[row], content)


def _are_unchanged(client: redis.Redis, prefix: str) -> bool:
    """Whether the customers under *prefix* are as they were published, if they have checksums."""
    packed: Any = client.hget(f"{prefix}:files", "checksums")
    expected = np.frombuffer(packed or b"", np.uint32)
    for rows in _chunks(range(len(expected))):
        ids: Any = client.lrange(f"{prefix}:rank:", rows[0], rows[-1])
        values: Any = client.hmget(f"{prefix}:customers", ids) if ids else []
        found = [checksum(*field) for field in zip(ids, values, strict=True) if None not in field]
        if found != expected[rows[0] : rows[-1] + 1].tolist():
            return False
    return True


def _chunks(rows: Sequence[int]) -> Iterator[Sequence[int]]:
    return (rows[begin : begin + CHUNK_ROWS] for begin in range(0, len(rows), CHUNK_ROWS))
