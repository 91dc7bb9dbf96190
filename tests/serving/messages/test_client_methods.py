from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from ripple.serving.messages.client_methods import AsyncListMethods, ListMethods

EXPECTED = {
    "plays": ("/v1/plays", {"limit": 5, "offset": 10, "play": "rescue", "owner": "mia"}),
    "plays of all": ("/v1/plays", {"limit": 100, "offset": 0}),
    "customer_plays": ("/v1/customers/a%2Fb%20%C3%BC/plays", {}),
    "history": ("/v1/customers/a%2Fb%20%C3%BC/history", {}),
    "changes": ("/v1/changes", {"limit": 100, "offset": 0, "since": "v1-a", "min_change": 0.0}),
}
CALLS: dict[str, tuple[Any, ...]] = {
    "plays": ("rescue", "mia", 5, 10),
    "plays of all": (),
    "customer_plays": ("a/b ü",),
    "history": ("a/b ü",),
    "changes": ("v1-a", 0.0),
}


class _Recorder(ListMethods):
    def _get(self, model: Any, path: str, params: Mapping[str, Any]) -> Any:
        return path, dict(params)


class _AsyncRecorder(AsyncListMethods):
    async def _get(self, model: Any, path: str, params: Mapping[str, Any]) -> Any:
        return path, dict(params)


@pytest.mark.parametrize("name", EXPECTED)
def test_both_clients_ask_the_same(name: str) -> None:
    method = name.split(" ")[0]
    sync = getattr(_Recorder(), method)(*CALLS[name])
    assert sync == EXPECTED[name]
    assert asyncio.run(getattr(_AsyncRecorder(), method)(*CALLS[name])) == sync
