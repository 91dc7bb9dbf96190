"""How long work tells where it is."""

from __future__ import annotations

from collections.abc import Callable

Say = Callable[[str], None]
"""Takes one line about what is being done now."""


def silent(line: str) -> None:
    """Say nothing."""
