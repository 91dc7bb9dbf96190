"""Whatever publishers and workers do in whatever order, what a worker serves can be looked up."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import redis
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from ripple.serving.prometheus import ServiceMetrics
from ripple.serving.publications import redis_publishing
from ripple.serving.publications.publication import (
    Publication,
    PublicationError,
    is_complete,
    load_publication,
)
from ripple.serving.publications.redis_layout import RETENTION_SECONDS
from ripple.serving.publications.redis_publishing import LOCK_SECONDS
from ripple.serving.publications.redis_store import RedisStore
from ripple.serving.publications.stores import FolderStore, Store
from ripple.serving.store_poller import RENEWAL_SECONDS, StorePoller
from tests.support.servers.stepped_threads import SteppedThread, stepped_writes

CUSTOMER = "c0007"
VERSIONS = (2, 3, 4)
PASS_TIME = """
for _, key in ipairs(redis.call('KEYS', '*')) do
    local left = redis.call('PTTL', key)
    if left >= 0 then redis.call('PEXPIRE', key, left - ARGV[1] * 1000) end
end
"""
"""Lets seconds pass in a Redis: what would expire in them does."""
Run = Callable[[Coroutine[Any, Any, Any]], Any]


@dataclass
class LaggingStore:
    """A store as a slow worker sees it: the name of the current publication may be an earlier one.

    Attributes:
        refused: Publications that do not score here as they do where they were made.
    """

    store: Store
    refused: set[str] = field(default_factory=set)
    name: str | None = None

    async def current(self) -> str | None:
        return self.name

    async def open(self, name: str) -> Publication:
        publication = await self.store.open(name)
        if name in self.refused:
            raise PublicationError(f"{name} does not score its first customer as published.")
        return publication

    def publish(self, publication: Path, name: str) -> None:
        raise NotImplementedError


class Place:
    """A store that is a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store: Store = FolderStore(folder)

    async def close(self) -> None:
        """Close what is open."""

    def pass_time(self, seconds: float) -> None:
        """Nothing in a folder expires."""

    def is_complete(self, name: str) -> bool:
        return is_complete(self.folder / "publications" / name)

    def publications(self) -> set[str]:
        return {path.name for path in (self.folder / "publications").iterdir()}

    def unfinished(self) -> list[str]:
        return [path.name for path in self.folder.rglob(".*") if path.name != ".lock"]


class RedisPlace(Place):
    """A store in the Redis of *client*, whose time is the test's."""

    def __init__(self, client: redis.Redis, url: str) -> None:
        self.client, self.store = client, RedisStore(url)
        client.flushall()

    async def close(self) -> None:
        await self.store.client.aclose()

    def pass_time(self, seconds: float) -> None:
        self.client.eval(PASS_TIME, 0, seconds)

    def is_complete(self, name: str) -> bool:
        """Whether all keys are there, and none of them expires."""
        meta = self.client.hget(f"ripple:{name}:files", "meta")
        segments = json.loads(meta or b'{"segments": {}}')["segments"]
        parts = ["customers", "files", "rank:", *(f"rank:{segment}" for segment in segments)]
        return all(self.client.ttl(f"ripple:{name}:{part}") == -1 for part in parts)

    def publications(self) -> set[str]:
        return {key.decode().split(":")[1] for key in self.client.keys("ripple:v*:*")}

    def unfinished(self) -> list[str]:
        known = (b"ripple:v", b"ripple:current")
        return [key.decode() for key in self.client.keys("*") if not key.startswith(known)]


class Publishing(RuleBasedStateMachine):
    """Two publishers and three workers on one store.

    A publisher stops before each of its writes, may be killed there, or so slow that its lock expires. A
    worker polls at least every `RENEWAL_SECONDS`, by a name that may no longer be the current one, and may
    refuse what others take.
    """

    def __init__(
        self,
        place: Place,
        packed: Publication,
        publications: dict[str, Path],
        values: dict[str, float],
        run: Run,
    ) -> None:
        super().__init__()
        self.place, self.packed, self.run = place, packed, run
        self.publications, self.values = publications, values
        self.publishers: dict[int, SteppedThread] = {}
        self.workers = [self._start(set()) for _ in range(3)]

    def _start(self, refused: set[str]) -> tuple[LaggingStore, StorePoller]:
        store = LaggingStore(self.place.store, refused)
        return store, StorePoller(store, ServiceMetrics(), lambda _: None, self.packed, 1.0)

    @initialize(refused=st.tuples(st.sampled_from(VERSIONS[1:]), st.sampled_from(VERSIONS[1:])))
    def begin(self, refused: tuple[int, int]) -> None:
        """All workers serve the first publication; two of them will each refuse one of the others."""
        name, source = self._named(VERSIONS[0])
        self.place.store.publish(source, name)
        for which, (store, poller) in enumerate(self.workers):
            store.refused |= {self._named(version)[0] for version in refused[:which]}
            store.name = name
            self.run(poller.poll())
            assert poller.served.name == name

    def _named(self, version: int) -> tuple[str, Path]:
        return next(item for item in self.publications.items() if item[0].startswith(f"v{version}-"))

    @rule(
        which=st.integers(0, 1),
        version=st.sampled_from(VERSIONS),
        writes=st.sampled_from([100, 100, 30, 20, 10, 5, 3, 2, 1]),
    )
    def publish(self, which: int, version: int, writes: int) -> None:
        """A publisher goes on with what it does, or begins to publish this version."""
        if which not in self.publishers:
            name, source = self._named(version)
            self.publishers[which] = SteppedThread(lambda: self.place.store.publish(source, name))
        publisher = self.publishers[which]
        for _ in range(writes):
            publisher.advance()
            if publisher.is_finished:
                del self.publishers[which]
                return

    @rule(which=st.integers(0, 1))
    def kill(self, which: int) -> None:
        """End a publisher where it is."""
        if which in self.publishers:
            self.publishers.pop(which).kill()

    @rule(which=st.integers(0, 2), late=st.booleans())
    def poll(self, which: int, late: bool) -> None:
        """A worker asks which publication is current, and opens it now, or the next time."""
        store, poller = self.workers[which]
        if not late:
            store.name = self.run(self.place.store.current())
        self.run(poller.poll())
        if late:
            store.name = self.run(self.place.store.current())

    @rule(which=st.integers(0, 2))
    def restart(self, which: int) -> None:
        """A worker that ended serves what is packed, until it polls."""
        self.workers[which] = self._start(self.workers[which][0].refused)

    @rule(seconds=st.sampled_from([LOCK_SECONDS + 1, 2 * RETENTION_SECONDS]))
    def pass_time(self, seconds: float) -> None:
        """Time passes, in which every worker polls often enough."""
        while seconds > 0:
            self.place.pass_time(min(seconds, RENEWAL_SECONDS))
            for _, poller in self.workers:
                self.run(poller.poll())
            seconds -= RENEWAL_SECONDS

    @invariant()
    def what_is_served_can_be_looked_up(self) -> None:
        for _, poller in self.workers:
            assert self.run(_value(poller.served)) == self.values[poller.served.name]
            assert not poller.is_lost
            assert poller.served.name in self.place.publications() | {self.packed.name}

    @invariant()
    def what_is_current_is_complete(self) -> None:
        current = self.run(self.place.store.current())
        assert self.place.is_complete(current)

    def teardown(self) -> None:
        for publisher in self.publishers.values():
            publisher.kill()
        self.pass_time(LOCK_SECONDS)
        # whatever happened before, one can publish, and nothing else is left behind
        name, source = next(iter(self.publications.items()))
        self.place.store.publish(source, name)
        for store, poller in self.workers:
            store.name = name
            self.run(poller.poll())
            assert (poller.served.name == name) == (name not in store.refused)
        self.pass_time(2 * RETENTION_SECONDS)
        served = {poller.served.name for _, poller in self.workers} - {self.packed.name}
        assert served | {name} <= self.place.publications()
        if isinstance(self.place, RedisPlace):
            assert served | {name} == self.place.publications()
        assert self.place.unfinished() == []
        self.run(self.place.close())


async def _value(publication: Publication) -> float:
    """The network value of one customer."""
    return float((await publication.customers.find([CUSTOMER])).scores[0, 0])


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Place]]:
    """Makes an empty store."""
    if request.param == "folder":
        numbers = iter(range(10**6))
        yield lambda: Place(tmp_path / str(next(numbers)))
        return
    url = request.getfixturevalue("redis_url")
    with redis.Redis.from_url(url) as client:
        yield lambda: RedisPlace(client, url)


@pytest.mark.parametrize("place", ["folder", "redis"], indirect=True)
def test_what_is_served_can_be_looked_up_in_any_schedule(
    place: Callable[[], Place], publication: Callable[..., Path], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_publishing, "CHUNK_ROWS", 8)
    paths = [publication(version, small=True) for version in (1, *VERSIONS)]
    opened = {path.name: load_publication(path, path.name) for path in paths}
    values = {name: run(_value(publication)) for name, publication in opened.items()}
    packed, *publications = paths
    with stepped_writes():
        run_state_machine_as_test(
            lambda: Publishing(
                place(), opened[packed.name], {path.name: path for path in publications}, values, run
            ),
            settings=settings(max_examples=12, stateful_step_count=60, derandomize=True),
        )
