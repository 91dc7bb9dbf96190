"""What every section of ripple.toml has in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A part of the settings: frozen, and refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")
