"""What every section of ripple.toml has in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

MAX_DAYS = 36_525
"""The longest span of time, a century: beyond, no calendar has the dates that it leads to."""


class Section(BaseModel):
    """A part of the settings: frozen, and refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")
