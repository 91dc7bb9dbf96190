"""Publications in Redis, for replicas that share no disk.

Keys begin with ``ripple:``. A publication has a hash of its customers, a hash of everything else, and a list
of ids by rank for everybody and for each segment. A customer is one field of packed float64 values, so any
number of customers is one round trip. The checksums of these fields are read with everything else;
publications of earlier versions have none.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from zlib import crc32

import msgspec
import numpy as np
import redis
import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

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
from ripple.serving.score_explanations import Contributions, Explainer

CURRENT = "ripple:current"
"""The key that holds the name of the current publication."""
TIMEOUT_SECONDS = 1.0
"""The time after which Redis counts as not answering."""
BREAK_SECONDS = 1.0
"""The time for which Redis is not asked after it did not answer."""
RETENTION_SECONDS = 3600
"""The time for which the previous publication is kept, for workers that are still opening it."""
CHUNK_ROWS = 1000
"""The number of customers that are written in one command."""


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
            retry=Retry(NoBackoff(), 1, supported_errors=(redis.exceptions.ConnectionError,)),
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
        first = await customers.top(None, 0, 1)
        if not reproduces_scores(explainer.bundle, first.features, first.scores):
            raise PublicationError(
                f"Publication {name} in Redis does not score its first customer as published."
            )
        return Publication(name, meta.version, explainer, customers, documentation)

    def publish(self, publication: Path, name: str) -> None:
        """Keep the publication in that folder under *name* and make it current, all of it or nothing."""
        with redis.Redis.from_url(self.url) as client:
            previous = client.get(CURRENT)
            # `_write` writes this key last: if it exists, all of the publication does
            if not client.exists(f"ripple:{name}:files") or not _are_unchanged(client, f"ripple:{name}"):
                client.unlink("", *_keys(client, name))
                _write(client, publication, name)
            for key in _keys(client, name):
                client.persist(key)
            client.set(CURRENT, name)
            if previous is not None and previous.decode() != name:
                for key in _keys(client, previous.decode()):
                    client.expire(key, RETENTION_SECONDS)


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

    async def _validate_exists(self, key: str) -> None:
        # a Redis that was emptied finds nobody, which does not mean that the customer is unknown
        if not await _reply(self._client.exists(key)):
            raise StoreUnavailable(f"Redis no longer holds publication {self._name}: publish again.")

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


def _write(client: redis.Redis, publication: Path, name: str) -> None:
    snapshot = Snapshot.load(publication / "snapshot.arrow", Explainer(Bundle.load(publication / "bundle")))
    version = json.loads((publication / MANIFEST).read_text(encoding="utf-8"))["version"]
    files: dict[Any, Any] = {
        file.name: file.read_bytes() for file in sorted((publication / "bundle").iterdir()) if file.is_file()
    }
    sizes = {segment: len(rows) for segment, rows in snapshot.segments.items()}
    meta = _Meta(version, snapshot.as_of, snapshot.size, sizes)
    checksums = np.empty(snapshot.size, np.uint32)
    for rows in _chunks(range(snapshot.size)):
        client.hset(f"ripple:{name}:customers", mapping=dict(_packed(snapshot, rows, checksums)))
    for segment, members in {"": np.arange(snapshot.size), **snapshot.segments}.items():
        for rows in _chunks(members.tolist()):
            client.rpush(f"ripple:{name}:rank:{segment}", *(snapshot.ids[row] for row in rows))
    client.hset(
        f"ripple:{name}:files",
        mapping=files
        | {
            "falling": snapshot.negated_values.tobytes(),
            "checksums": checksums.tobytes(),
            "meta": msgspec.json.encode(meta),
        },
    )


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


def _read_bundle(files: dict[str, bytes], folder: Path) -> tuple[Explainer, dict[str, Any]]:
    for name, content in files.items():
        (folder / Path(name).name).write_bytes(content)
    return Explainer(Bundle.load(folder)), read_documentation(folder)


def _chunks(rows: Sequence[int]) -> Iterator[Sequence[int]]:
    return (rows[begin : begin + CHUNK_ROWS] for begin in range(0, len(rows), CHUNK_ROWS))


def _keys(client: redis.Redis, name: str) -> list[bytes]:
    return list(client.scan_iter(f"ripple:{name}:*"))


async def _reply(command: Any) -> Any:
    """The reply to a command. Its type depends on the command, which the client's types do not say.

    Raises:
        StoreUnavailable: Redis does not answer.
    """
    try:
        return await command
    except (RedisError, OSError) as error:
        raise StoreUnavailable(f"Redis does not answer ({type(error).__name__}).") from error
