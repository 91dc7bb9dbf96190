from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ripple.serving.errors import StoreUnavailable
from ripple.serving.prometheus import ServiceMetrics
from ripple.serving.publications.publication import Publication, PublicationError, load_publication
from ripple.serving.scorer import Scorer
from ripple.serving.store_poller import StorePoller


class FakeStore:
    """A store with one publication, which records how often it is opened."""

    def __init__(self, published: Path) -> None:
        self.published = published
        self.name: str | None = None
        self.error: Exception | None = None
        self.opened: list[str] = []

    async def current(self) -> str | None:
        return self.name

    async def open(self, name: str) -> Publication:
        self.opened.append(name)
        if self.error is not None:
            raise self.error
        return load_publication(self.published, name)

    def publish(self, publication: Path, name: str) -> None:
        self.name = name


@pytest.fixture
def store(published: Path) -> FakeStore:
    return FakeStore(published)


@pytest.fixture
def packed(published: Path) -> Publication:
    return load_publication(published, "packed")


async def _poll(store: FakeStore, polls: int, poller: StorePoller) -> int:
    """How often the store was read in that many looks."""
    before = len(store.opened)
    for _ in range(polls):
        await poller.poll()
    return len(store.opened) - before


def test_a_broken_publication_is_opened_with_backoff_and_the_next_one_at_once(
    store: FakeStore, packed: Publication, run: Any
) -> None:
    taken: list[Scorer] = []
    poller = StorePoller(store, ServiceMetrics(), taken.append, packed, 1.0)
    store.publish(store.published, "broken")
    store.error = PublicationError("broken")
    assert run(_poll(store, 10, poller)) == 4
    assert run(_poll(store, 320, poller)) <= 14
    store.error = None
    store.publish(store.published, "good")
    run(poller.poll())
    assert [scorer.publication.name for scorer in taken] == ["good"]
    run(_poll(store, 5, poller))
    assert len(taken) == 1


def test_a_publication_repaired_in_place_is_taken(store: FakeStore, packed: Publication, run: Any) -> None:
    taken: list[Scorer] = []
    poller = StorePoller(store, ServiceMetrics(), taken.append, packed, 1.0)
    store.publish(store.published, "broken")
    store.error = PublicationError("broken")
    run(_poll(store, 100, poller))
    store.error = None
    run(_poll(store, 32, poller))
    assert len(taken) == 1


def test_an_unavailable_store_is_polled_every_time(store: FakeStore, packed: Publication, run: Any) -> None:
    poller = StorePoller(store, ServiceMetrics(), lambda _: None, packed, 1.0)
    store.publish(store.published, "away")
    store.error = StoreUnavailable("away")
    assert run(_poll(store, 10, poller)) == 10


class Expiring:
    """Customers that a store holds, or no longer holds."""

    is_held = True

    async def renew(self) -> bool:
        return self.is_held


def test_customers_that_the_store_no_longer_holds_are_lost_until_it_holds_them_again(
    store: FakeStore, packed: Publication, run: Any
) -> None:
    customers: Any = Expiring()
    poller = StorePoller(store, ServiceMetrics(), lambda _: None, replace(packed, customers=customers), 1.0)
    lost = []
    for customers.is_held in (True, False, True, False):
        run(poller.poll())
        lost.append(poller.is_lost)
    assert lost == [False, True, False, True]
    store.publish(store.published, "newer")
    run(poller.poll())
    assert not poller.is_lost


def test_polling_ends_though_the_store_takes_a_cancellation_for_an_error(
    store: FakeStore, packed: Publication, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def current() -> str:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise StoreUnavailable("away") from None
        return "never"

    async def end() -> set[Any]:
        monkeypatch.setattr(store, "current", current)
        polling = asyncio.create_task(StorePoller(store, ServiceMetrics(), lambda _: None, packed, 1.0).run())
        await asyncio.sleep(0.01)
        polling.cancel()
        _, pending = await asyncio.wait([polling], timeout=0.5)
        polling.cancel()
        return pending

    assert run(end()) == set()
