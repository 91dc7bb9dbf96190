"""Answers with plays, the history of a customer, and changes, from one publication."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import msgspec
import numpy as np

from ripple.serving.errors import RequestError, not_as_published, shorten
from ripple.serving.lists.export import Tables
from ripple.serving.messages.lists import ChangesRequest, PlaysRequest
from ripple.serving.publications.history import Past
from ripple.serving.publications.plays import PlayIndex
from ripple.serving.publications.publication import Publication
from ripple.serving.publications.snapshot import Lookup

Answer = dict[str, Any]


class ListAnswers:
    """Answers about the customers of a *publication*.

    Args:
        header: What every answer says of the publication.
        top_count: How many of its customers are at the top.
        find: Looks up a customer who has to be known.
    """

    def __init__(
        self,
        publication: Publication,
        header: Answer,
        top_count: int,
        find: Callable[[str], Awaitable[Lookup]],
    ) -> None:
        self._customers, self._explainer = publication.customers, publication.explainer
        self._header = header
        self._find = find
        customers = publication.customers
        self._served = Past(publication.name, publication.version, customers.as_of, customers.size, top_count)

    async def plays(self, request: PlaysRequest) -> Answer:
        """A `PlaysResponse` as plain data.

        Raises:
            RequestError: the publication holds no plays.
            StoreUnavailable: they cannot be looked up now.
        """
        index = self._index()
        rows = await asyncio.to_thread(index.rows, request.play, request.owner)
        page = rows[request.offset : request.offset + request.limit].tolist()
        return (
            self._header
            | {"plays_as_of": utc(index.as_of), "customers": await self._texts(page), "total": len(rows)}
            | request.model_dump()
            | {"plays": index.totals}
        )

    async def customer_plays(self, customer_id: str) -> Answer:
        """A `CustomerPlaysResponse` as plain data.

        Raises:
            RequestError: nobody has this id, or the publication holds no plays.
            StoreUnavailable: customers cannot be looked up now.
        """
        index = self._index()
        await self._find(customer_id)
        row = index.row_of(customer_id)
        plays = await self._texts([] if row is None else [row])
        return self._header | {
            "plays_as_of": utc(index.as_of),
            "customer_id": customer_id,
            "plays": plays,
        }

    async def history(self, customer_id: str) -> Answer:
        """A `HistoryResponse` as plain data.

        Raises:
            RequestError: nobody has this id.
            StoreUnavailable: customers cannot be looked up now.
        """
        lookup = await self._find(customer_id)
        rank = lookup.ranks[0]
        earlier = await self._customers.past_scores(rank)
        scores = [(float(lookup.scores[0, 0]), rank), *earlier]
        publications = (self._served, *self._customers.past)
        history = [
            _named(one)
            | {
                "network_value": value,
                "rank": rank,
                "customers": one.size,
                "top_member": rank <= one.top_count,
            }
            for one, (value, rank) in zip(publications, scores, strict=True)
            if rank
        ]
        return self._header | {"customer_id": customer_id, "history": history}

    async def changes(self, request: ChangesRequest) -> Answer:
        """A `ChangesResponse` as plain data.

        Raises:
            RequestError: the publication to compare with is not kept.
            StoreUnavailable: customers cannot be looked up now.
        """
        before, place = self._earlier(request.since)
        if place is None:
            rows, gone = np.empty(0, np.int64), 0
            values, ranks = np.empty(0), np.empty(0, np.int32)
        else:
            values, ranks = await self._customers.past_ranking(place)
            now = -self._customers.negated_values
            compare = partial(changed, now, values, ranks, before.top_count, self._served.top_count)
            rows, gone = await asyncio.to_thread(compare, request.min_change)
        page = rows[request.offset : request.offset + request.limit].tolist()
        lookup = await self._customers.at_ranks([row + 1 for row in page])
        if lookup.ranks != [row + 1 for row in page]:
            raise not_as_published()
        customers = [
            {
                "customer_id": customer_id,
                "network_value": value,
                "network_value_before": float(values[row]) if ranks[row] else None,
                "rank": row + 1,
                "rank_before": int(ranks[row]) or None,
                "top_member": row < self._served.top_count,
                "top_member_before": bool(0 < ranks[row] <= before.top_count),
            }
            for row, customer_id, value in zip(page, lookup.ids, lookup.scores[:, 0].tolist(), strict=True)
        ]
        return (
            self._header
            | {"publication": self._served.name, "since": _named(before), "customers": customers}
            | {"total": len(rows), "limit": request.limit, "offset": request.offset}
            | {"min_change": request.min_change, "gone": gone}
            | {"kept": [_named(one) for one in self._customers.past]}
        )

    def tables(self, explain: int) -> Tables:
        """All customers as Arrow tables, with *explain* reasons for each score."""
        metadata = {name: str(value) for name, value in self.description().items()}
        top_count, size = self._served.top_count, self._served.size
        return Tables(self._explainer, top_count, size, explain, metadata)

    def description(self) -> Answer:
        """What an export says of the publication, an `ExportSummary` as plain data."""
        return self._header | {"publication": self._served.name, "customers": self._served.size}

    def _index(self) -> PlayIndex:
        if self._customers.plays is None:
            raise RequestError(
                404,
                "plays_not_published",
                "What is served holds scores, and no plays.",
                "service",
                "Publish with `ripple publish` of this version, a model whose run lists plays.",
            )
        return self._customers.plays

    async def _texts(self, rows: list[int]) -> list[msgspec.Raw]:
        return [msgspec.Raw(text) for text in await self._customers.play_texts(rows)]

    def _earlier(self, name: str | None) -> tuple[Past, int | None]:
        """The publication of that name, and its place among the earlier ones; None is the one served."""
        if name == self._served.name:
            return self._served, None
        past = self._customers.past
        for place, one in enumerate(past):
            if name in (None, one.name):
                return one, place
        known = ", ".join(one.name for one in (self._served, *past))
        found = "An earlier publication" if name is None else f"Publication '{shorten(name)}'"
        raise RequestError(
            404,
            "publication_not_kept",
            f"{found} is not kept, and cannot be compared with.",
            "since",
            f"Read all customers, by GET /v1/export or /v1/top; kept are {known}.",
        )


def changed(
    now: np.ndarray,
    values: np.ndarray,
    ranks: np.ndarray,
    top_before: int,
    top_now: int,
    min_change: float | None,
) -> tuple[np.ndarray, int]:
    """The rows of customers who entered or left the top or whose value changed by more than *min_change*.

    Args:
        now: Network values of all customers in order of rank, in currency.
        values, ranks: Those that the same customers had before; nan and 0 where they were not there.
        top_before, top_now: How many customers were and are at the top.

    Returns:
        The rows in order of rank, and how many of those at the top before are no longer there.
    """
    member_before = (ranks > 0) & (ranks <= top_before)
    chosen = member_before != (np.arange(len(now)) < top_now)
    if min_change is not None:
        # nan, of a customer who was not there, is no change
        chosen |= np.abs(now - values) > min_change
    return np.flatnonzero(chosen), top_before - int(np.count_nonzero(member_before))


def _named(one: Past) -> Answer:
    return {"publication": one.name, "model_version": one.version, "as_of": utc(one.as_of)}


def utc(moment: str) -> str:
    """A moment without a zone, as all are inside, as RFC 3339 wants it."""
    return f"{moment}Z"
