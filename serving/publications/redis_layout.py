"""How publications are kept in Redis: what its publishers and its readers share.

Keys begin with ``ripple:``. A publication has a hash of its customers, a hash of everything else, and a
list of ids by rank for everybody and for each segment; a hash of who influenced whom, if anybody did, and
one of the arms of running experiments, if there are any. A
customer is one field of packed float64 values, so any number of customers is one round trip. The checksums
of these fields are read with everything else; publications of earlier versions have none.
"""

from __future__ import annotations

from collections.abc import Iterable
from zlib import crc32

import msgspec

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

    @property
    def optional(self) -> list[str]:
        """The hashes that this publication has and another need not have."""
        return [name for name, size in (("influence", self.influence), ("arms", self.arms)) if size]


def publication_keys(prefix: str, segments: Iterable[str], optional: Iterable[str] = ()) -> list[str]:
    """The keys of a publication, which begin with *prefix*; *optional* is that of `Meta`."""
    parts = ["files", "customers", "rank:", *(f"rank:{segment}" for segment in segments), *optional]
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
