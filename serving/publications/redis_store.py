"""Publications in Redis, for replicas that share no disk.

Keys begin with ``ripple:``. A publication has a hash of its customers, a hash of everything else, and a list
of ids by rank for everybody and for each segment. A customer is one field of packed float64 values, so any
number of customers is one round trip. The checksums of these fields are read with everything else;
publications of earlier versions have none.

A publisher holds a lock that expires, and writes to keys of its own. One transaction gives them their names,
makes them current, and lets the publication before expire; it fails if the lock was lost. Workers that serve
another publication than the current one renew its keys, so it expires after the last of them.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4
from zlib import crc32

import msgspec
import numpy as np
import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.exceptions import LockError, OutOfMemoryError, RedisError, ResponseError
from redis.lock import Lock
from redis.retry import Retry

from ripple.models import Bundle
from ripple.serving.errors import StoreUnavailable
from ripple.serving.publications.publication import (
    MANIFEST,
    Publication,
    PublicationError,
    read_documentation,
    reproduces_scores,
)
from ripple.serving.publications.snapshot import Lookup, Snapshot
from ripple.serving.publications.stores import WAIT_SECONDS, no_room
from ripple.serving.score_explanations import Contributions, Explainer

CURRENT = "ripple:current"
"""The key that holds the name of the current publication."""
LOCK = "ripple:publishing"
"""The key of the lock that a publisher holds."""
UNFINISHED = "ripple:unfinished:"
"""The beginning of the keys that a publisher writes before they are those of a publication."""
TIMEOUT_SECONDS = 1.0
"""The time after which Redis counts as not answering a worker."""
BREAK_SECONDS = 1.0
"""The time for which a worker does not ask Redis after it did not answer."""
PUBLISHER_TIMEOUT_SECONDS = 20.0
"""The time after which Redis counts as not answering a publisher, whose commands are large."""
CONNECT_SECONDS = 5.0
"""The time after which a publisher cannot reach Redis."""
LOCK_SECONDS = 60.0
"""The time after which another publisher may go on, if this one neither writes nor ends."""
RETENTION_SECONDS = 3600
"""The time for which a publication is kept after the last worker that serves it has renewed it."""
CHUNK_ROWS = 1000
"""The number of customers that are written in one command."""
RENEW = """
for _, key in ipairs(KEYS) do
    if redis.call('PTTL', key) >= 0 then redis.call('EXPIRE', key, ARGV[1]) end
end
return redis.call('EXISTS', unpack(KEYS)) == #KEYS
"""
"""Lets keys that would expire do so later, and tells whether all exist; the current ones do not expire."""


class _Client(redis.asyncio.Redis):
    """A client that does not wait for a Redis which has just not answered.

    After a command that took too long the others fail at once, until one that is tried a moment later is
    answered. A circuit breaker: else each request would wait, and a worker be full of those that do.
    """

    _broken_until: float | None = None

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """The reply to a command.

        Raises:
            RedisError: Redis does not answer, did not a moment ago, or refuses the command.
        """
        if self._broken_until is not None:
            now = time.monotonic()
            if now < self._broken_until:
                raise redis.exceptions.TimeoutError("It did not answer a moment ago")
            # this command is the one that tries
            self._broken_until = now + TIMEOUT_SECONDS
        try:
            reply = await super().execute_command(*args, **options)
        except redis.exceptions.TimeoutError:
            self._broken_until = time.monotonic() + BREAK_SECONDS
            raise
        self._broken_until = None
        return reply


class _Meta(msgspec.Struct):
    """What a publication is, and how many customers it holds, in all and in each segment."""

    version: str
    as_of: str
    size: int
    segments: dict[str, int]


class RedisStore:
    """Publications in the Redis at *url*."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.client: redis.asyncio.Redis = _Client.from_url(
            url,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            # a connection may have been closed since it was last used; who waited in vain does not wait again
            retry=AsyncRetry(NoBackoff(), 1, supported_errors=(redis.exceptions.ConnectionError,)),
        )

    async def current(self) -> str | None:
        """Name of the current publication; None before the first."""
        name = await _reply(self.client.get(CURRENT))
        return None if name is None else name.decode()

    async def open(self, name: str) -> Publication:
        """The publication of that name, validated."""
        fields: dict[bytes, bytes] = await _reply(self.client.hgetall(f"ripple:{name}:files"))
        files = {key.decode(): value for key, value in fields.items()}
        try:
            meta = msgspec.json.decode(files.pop("meta"), type=_Meta)
            negated_values = np.frombuffer(files.pop("falling"))
            checksums = np.frombuffer(files.pop("checksums"), np.uint32) if "checksums" in files else None
        except (KeyError, ValueError) as error:
            raise PublicationError(f"Publication {name} in Redis is not whole: {error}.") from error
        if {meta.size} != {len(values) for values in (negated_values, checksums) if values is not None}:
            raise PublicationError(f"Publication {name} in Redis is not whole: its parts differ in size.")
        with tempfile.TemporaryDirectory() as folder:
            explainer, documentation = await asyncio.to_thread(_read_bundle, files, Path(folder))
        customers = RedisCustomers(self.client, name, meta, negated_values, checksums, explainer)
        if not await customers.renew():
            raise _lost(name)
        first = await customers.top(None, 0, 1)
        if not reproduces_scores(explainer.bundle, first.features, first.scores):
            raise PublicationError(
                f"Publication {name} in Redis does not score its first customer as published."
            )
        return Publication(name, meta.version, explainer, customers, documentation)

    def validate_room(self) -> None:
        """Check that there is room for a publication of the size of the current one."""
        with _published(self.url) as client:
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

    def publish(self, publication: Path, name: str) -> None:
        """Keep the publication in that folder under *name* and make it current, all of it or nothing."""
        with _published(self.url) as client, _exclusive(client) as lock:
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


class RedisCustomers:
    """Customers of a publication in Redis; implements `ripple.serving.publications.publication.Customers`."""

    def __init__(
        self,
        client: redis.asyncio.Redis,
        name: str,
        meta: _Meta,
        negated_values: np.ndarray,
        checksums: np.ndarray | None,
        explainer: Explainer,
    ) -> None:
        self.as_of, self.size, self.segments = meta.as_of, meta.size, meta.segments
        self.negated_values = negated_values
        self._checksums = checksums
        self._client = client
        self._name = name
        self._renew = client.register_script(RENEW)
        families, reasons = len(explainer.families), explainer.max_reasons
        self._features = len(explainer.specs)
        widths = [
            1,
            len(explainer.bundle.score_names),
            self._features,
            2 * families,
            2 * reasons,
            2 * reasons,
        ]
        self._column_ends = np.cumsum(widths).tolist()

    async def find(self, ids: Sequence[str]) -> Lookup:
        """Look up *ids*; unknown ones are left out."""
        key = f"ripple:{self._name}:customers"
        fields = [customer_id.encode() for customer_id in ids]
        values = await _reply(self._client.hmget(key, fields)) if fields else []
        if None in values:
            await self._validate_exists(key)
        known = [(name, value) for name, value in zip(ids, values, strict=True) if value is not None]
        return self._lookup([name for name, _ in known], [value for _, value in known])

    async def top(self, segment: str | None, offset: int, limit: int) -> Lookup:
        """Customers by rank, of everybody or of one segment."""
        key = f"ripple:{self._name}:rank:{segment or ''}"
        ids = await _reply(self._client.lrange(key, offset, offset + limit - 1))
        if not ids:
            await self._validate_exists(key)
        return await self.find([customer_id.decode() for customer_id in ids])

    async def renew(self) -> bool:
        """Keep them from being removed for another while; False if Redis no longer holds them."""
        keys = _keys(f"ripple:{self._name}", self.segments)
        try:
            return bool(await _reply(self._renew(keys, [RETENTION_SECONDS])))
        except StoreUnavailable as error:
            if not isinstance(error.__cause__, ResponseError):
                raise
            # this user, or this replica of a Redis, may only read
            return bool(await _reply(self._client.exists(*keys)) == len(keys))

    async def _validate_exists(self, key: str) -> None:
        # a Redis that was emptied finds nobody, which does not mean that the customer is unknown
        if not await _reply(self._client.exists(key)):
            raise _lost(self._name)

    def _lookup(self, ids: list[str], packed: list[bytes]) -> Lookup:
        width = self._column_ends[-1]
        if {len(row) for row in packed} - {8 * width}:
            raise StoreUnavailable("it holds customers of another shape: publish again.")
        rows = np.frombuffer(b"".join(packed)).reshape(len(ids), width)
        ranks, scores, features, *by_head = np.split(rows, self._column_ends[:-1], axis=1)
        families, indices, strongest = (
            values.reshape(len(ids), 2, values.shape[1] // 2) for values in by_head
        )
        if not self._are_unchanged(ids, packed, ranks[:, 0], scores, indices):
            raise StoreUnavailable("it holds customers who are not as they were published: publish again.")
        contributions = Contributions(families, indices.astype(np.uint16), strongest)
        return Lookup(ids, features, scores, contributions, ranks[:, 0].astype(int).tolist())

    def _are_unchanged(
        self, ids: list[str], packed: list[bytes], ranks: np.ndarray, scores: np.ndarray, indices: np.ndarray
    ) -> bool:
        """Whether rows are as they were published, or at least possible where they have no checksum."""
        if not ((ranks >= 1) & (ranks <= self.size) & (ranks == np.floor(ranks))).all():
            return False
        if self._checksums is not None:
            expected = self._checksums[ranks.astype(int) - 1].tolist()
            return expected == [_checksum(name.encode(), row) for name, row in zip(ids, packed, strict=True)]
        values = -self.negated_values[ranks.astype(int) - 1]
        possible = (indices >= 0) & (indices < self._features)
        return bool(np.isfinite(scores).all() and (scores[:, 0] == values).all() and possible.all())


@contextmanager
def _published(url: str) -> Iterator[redis.Redis]:
    """A client to publish with, whose errors are told as those of the store."""
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
    meta = json.loads(packed)
    _, customers, *rankings = _keys(prefix, meta["segments"])
    with client.pipeline() as sizes:
        sizes.hlen(customers)
        for ranking in rankings:
            sizes.llen(ranking)
        return sizes.execute() == [meta["size"], meta["size"], *meta["segments"].values()]


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
    meta = _Meta(version, snapshot.as_of, snapshot.size, sizes)
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
        checksums[row] = _checksum(*field)
        yield field


def _checksum(customer_id: bytes, row: bytes) -> int:
    """The CRC-32 of an id and the packed values under it, so that no customer gets another one's."""
    return crc32(row, crc32(customer_id))


def _are_unchanged(client: redis.Redis, prefix: str) -> bool:
    """Whether the customers under *prefix* are as they were published, if they have checksums."""
    packed: Any = client.hget(f"{prefix}:files", "checksums")
    expected = np.frombuffer(packed or b"", np.uint32)
    for rows in _chunks(range(len(expected))):
        ids: Any = client.lrange(f"{prefix}:rank:", rows[0], rows[-1])
        values: Any = client.hmget(f"{prefix}:customers", ids) if ids else []
        found = [_checksum(*field) for field in zip(ids, values, strict=True) if None not in field]
        if found != expected[rows[0] : rows[-1] + 1].tolist():
            return False
    return True


def _lost(name: str) -> StoreUnavailable:
    return StoreUnavailable(f"Redis no longer holds publication {name}: publish again.")


def _read_bundle(files: dict[str, bytes], folder: Path) -> tuple[Explainer, dict[str, Any]]:
    for name, content in files.items():
        (folder / Path(name).name).write_bytes(content)
    return Explainer(Bundle.load(folder)), read_documentation(folder)


def _chunks(rows: Sequence[int]) -> Iterator[Sequence[int]]:
    return (rows[begin : begin + CHUNK_ROWS] for begin in range(0, len(rows), CHUNK_ROWS))


def _keys(prefix: str, segments: Iterable[str]) -> list[str]:
    """The keys of a publication, which begin with *prefix*."""
    parts = ("files", "customers", "rank:", *(f"rank:{segment}" for segment in segments))
    return [f"{prefix}:{part}" for part in parts]


async def _reply(command: Any) -> Any:
    """The reply to a command. Its type depends on the command, which the client's types do not say.

    Raises:
        StoreUnavailable: Redis does not answer.
    """
    try:
        return await command
    except (RedisError, OSError) as error:
        raise StoreUnavailable(f"Redis does not answer ({type(error).__name__}).") from error
