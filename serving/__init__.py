"""Online scoring: publications and their stores, requests and answers, the BentoML service, its client."""

from __future__ import annotations

from typing import Any

__all__ = ["Client"]


def __getattr__(name: str) -> Any:
    # the service and the command line do without the client
    if name in __all__:
        from serving.client import Client

        return Client
    raise AttributeError(f"module 'serving' has no attribute '{name}'")
