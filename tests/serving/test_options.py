from __future__ import annotations

import os

import pytest

from ripple.serving.options import PREFIX, Options

HASH, OTHER = "0" * 63 + "a", "f" * 64


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)


def _load(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Options:
    for name, value in variables.items():
        monkeypatch.setenv(PREFIX + name.upper(), value)
    return Options.load()


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (" ", ()),
        (f"{HASH} {OTHER}", (HASH, OTHER)),
        (f"{HASH}, {OTHER}\n", (HASH, OTHER)),
        (f"{HASH}:crm:read+export:50 {OTHER}:::0.5", (f"{HASH}:crm:read+export:50", f"{OTHER}:::0.5")),
    ],
)
def test_keys_are_separated_by_spaces_or_commas(
    keys: str, expected: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _load(monkeypatch, keys=keys).keys == expected


def test_origins_are_those_of_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    origins = "https://app.example, http://localhost:8080"
    assert _load(monkeypatch, origins=origins).origins == ("https://app.example", "http://localhost:8080")
    assert _load(monkeypatch, origins="*").origins == ("*",)


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"keys": f"{HASH} pepper"}, r"^RIPPLE_SERVE_KEYS: String should match"),
        ({"keys": f"{HASH}:a b"}, r"^RIPPLE_SERVE_KEYS: String should match"),
        ({"keys": f"{HASH}:crm:write"}, r"^RIPPLE_SERVE_KEYS: String should match"),
        ({"keys": f"{HASH}:crm:read+"}, r"^RIPPLE_SERVE_KEYS: String should match"),
        ({"keys": f"{HASH}:crm:read:0"}, r"^RIPPLE_SERVE_KEYS: String should match"),
        ({"keys": f"{HASH}:crm:read:-1"}, r"^RIPPLE_SERVE_KEYS: String should match"),
        ({"workers": "0"}, r"^RIPPLE_SERVE_WORKERS: Input should be greater than or equal to 1\.$"),
        ({"poll_seconds": "0"}, r"^RIPPLE_SERVE_POLL_SECONDS: Input should be greater than 0\.$"),
        ({"most_at_once": "0"}, r"^RIPPLE_SERVE_MOST_AT_ONCE: "),
        ({"origins": "https://app.example/"}, r"^RIPPLE_SERVE_ORIGINS: String should match"),
        ({"origins": "app.example"}, r"^RIPPLE_SERVE_ORIGINS: String should match"),
        ({"open": "perhaps"}, r"^RIPPLE_SERVE_OPEN: Input should be a valid boolean"),
        ({"host": "localhost"}, r"^RIPPLE_SERVE_HOST: value is not a valid IPv4 or IPv6 address\.$"),
        ({"log": "/tmp/log"}, r"a log needs log_salt"),
        ({"key": HASH}, r"^Unknown variable RIPPLE_SERVE_KEY; did you mean 'RIPPLE_SERVE_KEYS'\?$"),
    ],
)
def test_an_invalid_option_is_an_error_without_secrets(
    variables: dict[str, str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match=message) as refused:
        _load(monkeypatch, **variables)
    assert "pepper" not in str(refused.value)


def test_the_salt_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    options = _load(monkeypatch, log="/tmp/log", log_salt="pepper")
    assert "pepper" not in repr(options)
    assert options.log_salt is not None
    assert options.log_salt.get_secret_value() == "pepper"


@pytest.mark.parametrize(
    ("variables", "exposed"),
    [
        ({}, True),
        ({"host": "0.0.0.0"}, True),
        ({"host": "127.0.0.1"}, False),
        ({"host": "::1"}, False),
        ({"host": "0.0.0.0", "keys": HASH}, False),
        ({"host": "0.0.0.0", "open": "1"}, False),
        ({"keys": ""}, True),
    ],
)
def test_a_service_without_keys_is_exposed_beyond_loopback(
    variables: dict[str, str], exposed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _load(monkeypatch, **variables).exposed() is exposed
