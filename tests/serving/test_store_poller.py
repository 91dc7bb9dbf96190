from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ripple.serving.errors import StoreUnavailable
from ripple.serving.prometheus import Measures
from ripple.serving.publications.publication import Publication, PublicationError, load_publication
from ripple.serving.scorer import Scorer
from ripple.serving.store_poller import Follower


class Told:
    """A store that has what it is told to have, and counts how often that is read."""

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
def store(published: Path) -> Told:
    return Told(published)


async def _look(store: Told, times: int, follower: Follower) -> int:
    """How often the store was read in that many looks."""
    before = len(store.opened)
    for _ in range(times):
        await follower.look()
    return len(store.opened) - before


def test_what_is_broken_is_read_ever_more_rarely_and_what_comes_after_it_at_once(
    store: Told, run: Any
) -> None:
    used: list[Scorer] = []
    follower = Follower(store, Measures(), used.append, "packed", 1.0)
    store.publish(store.published, "broken")
    store.error = PublicationError("broken")
    assert run(_look(store, 10, follower)) == 4
    assert run(_look(store, 320, follower)) <= 14
    store.error = None
    store.publish(store.published, "good")
    run(follower.look())
    assert [scorer.publication.name for scorer in used] == ["good"]
    run(_look(store, 5, follower))
    assert len(used) == 1


def test_what_was_mended_in_its_place_is_taken(store: Told, run: Any) -> None:
    used: list[Scorer] = []
    follower = Follower(store, Measures(), used.append, "packed", 1.0)
    store.publish(store.published, "broken")
    store.error = PublicationError("broken")
    run(_look(store, 100, follower))
    store.error = None
    run(_look(store, 32, follower))
    assert len(used) == 1


def test_a_store_that_does_not_answer_is_asked_every_time(store: Told, run: Any) -> None:
    follower = Follower(store, Measures(), lambda _: None, "packed", 1.0)
    store.publish(store.published, "away")
    store.error = StoreUnavailable("away")
    assert run(_look(store, 10, follower)) == 10
