"""The methods of both clients for plays, the history of a customer, and changes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import quote

from pydantic import BaseModel

from ripple.serving.messages.lists import (
    ChangesResponse,
    CustomerPlaysResponse,
    HistoryResponse,
    PlaysResponse,
)

Answer = TypeVar("Answer", bound=BaseModel)


class ListMethods(ABC):
    """The methods of `ripple.serving.client.Client`."""

    @abstractmethod
    def _get(self, model: type[Answer], path: str, params: Mapping[str, Any]) -> Answer:
        """The answer of *path* to a GET."""

    def plays(
        self, play: str | None = None, owner: str | None = None, limit: int = 100, offset: int = 0
    ) -> PlaysResponse:
        """The customers with a play, the most valuable of each play first; of one play or one owner.

        Raises:
            Refused, Unavailable
        """
        return self._get(
            PlaysResponse, "/v1/plays", given(page_params(limit, offset), play=play, owner=owner)
        )

    def customer_plays(self, customer_id: str) -> CustomerPlaysResponse:
        """What to do with a customer.

        Raises:
            NotFound, Refused, Unavailable
        """
        return self._get(CustomerPlaysResponse, customer_path(customer_id, "plays"), {})

    def history(self, customer_id: str) -> HistoryResponse:
        """Score and rank of a customer in every publication that is kept, the newest first.

        Raises:
            NotFound, Refused, Unavailable
        """
        return self._get(HistoryResponse, customer_path(customer_id, "history"), {})

    def changes(
        self,
        since: str | None = None,
        min_change: float | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> ChangesResponse:
        """Who entered or left the top, and whose network value changed, since an earlier publication.

        Args:
            since: `publication` of an earlier answer; the publication before that served if left out.
            min_change: Also customers whose network value changed by more than this, in currency.

        Raises:
            Refused: *since* is not kept (`publication_not_kept`): read all customers, and go on from there.
            Unavailable
        """
        params = given(page_params(limit, offset), since=since, min_change=min_change)
        return self._get(ChangesResponse, "/v1/changes", params)


class AsyncListMethods(ABC):
    """The methods of `ripple.serving.client.AsyncClient`."""

    @abstractmethod
    async def _get(self, model: type[Answer], path: str, params: Mapping[str, Any]) -> Answer:
        """The answer of *path* to a GET."""

    async def plays(
        self, play: str | None = None, owner: str | None = None, limit: int = 100, offset: int = 0
    ) -> PlaysResponse:
        """See `ListMethods.plays`."""
        params = given(page_params(limit, offset), play=play, owner=owner)
        return await self._get(PlaysResponse, "/v1/plays", params)

    async def customer_plays(self, customer_id: str) -> CustomerPlaysResponse:
        """See `ListMethods.customer_plays`."""
        return await self._get(CustomerPlaysResponse, customer_path(customer_id, "plays"), {})

    async def history(self, customer_id: str) -> HistoryResponse:
        """See `ListMethods.history`."""
        return await self._get(HistoryResponse, customer_path(customer_id, "history"), {})

    async def changes(
        self,
        since: str | None = None,
        min_change: float | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> ChangesResponse:
        """See `ListMethods.changes`."""
        params = given(page_params(limit, offset), since=since, min_change=min_change)
        return await self._get(ChangesResponse, "/v1/changes", params)


def page_params(limit: int, offset: int) -> dict[str, Any]:
    """The parameters of a page."""
    return {"limit": limit, "offset": offset}


def given(params: dict[str, Any], **optional: Any) -> dict[str, Any]:
    """*params*, and those that are *optional* and were given."""
    return params | {name: value for name, value in optional.items() if value is not None}


def customer_path(customer_id: str, part: str | None = None) -> str:
    """The path of a customer, or of a part of what is known of one."""
    path = f"/v1/customers/{quote(customer_id, safe='')}"
    return path if part is None else f"{path}/{part}"
