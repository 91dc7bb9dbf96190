from __future__ import annotations

import hashlib

import pytest

from ripple.serving.errors import RequestError
from ripple.serving.http.app import METHODS
from ripple.serving.http.keys import Key, Keys
from ripple.serving.options import SCOPES

SECRET = "secret"
HASH = hashlib.sha256(SECRET.encode()).hexdigest()
OTHER = "f" * 64


@pytest.mark.parametrize(
    ("entry", "name", "scopes", "rate"),
    [
        (HASH, HASH[:8], set(SCOPES), None),
        (f"{HASH}:crm", "crm", set(SCOPES), None),
        (f"{HASH}:crm:read", "crm", {"read"}, None),
        (f"{HASH}:crm:read+export:2.5", "crm", {"read", "export"}, 2.5),
        (f"{HASH}:::50", HASH[:8], set(SCOPES), 50.0),
    ],
)
def test_an_entry_has_a_name_scopes_and_a_rate(
    entry: str, name: str, scopes: set[str], rate: float | None
) -> None:
    assert Key.parse(entry) == Key(bytes.fromhex(HASH), name, frozenset(scopes), rate)


@pytest.mark.parametrize(
    ("header", "known"),
    [
        (f"Bearer {SECRET}", True),
        (f"bearer  {SECRET} ", True),
        (SECRET, False),
        (f"Basic {SECRET}", False),
        (f"Bearer {SECRET}x", False),
        ("Bearer ", False),
        ("", False),
    ],
)
def test_a_key_is_known_by_its_hash(header: str, known: bool) -> None:
    found = Keys([OTHER, f"{HASH}:crm"]).holder(header.encode())
    assert (found.name if found else None) == ("crm" if known else None)


def _refusal(keys: Keys, key: Key, path: str) -> tuple[int, str] | None:
    try:
        keys.admit(key, path, documentation=False)
    except RequestError as error:
        return error.status, error.code
    return None


@pytest.mark.parametrize("scope", SCOPES)
def test_a_scope_opens_its_paths_and_no_others(scope: str) -> None:
    keys = Keys([f"{HASH}:crm:{scope}"])
    (key,) = keys.keys
    paths = {*METHODS, "/v1/customers/c1", "/metrics"}
    opened = {path for path in paths if _refusal(keys, key, path) is None}
    refusals = {_refusal(keys, key, path) for path in paths - opened}
    assert refusals == {(403, "out_of_scope")}
    alone = {"score": "/v1/score", "export": "/v1/export", "metrics": "/metrics"}
    if scope == "read":
        assert opened == {*METHODS, "/v1/customers/c1"} - set(alone.values())
    else:
        assert opened == {alone[scope]}


def test_a_key_sends_as_many_requests_as_it_may_and_reads_documentation_at_any_rate() -> None:
    keys = Keys([f"{OTHER}:other", f"{HASH}:crm::2"])
    other, key = keys.keys
    for _ in range(2):
        keys.admit(key, "/v1/model", documentation=False)
    with pytest.raises(RequestError) as error:
        keys.admit(key, "/v1/model", documentation=False)
    assert (error.value.status, error.value.code) == (429, "rate_limited")
    assert (b"retry-after", b"1") in error.value.headers
    keys.admit(key, "/v1/docs", documentation=True)
    for _ in range(50):
        keys.admit(other, "/v1/model", documentation=False)


def test_what_is_out_of_scope_does_not_count() -> None:
    keys = Keys([f"{HASH}:crm:read:1"])
    for _ in range(3):
        with pytest.raises(RequestError, match="and not export"):
            keys.admit(keys.keys[0], "/v1/export", documentation=False)
    keys.admit(keys.keys[0], "/v1/model", documentation=False)
