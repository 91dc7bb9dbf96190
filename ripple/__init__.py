"""Ripple finds the customers who make other customers buy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ripple.serving.client import Client

__all__ = ["Client"]


def __getattr__(name: str) -> Any:
    # most of what imports a part of Ripple does without the client
    if name == "Client":
        from ripple.serving.client import Client

        return Client
    raise AttributeError(f"module 'ripple' has no attribute {name!r}")
