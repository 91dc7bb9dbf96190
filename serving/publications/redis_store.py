"""Publications in Redis, for replicas that share no disk: one hash of customers, one of everything else.

Keys begin with ``ripple:``. A customer is one field, so any number of them is one round trip.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import redis
import redis.asyncio
from redis.exceptions import RedisError

from ripple.models import Bundle
from ripple.models.bundle import SCORES
from ripple.serving.errors import StoreUnavailable
from ripple.serving.publications.publication import (
    MANIFEST,
    Publication,
    PublicationError,
    about,
    agrees,
)
from ripple.serving.publications.snapshot import Found, Snapshot
from ripple.serving.score_explanations import Explainer, Parts

CURRENT = "ripple:current"
SECONDS = 1.0
"""After which Redis counts as not answering."""
KEPT_SECONDS = 3600
"""How long the publication that was current before is kept, for workers that still open it."""
TOGETHER = 1000


class RedisStore:
    """Publications in the Redis at *url*."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.client = redis.asyncio.Redis.from_url(
            url, socket_timeout=SECONDS, socket_connect_timeout=SECONDS
        )

    async def current(self) -> str | None:
        """Name of the current publication; None before the first."""
        name = await _reply(self.client.get(CURRENT))
        return None if name is None else name.decode()

    async def open(self, name: str) -> Publication:
        """The publication of that name, checked."""
        held: dict[bytes, bytes] = await _reply(self.client.hgetall(f"ripple:{name}:files"))
        files = {key.decode(): value for key, value in held.items()}
        try:
            meta = json.loads(files.pop("meta"))
            falling = np.frombuffer(files.pop("falling"))
        except (KeyError, ValueError) as error:
            raise PublicationError(f"Publication {name} in Redis is not whole: {error}.") from error
        with tempfile.TemporaryDirectory() as folder:
            explainer, told = await asyncio.to_thread(_unpacked, files, Path(folder))
        customers = InRedis(self.client, name, meta, falling, explainer)
        best = await customers.top(None, 0, 1)
        if not agrees(explainer.bundle, best.features, best.scores):
            raise PublicationError(
                f"Publication {name} in Redis does not score its first customer as published."
            )
        return Publication(name, meta["version"], explainer, customers, told)

    def publish(self, publication: Path, name: str) -> None:
        """Keep the publication in that folder under *name* and make it current, all of it or nothing."""
        with redis.Redis.from_url(self.url) as client:
            before = client.get(CURRENT)
            # written last, so that what is there is whole
            if not client.exists(f"ripple:{name}:files"):
                client.unlink("", *_keys(client, name))
                _write(client, publication, name)
            for key in _keys(client, name):
                client.persist(key)
            client.set(CURRENT, name)
            if before is not None and before.decode() != name:
                for key in _keys(client, before.decode()):
                    client.expire(key, KEPT_SECONDS)


class InRedis:
    """Customers of a publication in Redis."""

    def __init__(
        self,
        client: redis.asyncio.Redis,
        name: str,
        meta: dict[str, Any],
        falling: np.ndarray,
        explainer: Explainer,
    ) -> None:
        self.as_of: str = meta["as_of"]
        self.size: int = meta["size"]
        self.segments: dict[str, int] = meta["segments"]
        self.falling = falling
        self._client = client
        self._name = name
        self._families, self._most = len(explainer.families), explainer.most
        widths = [1, len(SCORES), len(explainer.specs), 2 * self._families, 2 * self._most, 2 * self._most]
        self._ends = np.cumsum(widths).tolist()

    async def find(self, ids: Sequence[str]) -> Found:
        """Those of *ids* that are known, in the order asked for."""
        wanted = [one.encode() for one in ids]
        key = f"ripple:{self._name}:customers"
        held = await _reply(self._client.hmget(key, wanted)) if wanted else []
        if None in held:
            await self._refuse_emptied(key)
        return self._found([(one, row) for one, row in zip(ids, held, strict=True) if row is not None])

    async def top(self, segment: str | None, offset: int, limit: int) -> Found:
        """Customers by rank, of everybody or of one segment."""
        key = f"ripple:{self._name}:rank:{segment or ''}"
        ids = await _reply(self._client.lrange(key, offset, offset + limit - 1))
        if not ids:
            await self._refuse_emptied(key)
        return await self.find([one.decode() for one in ids])

    async def _refuse_emptied(self, key: str) -> None:
        # in a Redis that lost what it held nobody is found, which does not mean that nobody is known
        if not await _reply(self._client.exists(key)):
            raise StoreUnavailable(f"Redis no longer holds publication {self._name}: publish again.")

    def _found(self, held: list[tuple[str, bytes]]) -> Found:
        rows = np.frombuffer(b"".join(row for _, row in held))
        if rows.size != len(held) * self._ends[-1]:
            raise StoreUnavailable("it holds customers of another shape.")
        rows = rows.reshape(len(held), self._ends[-1])
        ranks, scores, features, *parts = np.split(rows, self._ends[:-1], axis=1)
        families, places, strongest = (part.reshape(len(held), 2, part.shape[1] // 2) for part in parts)
        return Found(
            [one for one, _ in held],
            features,
            scores,
            Parts(families, places.astype(np.uint16), strongest),
            ranks[:, 0].astype(int).tolist(),
        )


def _write(client: redis.Redis, publication: Path, name: str) -> None:
    snapshot = Snapshot.load(publication / "snapshot.arrow", Explainer(Bundle.load(publication / "bundle")))
    version = json.loads((publication / MANIFEST).read_text(encoding="utf-8"))["version"]
    files: dict[Any, Any] = {
        file.name: file.read_bytes() for file in sorted((publication / "bundle").iterdir()) if file.is_file()
    }
    meta = {
        "version": version,
        "as_of": snapshot.as_of,
        "size": snapshot.size,
        "segments": {segment: len(rows) for segment, rows in snapshot.segments.items()},
    }
    for rows in _parts(range(snapshot.size)):
        client.hset(f"ripple:{name}:customers", mapping=dict(_packed(snapshot, rows)))
    for segment, members in {"": np.arange(snapshot.size), **snapshot.segments}.items():
        for rows in _parts(members.tolist()):
            client.rpush(f"ripple:{name}:rank:{segment}", *(snapshot.ids[row] for row in rows))
    client.hset(
        f"ripple:{name}:files",
        mapping=files | {"falling": snapshot.falling.tobytes(), "meta": json.dumps(meta).encode()},
    )


def _packed(snapshot: Snapshot, rows: Sequence[int]) -> Iterator[tuple[bytes, bytes]]:
    part = slice(rows[0], rows[-1] + 1)
    ranks = np.arange(rows[0] + 1, rows[-1] + 2, dtype=float)[:, None]
    made_of = (snapshot.parts.families, snapshot.parts.places, snapshot.parts.strongest)
    wide = (values[part].reshape(len(rows), -1) for values in (snapshot.scores, snapshot.features, *made_of))
    packed = np.hstack([ranks, *wide])
    for row, values in zip(rows, packed, strict=True):
        yield snapshot.ids[row], values.tobytes()


def _unpacked(files: dict[str, bytes], folder: Path) -> tuple[Explainer, dict[str, Any]]:
    for name, content in files.items():
        (folder / Path(name).name).write_bytes(content)
    return Explainer(Bundle.load(folder)), about(folder)


def _parts(rows: Sequence[int]) -> Iterator[Sequence[int]]:
    return (rows[begin : begin + TOGETHER] for begin in range(0, len(rows), TOGETHER))


def _keys(client: redis.Redis, name: str) -> list[bytes]:
    return list(client.scan_iter(f"ripple:{name}:*"))


async def _reply(asked: Any) -> Any:
    """The reply to a command; of which type follows from the command, which the client's types do not say."""
    try:
        return await asked
    except (RedisError, OSError) as error:
        raise StoreUnavailable(f"Redis does not answer ({type(error).__name__}).") from error
