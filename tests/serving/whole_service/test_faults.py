"""What goes wrong around the real service: it goes on, or says so, and recovers by itself."""

from __future__ import annotations

import resource
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pandas as pd
import psutil
import pyarrow.parquet as pq
import pytest
import redis

from ripple.models import Bundle
from ripple.serving.client import Client
from ripple.serving.publications.redis_store import RedisStore
from ripple.serving.publications.stores import FolderStore
from ripple.serving.schemas import CustomerScore, ErrorResponse, ModelResponse, ScoreResponse
from tests.support.servers.redis_server import redis_server
from tests.support.servers.scoring_server import ScoringServer, eventually

IDS = ["c0001", "c0123", "c0399"]
Serve = Callable[..., ScoringServer]
Make = Callable[..., Path]


@contextmanager
def _asking(ask: Callable[[], object], threads: int = 4) -> Iterator[None]:
    """Ask continuously meanwhile, in several threads; an error in one of them is raised at the end."""
    stop = Event()

    def ask_until_stopped() -> int:
        times = 0
        while not stop.is_set():
            ask()
            times += 1
        return times

    with ThreadPoolExecutor(threads) as pool:
        asking = [pool.submit(ask_until_stopped) for _ in range(threads)]
        try:
            yield
        finally:
            stop.set()
    assert all(future.result() > 0 for future in asking)


def _version(server: ScoringServer) -> str:
    return ModelResponse.model_validate_json(server.http.get("/v1/model").content).model_version


def _score(server: ScoringServer, **request: Any) -> httpx.Response:
    return server.http.post("/v1/score", json=request)


def _values(publication: Path, features: pd.DataFrame) -> dict[str, float]:
    """The network values that a publication's model predicts for its customers."""
    scored = Bundle.load(publication / "bundle").score(features)
    return {f"c{row:04d}": value for row, value in enumerate(scored["network_value"])}


def _assert_explained(customer: CustomerScore) -> None:
    assert customer.explanation is not None
    explanation = customer.explanation.value
    assert explanation.base + sum(explanation.families.values()) == pytest.approx(
        customer.network_value, rel=1e-9
    )


@dataclass(frozen=True)
class Followed:
    """A server that follows the folder *store*, whose pointer led nowhere when it started."""

    server: ScoringServer
    store: FolderStore
    version_at_start: str
    refused_at_start: float

    def serve(self, publication: Path) -> None:
        """Publish, and wait until it is served."""
        self.store.publish(publication, publication.name)
        eventually(lambda: _version(self.server) == publication.name[1:].partition("-")[0])

    def refused(self) -> float:
        return self.server.metric("ripple_publications_total", outcome="refused")


@pytest.fixture(scope="module")
def followed(serve: Serve, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Followed]:
    folder = tmp_path_factory.mktemp("store")
    (folder / "current").write_text("v9-0123456789ab\n", encoding="utf-8")
    with serve(store=folder, poll_seconds=0.05) as server:
        refused = server.metric("ripple_publications_total", outcome="refused")
        yield Followed(server, FolderStore(folder), _version(server), refused)


def test_the_packed_model_is_served_if_the_store_is_broken_at_start(followed: Followed) -> None:
    assert followed.version_at_start == "1"
    assert followed.refused_at_start == 1


def test_no_request_is_lost_while_publications_change_and_an_answer_is_of_one_version(
    followed: Followed, publication: Make, features: pd.DataFrame
) -> None:
    values = {version: _values(publication(int(version)), features) for version in "23"}
    followed.serve(publication(2))
    versions = set()

    def ask() -> None:
        response = _score(followed.server, customer_ids=IDS, explain=2)
        answer = ScoreResponse.model_validate_json(response.raise_for_status().content)
        for customer in answer.customers:
            assert customer.network_value == values[answer.model_version][str(customer.customer_id)]
            _assert_explained(customer)
        versions.add(answer.model_version)

    with _asking(ask):
        for version in (3, 2, 3, 2):
            followed.serve(publication(version))
    assert versions == {"2", "3"}


def _flip(store: Path, copy: Path) -> None:
    snapshot = copy / "snapshot.arrow"
    content = bytearray(snapshot.read_bytes())
    content[len(content) // 2] ^= 1
    snapshot.write_bytes(content)
    FolderStore(store).publish(copy, "v4-flipped")


def _lead_nowhere(store: Path, copy: Path) -> None:
    _lead(store, b"v4-nothing")


def _garble(store: Path, copy: Path) -> None:
    _lead(store, b"\xff\x00\xfe")


def _lead(store: Path, pointer: bytes) -> None:
    """Write the pointer at once: a server that looks in between would refuse an empty one as well."""
    (store / "next").write_bytes(pointer)
    (store / "next").replace(store / "current")


@pytest.mark.parametrize("spoil", [_flip, _lead_nowhere, _garble])
def test_a_broken_publication_is_logged_once_and_does_not_block_the_next(
    spoil: Callable[[Path, Path], None],
    followed: Followed,
    publication: Make,
    features: pd.DataFrame,
    tmp_path: Path,
) -> None:
    followed.serve(publication(2))
    expected = _values(publication(2), features)
    refused, logged = followed.refused(), followed.server.printed().count("is not taken")
    spoil(followed.store.folder, shutil.copytree(publication(4), tmp_path / "copy"))
    eventually(lambda: followed.server.printed().count("is not taken") > logged)
    until = time.monotonic() + 0.5  # ten looks, of which four try again
    while time.monotonic() < until:
        answer = ScoreResponse.model_validate_json(_score(followed.server, customer_ids=IDS).content)
        assert {customer.customer_id: customer.network_value for customer in answer.customers} == {
            customer_id: expected[customer_id] for customer_id in IDS
        }
    assert followed.refused() == refused + 1
    assert followed.server.printed().count("is not taken") == logged + 1
    followed.serve(publication(3))


def test_publishing_again_repairs_a_damaged_publication(followed: Followed, publication: Make) -> None:
    followed.serve(publication(2))
    followed.serve(publication(3))
    (followed.store.folder / "publications" / publication(2).name / "bundle/value.txt").write_text("")
    followed.serve(publication(2))


def test_a_snapshot_of_the_future_is_served_and_has_age_zero(
    followed: Followed, publication: Make, features: pd.DataFrame
) -> None:
    ahead = publication(5, datetime(2099, 1, 1))
    followed.serve(ahead)
    answer = ScoreResponse.model_validate_json(_score(followed.server, customer_ids=IDS).content)
    assert answer.as_of == "2099-01-01T00:00:00Z"
    expected = _values(ahead, features)
    assert [customer.network_value for customer in answer.customers] == [
        expected[customer_id] for customer_id in IDS
    ]
    assert followed.server.metric("ripple_snapshot_age_seconds") == 0
    assert followed.server.metric("ripple_snapshot_timestamp_seconds", model_version="5") > time.time()


def test_a_worker_that_crashes_on_a_truncated_file_restarts_with_the_packed_model(
    followed: Followed, publication: Make
) -> None:
    followed.serve(publication(2))
    snapshot = followed.store.folder / "publications" / publication(2).name / "snapshot.arrow"
    with snapshot.open("r+b") as file:
        file.truncate(64)

    def packed_is_served() -> bool:
        try:
            return _score(followed.server, customer_ids=IDS).json()["model_version"] == "1"
        except httpx.TransportError:
            return False

    eventually(packed_is_served)
    followed.serve(publication(3))


def test_without_redis_only_features_are_scored_until_it_is_back(
    serve: Serve, publication: Make, features: pd.DataFrame, tmp_path: Path
) -> None:
    expected = _values(publication(2), features)
    whole = {name: None if pd.isna(value) else value for name, value in features.iloc[7].items()}
    with redis_server(tmp_path) as store:
        publish = RedisStore(store.url).publish
        publish(publication(2), publication(2).name)
        store.stop()
        with serve(store=store.url, poll_seconds=0.05) as server:
            assert _version(server) == "1"
            store.start()
            eventually(lambda: _version(server) == "2")

            def answers() -> bool:
                response = _score(server, customer_ids=IDS)
                if response.status_code == 503:
                    return False
                customers = ScoreResponse.model_validate_json(response.raise_for_status().content).customers
                assert [customer.network_value for customer in customers] == [
                    expected[customer_id] for customer_id in IDS
                ]
                return True

            assert answers()
            refused = server.metric("ripple_publications_total", outcome="refused")
            store.stop()
            eventually(lambda: server.metric("ripple_publications_total", outcome="refused") == refused + 1)
            for sent in (
                {"customer_ids": IDS},
                {"customers": [{"customer_id": "c0001", "features": {"reach_30d": 1.5}}]},
            ):
                response = _score(server, **sent)
                assert response.status_code == 503
                assert response.headers["retry-after"] == "1"
                assert ErrorResponse.model_validate_json(response.content).error.code == "store_unavailable"
                assert response.elapsed.total_seconds() < 4
            sent = _score(server, customers=[{"features": whole}])
            assert sent.json()["customers"][0]["network_value"] == expected["c0007"]
            assert server.http.get("/readyz").status_code == 200
            store.start()
            eventually(answers)

            with redis.Redis.from_url(store.url) as emptied:
                emptied.flushall()
            assert _score(server, customer_ids=IDS).status_code == 503
            assert server.http.get("/v1/top").status_code == 503
            eventually(lambda: server.http.get("/readyz").status_code == 503)
            publish(publication(2), publication(2).name)
            assert answers()
            eventually(lambda: server.http.get("/readyz").status_code == 200)
            _swap_on_a_full_disk(server, lambda: publish(publication(3), publication(3).name))
            eventually(lambda: _version(server) == "3")


def _swap_on_a_full_disk(server: ScoringServer, publish: Callable[[], None]) -> None:
    (worker,) = server.workers()
    refused = server.metric("ripple_publications_total", outcome="refused")
    with _full_disk(worker):
        publish()
        eventually(lambda: server.metric("ripple_publications_total", outcome="refused") == refused + 1)
        assert _score(server, customer_ids=IDS).json()["model_version"] == "2"


@contextmanager
def _full_disk(worker: psutil.Process) -> Iterator[None]:
    """Meanwhile the disk is full for every byte that *worker* writes to a file."""
    before = worker.rlimit(resource.RLIMIT_FSIZE)
    worker.rlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        worker.rlimit(resource.RLIMIT_FSIZE, before)


def test_with_a_full_disk_answers_go_on_and_the_log_is_written_later(serve: Serve, tmp_path: Path) -> None:
    many = {"customer_ids": [f"c{row:04d}" for row in range(400)] * 2}
    with serve(log=tmp_path / "log", log_salt="secret") as server:
        (worker,) = server.workers()
        with _full_disk(worker):
            for _ in range(40):
                assert _score(server, **many).status_code == 200
            eventually(lambda: "log of predictions cannot be written" in server.printed())
            assert _score(server, **many).status_code == 200
        assert server.metric("ripple_unlogged_rows_total") == 0
    rows = sum(pq.read_metadata(file).num_rows for file in (tmp_path / "log").rglob("*.parquet"))
    assert rows == 41 * 800
    assert list((tmp_path / "log").rglob("*.part")) == []


def test_a_worker_killed_under_load_is_replaced_and_clients_see_no_error(serve: Serve) -> None:
    with serve(workers=2) as server, Client(server.url) as client:
        eventually(lambda: server.printed().count("Service ripple initialized") == 2)
        before = {worker.pid for worker in server.workers()}
        with _asking(lambda: client.score(IDS)):
            server.workers()[0].kill()
            eventually(lambda: len({worker.pid for worker in server.workers()} - before) == 1)
            eventually(lambda: server.printed().count("Service ripple initialized") == 3)
