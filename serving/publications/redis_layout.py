"""How publications are kept in Redis: what its publishers and its readers share.

Keys begin with ``ripple:``. A publication has a hash of its customers, a hash of everything else, and a
list of ids by rank for everybody and for each segment; a hash of who influenced whom, one of the arms of
running experiments and one of plays, if there are any, and a string for each earlier publication of which it
keeps values and ranks. A customer is one field of packed float64 values, so any number of customers is one
round trip. The checksums of these fields are read with everything else; publications of earlier versions
have none.
"""

from __future__ import annotations

from collections.abc import Iterator
from zlib import crc32

import msgspec
import numpy as np

from ripple.serving.publications.history import Past
from ripple.serving.publications.influence import Window

CURRENT = "ripple:current"
"""The key that holds the name of the current publication."""
RETENTION_SECONDS = 3600
"""The time for which a publication is kept after the last worker that serves it has renewed it."""
CHECKSUM_BYTES = 4
"""The size of a checksum before what it is of."""
RENEW = """
for _, key in ipairs(KEYS) do
    if redis.call('PTTL', key) >= 0 then redis.call('EXPIRE', key, ARGV[1]) end
end
return redis.call('EXISTS', unpack(KEYS)) == #KEYS
"""
"""Lets keys that would expire do so later, and tells whether all exist; the current ones do not expire."""


class Meta(msgspec.Struct):
    """What a publication is, and how many customers it holds, in all and in each segment."""

    version: str
    as_of: str
    size: int
    segments: dict[str, int]
    window: Window | None = None
    influence: int = 0
    """The number of customers for whom there is influence."""
    arms: int = 0
    """The number of customers who take part in running experiments."""
    plays: int = 0
    """The number of customers who get a play."""
    past: tuple[Past, ...] = ()
    """The earlier publications of which values and ranks are kept."""

    @property
    def optional(self) -> list[str]:
        """The hashes that this publication has and another need not have."""
        sizes = {"influence": self.influence, "arms": self.arms, "plays": self.plays}
        return [name for name, size in sizes.items() if size]


def publication_keys(prefix: str, meta: Meta) -> list[str]:
    """The keys of a publication, which begin with *prefix*."""
    parts = ["files", "customers", "rank:", *(f"rank:{segment}" for segment in meta.segments)]
    parts += [*meta.optional, *(f"past:{place}" for place in range(len(meta.past)))]
    return [f"{prefix}:{part}" for part in parts]


def checksum(customer_id: bytes, row: bytes) -> int:
    """The CRC-32 of an id and the packed values under it, so that no customer gets another one's."""
    return crc32(row, crc32(customer_id))


def with_checksum(name: bytes, content: bytes) -> bytes:
    """*content* that is kept under a name, such as an id, after its `checksum`, in `CHECKSUM_BYTES`."""
    return checksum(name, content).to_bytes(CHECKSUM_BYTES) + content


def without_checksum(name: bytes, kept: bytes) -> bytes | None:
    """The content of what `with_checksum` made for that name; None if it was changed, or is another's."""
    content = kept[CHECKSUM_BYTES:]
    return content if kept == with_checksum(name, content) else None


RANKING_ROWS = 256
"""The number of customers of whom values and ranks have a checksum together, so that few are read for one."""
RANKING_BYTES = 12
"""The size of a value (float64) and a rank (int32)."""
CHUNK_BYTES = CHECKSUM_BYTES + RANKING_ROWS * RANKING_BYTES
"""The size of a full chunk of a ranking: its checksum, its values, its ranks."""


def packed_ranking(place: int, values: np.ndarray, ranks: np.ndarray) -> bytes:
    """The values and ranks in the earlier publication *place*, for `read_ranking`."""
    chunks = []
    for begin in range(0, len(values), RANKING_ROWS):
        rows = slice(begin, begin + RANKING_ROWS)
        content = values[rows].astype("<f8").tobytes() + ranks[rows].astype("<i4").tobytes()
        chunks += [_chunk_checksum(place, begin // RANKING_ROWS, content), content]
    return b"".join(chunks)


def ranking_size(customers: int) -> int:
    """The size of a `packed_ranking` of that many *customers*, in bytes."""
    return -(-customers // RANKING_ROWS) * CHECKSUM_BYTES + customers * RANKING_BYTES


def read_ranking(place: int, packed: bytes, first: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """The values and ranks in *packed*, which begins with chunk number *first*.

    Raises:
        ValueError: they are not what was written.
    """
    chunks = list(_chunks(place, packed, first))
    values, ranks = (np.concatenate(parts) for parts in zip(*chunks, strict=True))
    return values, ranks


def _chunks(place: int, packed: bytes, first: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for number, begin in enumerate(range(0, len(packed), CHUNK_BYTES), first):
        content = packed[begin + CHECKSUM_BYTES : begin + CHUNK_BYTES]
        rows, rest = divmod(len(content), RANKING_BYTES)
        expected = packed[begin : begin + CHECKSUM_BYTES]
        if rest or not rows or expected != _chunk_checksum(place, number, content):
            raise ValueError(f"chunk {number} of ranking {place} was changed")
        yield np.frombuffer(content, "<f8", rows), np.frombuffer(content, "<i4", rows, 8 * rows)


def _chunk_checksum(place: int, number: int, content: bytes) -> bytes:
    """The CRC-32 of a chunk and of where it stands, so that none can take the place of another."""
    return crc32(content, crc32(f"{place}:{number}".encode())).to_bytes(CHECKSUM_BYTES)
