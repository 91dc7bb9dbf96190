"""The options of the service, read from ``RIPPLE_SERVE_*`` environment variables."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import (
    BeforeValidator,
    Field,
    IPvAnyAddress,
    SecretStr,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from ripple.environment import own_variables
from ripple.suggestions import nearest

PREFIX = "RIPPLE_SERVE_"


def _split(value: object) -> object:
    return tuple(re.findall(r"[^,\s]+", value)) if isinstance(value, str) else value


SCOPES = ("score", "read", "export", "metrics")
"""What a key may open."""
_SCOPE = "|".join(SCOPES)
_RATE = r"[1-9][0-9]*(\.[0-9]+)?|0?\.0*[1-9][0-9]*"
KeyEntry = Annotated[
    str,
    Field(
        pattern=rf"^[0-9a-f]{{64}}(:[A-Za-z0-9_.-]{{0,40}}(:(({_SCOPE})(\+({_SCOPE}))*)?(:({_RATE})?)?)?)?$"
    ),
]
_KEY_ENTRY: TypeAdapter[str] = TypeAdapter(KeyEntry)
Origin = Annotated[str, Field(pattern=r"^(\*|https?://[^/\s]+)$")]


class Options(BaseSettings):
    """The options of a running service."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", env_prefix=PREFIX)

    store: str | None = Field(
        None, description="where publications come from: a folder or redis://…; none: only what is packed"
    )
    poll_seconds: float = Field(1.0, gt=0, description="how often the store is asked for a newer publication")
    keys: Annotated[tuple[KeyEntry, ...], NoDecode, BeforeValidator(_split)] = Field(
        (),
        description="API keys that are let in, by spaces or commas: each HASH, or HASH:NAME:SCOPES:RATE; "
        "see ripple key",
    )
    open: bool = Field(False, description="answer anybody on the network without a key")
    public_docs: bool = Field(False, description="show the page and document of the API without a key")
    origins: Annotated[tuple[Origin, ...], NoDecode, BeforeValidator(_split)] = Field(
        (),
        description="origins whose pages may call from a browser, by spaces or commas; * for all",
    )
    access_log: bool = Field(False, description="log a line for every request, without ids of customers")
    traces: Annotated[str, Field(pattern=r"^https?://[^/\s]+/\S*$")] | None = Field(
        None, description="URL to which spans of requests are sent by OTLP; needs the extra `traces`"
    )
    host: IPvAnyAddress | None = Field(None, description="IP address the server listens on, if it is known")
    workers: int = Field(1, ge=1, description="processes that answer")
    most_at_once: int = Field(
        128, ge=1, description="requests of one worker at once; further ones get 503 and Retry-After"
    )
    keep_alive_seconds: int = Field(
        75, ge=1, description="how long a connection may be idle: longer than the proxy in front keeps it"
    )
    drain_seconds: float = Field(
        0.0,
        ge=0,
        le=25,
        description="from SIGTERM to the end: answers go on, `/readyz` is 503, connections are closed",
    )
    audit: Path | None = Field(None, description="folder to keep who asked what kind of thing when, by day")
    log: Path | None = Field(None, description="folder to keep every score given in, as Parquet by day")
    log_salt: SecretStr | None = Field(None, description="with which ids in the log are hashed")

    @model_validator(mode="after")
    def _validate_salt(self) -> Options:
        if self.log is not None and self.log_salt is None:
            raise ValueError("a log needs log_salt, a secret with which ids are hashed")
        return self

    @classmethod
    def load(cls) -> Options:
        """Read the environment variables.

        Raises:
            ValueError: one is unknown or has an invalid value.
        """
        known = {PREFIX + name.upper() for name in cls.model_fields}
        for variable in own_variables(PREFIX):
            if variable not in known:
                raise ValueError(f"Unknown variable {variable}{nearest(variable, known)}")
        try:
            return cls()
        except ValidationError as error:
            problem = error.errors()[0]
            name = PREFIX + str(problem["loc"][0]).upper() if problem["loc"] else PREFIX + "…"
            raise ValueError(f"{name}: {problem['msg'].removeprefix('Value error, ')}.") from None

    @staticmethod
    def validate_key(entry: str) -> None:
        """Raise a ValueError unless *entry* can be one of `keys`."""
        try:
            _KEY_ENTRY.validate_python(entry)
        except ValidationError as error:
            raise ValueError(f"{error.errors()[0]['msg']}.") from None

    def exposed(self) -> bool:
        """Whether the service would answer anybody on the network without a key, though `open` is not set."""
        if self.keys or self.open:
            return False
        return self.host is None or not self.host.is_loopback
