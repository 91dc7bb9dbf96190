"""Ripple finds the customers who make other customers buy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ripple.serving.client import AsyncClient, Client

__all__ = ["AsyncClient", "Client"]


def __getattr__(name: str) -> Any:
    # imported on first use: most of what imports a part of Ripple does without the clients
    if name in __all__:
        from ripple.serving import client

        return getattr(client, name)
    raise AttributeError(f"module 'ripple' has no attribute {name!r}")
