"""The store of publications in Redis, for replicas that share no disk.

Workers that serve another publication than the current one renew its keys: it expires after the last of them.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from ripple.models import Bundle
from ripple.serving.errors import StoreUnavailable, not_as_published
from ripple.serving.publications import experiments, redis_publishing
from ripple.serving.publications.plays import PlayIndex, read_index
from ripple.serving.publications.publication import (
    Publication,
    PublicationError,
    read_documentation,
    reproduces_scores,
)
from ripple.serving.publications.redis_layout import (
    CHUNK_BYTES,
    CURRENT,
    RANKING_ROWS,
    RENEW,
    RETENTION_SECONDS,
    Meta,
    checksum,
    publication_keys,
    ranking_size,
    read_ranking,
    without_checksum,
)
from ripple.serving.publications.snapshot import Lookup
from ripple.serving.score_explanations import Contributions, Explainer

TIMEOUT_SECONDS = 1.0
"""The time after which Redis counts as not answering a worker."""
MAX_READ_BYTES = 2**20
"""The size of what is read in one command, so that each is answered in time."""
MAX_READ_ROWS = 1000
"""The number of customers that are read in one command."""
MAX_READ_IDS = 50_000
"""The number of ids that are read in one command."""
BREAK_SECONDS = 1.0
"""The time for which a worker does not ask Redis after it did not answer."""


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
            meta = msgspec.json.decode(files.pop("meta"), type=Meta)
            negated_values = np.frombuffer(files.pop("falling"))
            checksums = np.frombuffer(files.pop("checksums"), np.uint32) if "checksums" in files else None
            tested = _experiments(files.pop(experiments.FILE, None))
            plays = read_index(files.pop("plays")) if "plays" in files else None
        except (KeyError, ValueError) as error:
            raise PublicationError(f"Publication {name} in Redis is not whole: {error}.") from error
        if {meta.size} != {len(values) for values in (negated_values, checksums) if values is not None}:
            raise PublicationError(f"Publication {name} in Redis is not whole: its parts differ in size.")
        with tempfile.TemporaryDirectory() as folder:
            explainer, documentation = await asyncio.to_thread(_read_bundle, files, Path(folder))
        customers = RedisCustomers(
            self.client, name, meta, negated_values, checksums, explainer, tested, plays
        )
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
        redis_publishing.validate_room(self.url)

    def publish(self, publication: Path, name: str) -> None:
        """Keep the publication in that folder under *name* and make it current, all of it or nothing."""
        redis_publishing.publish(self.url, publication, name)

    async def aclose(self) -> None:
        """Close the connections."""
        await self.client.aclose()


class RedisCustomers:
    """Customers of a publication in Redis; implements `ripple.serving.publications.publication.Customers`."""

    def __init__(
        self,
        client: redis.asyncio.Redis,
        name: str,
        meta: Meta,
        negated_values: np.ndarray,
        checksums: np.ndarray | None,
        explainer: Explainer,
        tested: list[Any],
        plays: PlayIndex | None = None,
    ) -> None:
        self.plays, self.past = plays, meta.past
        self._keys = publication_keys(f"ripple:{name}", meta)
        self.as_of, self.size, self.segments = meta.as_of, meta.size, meta.segments
        self.window, self.experiments = meta.window, tested
        self._optional = meta.optional
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

    async def at_ranks(self, ranks: Sequence[int]) -> Lookup:
        """The customers of these ranks."""
        key, commands = f"ripple:{self._name}:rank:", self._client.pipeline(transaction=False)
        for rank in ranks:
            commands.lindex(key, rank - 1)
        ids = await _reply(commands.execute()) if ranks else []
        if None in ids:
            raise _lost(self._name)
        return await self.find([customer_id.decode() for customer_id in ids])

    async def part(self, offset: int, limit: int, explain: bool) -> Lookup:
        """Customers by rank, so many in a command that it is answered in time."""
        begins = range(offset, min(offset + limit, self.size), MAX_READ_ROWS)
        end = offset + limit
        parts = [await self.top(None, begin, min(MAX_READ_ROWS, end - begin)) for begin in begins]
        columns = [
            (
                one.features,
                one.scores,
                one.contributions.families,
                one.contributions.features,
                one.contributions.strongest,
            )
            for one in parts
        ]
        features, scores, *contributions = (np.concatenate(column) for column in zip(*columns, strict=True))
        ids = [customer_id for one in parts for customer_id in one.ids]
        ranks = [rank for one in parts for rank in one.ranks]
        if ranks != list(range(offset + 1, offset + 1 + len(ranks))):
            raise not_as_published()
        return Lookup(ids, features, scores, Contributions(*contributions), ranks)

    async def influence(self, customer_id: str, rank: int) -> bytes | None:
        """What is kept for the customer."""
        return await self._text("influence", customer_id)

    async def arms(self, customer_id: str, rank: int) -> bytes | None:
        """What is kept for the customer."""
        return await self._text("arms", customer_id)

    async def _text(self, name: str, customer_id: str) -> bytes | None:
        """What is kept for the customer in a hash that not every publication has."""
        if name not in self._optional:
            return None
        key = f"ripple:{self._name}:{name}"
        kept: bytes | None = await _reply(self._client.hget(key, customer_id.encode()))
        if kept is None:
            await self._validate_exists(key)
            return None
        return _unchanged(customer_id.encode(), kept)

    async def play_texts(self, rows: Sequence[int]) -> list[bytes]:
        """The plays in *rows*."""
        if self.plays is None or not rows:
            return []
        key, ids = f"ripple:{self._name}:plays", [self.plays.ids[row] for row in rows]
        kept = await _reply(self._client.hmget(key, ids))
        if None in kept:
            await self._validate_exists(key)
            raise not_as_published()
        return [_unchanged(*field) for field in zip(ids, kept, strict=True)]

    async def past_scores(self, rank: int) -> list[tuple[float, int]]:
        """Network value and rank in each earlier publication of the customer of that rank."""
        number, row = divmod(rank - 1, RANKING_ROWS)
        scores = []
        for place in range(len(self.past)):
            begin = number * CHUNK_BYTES
            values, ranks = await self._ranking(place, begin, begin + CHUNK_BYTES, number)
            if row >= len(values):
                raise not_as_published()
            scores.append((float(values[row]), int(ranks[row])))
        return scores

    async def past_ranking(self, place: int) -> tuple[np.ndarray, np.ndarray]:
        """Network values and ranks of all customers in one earlier publication."""
        values, ranks = await self._ranking(place, 0, ranking_size(self.size), 0)
        if len(values) != self.size:
            raise not_as_published()
        return values, ranks

    async def _ranking(self, place: int, begin: int, end: int, first: int) -> tuple[np.ndarray, np.ndarray]:
        """The chunks of an earlier publication from number *first* on, which are bytes *begin* to *end*."""
        key, parts = f"ripple:{self._name}:past:{place}", []
        for start in range(begin, end, MAX_READ_BYTES):
            part = self._client.getrange(key, start, min(start + MAX_READ_BYTES, end) - 1)
            parts.append(await _reply(part))
        packed = b"".join(parts)
        if not packed:
            raise _lost(self._name)
        try:
            if len(packed) <= CHUNK_BYTES:
                return read_ranking(place, packed, first)
            return await asyncio.to_thread(read_ranking, place, packed, first)
        except ValueError as error:
            raise not_as_published() from error

    async def ids(self) -> Sequence[bytes]:
        """The ids of all customers in order of rank."""
        ids: list[bytes] = []
        key = f"ripple:{self._name}:rank:"
        for begin in range(0, self.size, MAX_READ_IDS):
            ids += await _reply(self._client.lrange(key, begin, begin + MAX_READ_IDS - 1))
        if len(ids) != self.size:
            raise _lost(self._name)
        return ids

    async def renew(self) -> bool:
        """Keep them from being removed for another while; False if Redis no longer holds them."""
        try:
            return bool(await _reply(self._renew(self._keys, [RETENTION_SECONDS])))
        except StoreUnavailable as error:
            if not isinstance(error.__cause__, ResponseError):
                raise
            # this user, or this replica of a Redis, may only read
            return bool(await _reply(self._client.exists(*self._keys)) == len(self._keys))

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
            raise not_as_published()
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
            return expected == [checksum(name.encode(), row) for name, row in zip(ids, packed, strict=True)]
        values = -self.negated_values[ranks.astype(int) - 1]
        possible = (indices >= 0) & (indices < self._features)
        return bool(np.isfinite(scores).all() and (scores[:, 0] == values).all() and possible.all())


def _lost(name: str) -> StoreUnavailable:
    return StoreUnavailable(f"Redis no longer holds publication {name}: publish again.")


def _unchanged(customer_id: bytes, kept: bytes) -> bytes:
    """What is *kept* for a customer, without the checksum before it.

    Raises:
        StoreUnavailable: it is not as it was published.
    """
    content = without_checksum(customer_id, kept)
    if content is None:
        raise not_as_published()
    return content


def _experiments(kept: bytes | None) -> list[Any]:
    """The experiments of a publication, if it has any.

    Raises:
        ValueError: they are not as they were published.
    """
    content = None if kept is None else without_checksum(experiments.FILE.encode(), kept)
    if kept is not None and content is None:
        raise ValueError("its experiments are not as they were published")
    return experiments.parse(content)


def _read_bundle(files: dict[str, bytes], folder: Path) -> tuple[Explainer, dict[str, Any]]:
    for name, content in files.items():
        (folder / Path(name).name).write_bytes(content)
    return Explainer(Bundle.load(folder)), read_documentation(folder)


async def _reply(command: Any) -> Any:
    """The reply to a command. Its type depends on the command, which the client's types do not say.

    Raises:
        StoreUnavailable: Redis does not answer.
    """
    try:
        return await command
    except (RedisError, OSError) as error:
        raise StoreUnavailable(f"Redis does not answer ({type(error).__name__}).") from error
