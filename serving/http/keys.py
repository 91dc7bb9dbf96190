"""API keys: the name of who holds one, what it opens, and how many requests a second it may send."""

from __future__ import annotations

import hashlib
import hmac
import math
from collections.abc import Sequence
from dataclasses import dataclass

from ripple.serving.errors import RequestError
from ripple.serving.http.rate_limits import RateLimits
from ripple.serving.options import SCOPES

SCOPE_BY_PATH = {"/v1/score": "score", "/v1/export": "export", "/metrics": "metrics"}
"""The scopes of paths; of all others it is read."""


@dataclass(frozen=True)
class Key:
    """A key, without the key itself.

    Attributes:
        digest: Its SHA-256 hash.
        name: Name of who holds it, for the audit log; the beginning of the hash where none is given.
        scopes: What it opens.
        rate: How many requests a second it may send; None for any number.
    """

    digest: bytes
    name: str
    scopes: frozenset[str]
    rate: float | None

    @classmethod
    def parse(cls, entry: str) -> Key:
        """The key of an *entry* of `ripple.serving.options.Options.keys`."""
        digest, name, scopes, rate = (*entry.split(":"), "", "", "")[:4]
        opened = frozenset(scopes.split("+")) if scopes else frozenset(SCOPES)
        return cls(bytes.fromhex(digest), name or digest[:8], opened, float(rate) if rate else None)


class Keys:
    """The keys of a service.

    Args:
        entries: As in `ripple.serving.options.Options.keys`; if there are none, everybody is admitted.
    """

    def __init__(self, entries: Sequence[str]) -> None:
        self.keys = [Key.parse(entry) for entry in entries]
        self._rates = RateLimits([key.rate for key in self.keys])

    def holder(self, authorization: bytes) -> Key | None:
        """The key in the header Authorization; None if there is none, or it is not known."""
        scheme, _, sent = authorization.partition(b" ")
        digest = hashlib.sha256(sent.strip()).digest()
        # all are compared, so that the time reveals nothing about them
        matches = [hmac.compare_digest(digest, key.digest) for key in self.keys]
        if scheme.lower() != b"bearer" or True not in matches:
            return None
        return self.keys[matches.index(True)]

    def admit(self, key: Key | None, path: str, documentation: bool) -> None:
        """Raise a RequestError unless *key* opens *path* now.

        Args:
            documentation: Whether *path* is of the documentation, which every key opens at any rate.
        """
        if key is None:
            raise RequestError(
                401,
                "unauthorized",
                "The API key is missing or not known.",
                "authorization",
                "Send the header authorization: Bearer KEY.",
                www_authenticate="Bearer",
            )
        if documentation:
            return
        scope = SCOPE_BY_PATH.get(path, "read")
        if scope not in key.scopes:
            raise RequestError(
                403,
                "out_of_scope",
                f"Key '{key.name}' opens {', '.join(sorted(key.scopes))}, and not {scope}.",
                "authorization",
                f"Ask for a key with the scope {scope}.",
            )
        if seconds := self._rates.wait(self.keys.index(key)):
            raise RequestError(
                429,
                "rate_limited",
                f"Key '{key.name}' may send {key.rate:g} requests a second.",
                "authorization",
                "Send fewer requests, with more customers each, or try again when retry-after says.",
                retry_after=str(math.ceil(seconds)),
            )
