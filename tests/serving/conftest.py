"""A tiny model with its snapshot, packed once and served once for all tests of the folder."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest

from ripple import Client
from ripple.models import Bundle, FeatureSpec, Spec
from ripple.models.batch_scoring import score_population, write_snapshot
from ripple.serving.publications import experiments, plays
from ripple.serving.publications.influence import SOURCE, write_influence
from ripple.serving.publications.publication import load_publication, read_rankings, write_publication
from ripple.serving.publications.redis_store import RedisStore
from ripple.serving.schemas import CustomerResponse, ScoreResponse, TopRequest, TopResponse
from ripple.serving.scorer import Scorer
from ripple.serving.store_poller import warmed_up_scorer
from tests.support.publication_content import PAIRS, PLAYS, TOLD
from tests.support.servers.processes import free_port
from tests.support.servers.redis_server import redis_server
from tests.support.servers.scoring_server import ScoringServer
from tests.support.servers.scripted_server import Blocking, Scripted
from tests.support.value_ranges import with_ranges

LOOP = asyncio.Runner()
"""One event loop for all tests, as connections to Redis belong to the loop that opened them."""
AS_OF = datetime(2026, 6, 30)
FAMILIES = ("engagement", "sophistication", "referent", "direct value")
UNITS = ("days", "share", "flag", "currency")


def _booster(x: np.ndarray, y: np.ndarray, names: list[str], **parameters: object) -> lgb.Booster:
    data = lgb.Dataset(x, y, feature_name=names, free_raw_data=True)
    settings = {"num_leaves": 7, "num_threads": 1, "seed": 1, "deterministic": True, "verbose": -1}
    return lgb.train(settings | parameters, data, num_boost_round=12)


def _first_tree(booster: lgb.Booster) -> lgb.Booster:
    return lgb.Booster(model_str=booster.model_to_string(num_iteration=1))


@pytest.fixture(scope="session")
def names() -> list[str]:
    return [
        f"{word}_{days}d" for word in ("orders", "active_days", "reach", "spend") for days in (30, 90, 180)
    ]


@pytest.fixture(scope="session")
def features(names: list[str]) -> pd.DataFrame:
    random = np.random.default_rng(5)
    x = random.lognormal(1.0, 1.2, (400, len(names)))
    x[random.random(x.shape) < 0.1] = np.nan
    return pd.DataFrame(x, columns=names)


@pytest.fixture(scope="session")
def bundle(features: pd.DataFrame, names: list[str]) -> Bundle:
    x = features.to_numpy()
    value = np.nansum(x[:, :4], axis=1) * np.random.default_rng(6).lognormal(0.0, 0.3, len(x))
    specs = tuple(
        FeatureSpec(name, FAMILIES[i % 4], UNITS[i % 4], f"What {name} means.")
        for i, name in enumerate(names)
    )
    spec = Spec(
        features=specs,
        level=1.07,
        slope=0.9,
        intercept=-0.4,
        interval=None,
        currency="EUR",
        horizon_days=180,
        top_share=0.02,
        trained_until="2025-12-31T00:00:00",
        label="network_value",
    )
    heads = (
        _booster(x, value, names, objective="tweedie"),
        _booster(x, (value > np.quantile(value, 0.9)).astype(float), names, objective="binary"),
    )
    return with_ranges(Bundle(*heads, spec), x, value)


@pytest.fixture(scope="session")
def source(bundle: Bundle, features: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The input of packing: the bundle, and the snapshot as the batch job writes it."""
    return _written(tmp_path_factory.mktemp("source"), bundle, features, AS_OF)


def _written(folder: Path, bundle: Bundle, features: pd.DataFrame, as_of: datetime) -> Path:
    (folder / "bundle").mkdir()
    bundle.save(folder / "bundle")
    (folder / "bundle/model_card.md").write_text("# A model\n", encoding="utf-8")
    (folder / "bundle/measures.json").write_text('{"capture": 0.5, "coverage": null}', encoding="utf-8")
    ids = pd.Index([f"c{row:04d}" for row in range(len(features))], name="customer_id")
    known = features.set_index(ids)
    plan = [("basic", "pro", None)[row % 3] for row in range(len(ids))]
    attributes = pd.DataFrame({"plan": pd.array(plan, dtype="str"), "name": ids}, index=ids)
    scores = score_population(bundle, known)
    write_snapshot(folder / "snapshot.parquet", scores, known, as_of, attributes)
    write_influence(folder / SOURCE, PAIRS, datetime(2026, 1, 1), as_of)
    (folder / plays.SOURCE).write_text(PLAYS, encoding="utf-8")
    experiments.write_experiments(folder / experiments.SOURCE, *TOLD)
    return folder


@pytest.fixture(scope="session")
def publication(
    bundle: Bundle, features: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Path]:
    """Writes publications in folders of their names; the scores differ by version.

    Small ones, of 20 customers and one tree for each score, are read in milliseconds. One *after* another
    takes the values and ranks of that along.
    """

    @cache
    def make(version: int, as_of: datetime = AS_OF, small: bool = False, after: Path | None = None) -> Path:
        folder = tmp_path_factory.mktemp(f"version{version}")
        other = replace(bundle, spec=replace(bundle.spec, level=1.07 + version / 100))
        if small:
            ranges = tuple(map(_first_tree, other.ranges))
            other = replace(other, value=_first_tree(other.value), top=_first_tree(other.top), ranges=ranges)
        source = _written(folder, other, features[:20] if small else features, as_of)
        rankings = None if after is None else LOOP.run(read_rankings(load_publication(after, after.name)))
        (folder / "new").mkdir()
        name = write_publication(folder / "new", source, str(version), rankings)
        return (folder / "new").rename(folder / name)

    return make


@pytest.fixture(scope="session")
def published(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The publication of version 1, in a folder of its name."""
    folder = tmp_path_factory.mktemp("publications")
    (folder / "new").mkdir()
    return (folder / "new").rename(folder / write_publication(folder / "new", source, "1"))


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Redis server."""
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server.url


@pytest.fixture(scope="session", params=["folder", "redis"])
def scorer(request: pytest.FixtureRequest, published: Path) -> Iterator[Scorer]:
    """A scorer with the customers in a memory-mapped file, and one with the customers in Redis."""
    if request.param == "folder":
        yield warmed_up_scorer(load_publication(published, published.name))
        return
    store = RedisStore(request.getfixturevalue("redis_url"))
    store.publish(published, published.name)
    yield warmed_up_scorer(LOOP.run(store.open(published.name)))
    LOOP.run(store.client.aclose())


@pytest.fixture(scope="session", autouse=True)
def _closed_loop() -> Iterator[None]:
    """Closes the event loop after all fixtures that run something in it."""
    yield
    LOOP.close()


async def _at_once(work: Callable[[], Any]) -> Any:
    return work()


class ScorerAnswers:
    """The answers of a scorer, parsed as a client parses them."""

    def __init__(self, scorer: Scorer) -> None:
        self.scorer = scorer

    def score(self, **request: Any) -> ScoreResponse:
        parsed = self.scorer.parser.parse(json.dumps(request).encode())
        return ScoreResponse.model_validate_json(json.dumps(LOOP.run(self.scorer.score(parsed, _at_once))))

    def customer(self, customer_id: str, explain: int = 0) -> CustomerResponse:
        answer = LOOP.run(self.scorer.customer(customer_id, explain))
        return CustomerResponse.model_validate_json(json.dumps(answer))

    def top(self, **request: Any) -> TopResponse:
        answer = LOOP.run(self.scorer.top(TopRequest(**request), _at_once))
        return TopResponse.model_validate_json(json.dumps(answer))


@pytest.fixture
def answers(scorer: Scorer) -> ScorerAnswers:
    return ScorerAnswers(scorer)


class Store:
    """A BentoML store, used from subprocesses as BentoML reads its path only once."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def start(
        self,
        code: str,
        *arguments: object,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[str]:
        """Run Python *code* in a subprocess with its own process group."""
        return subprocess.Popen(
            [sys.executable, "-c", code, *map(str, arguments)],
            cwd=cwd or self.home,
            env=os.environ | {"BENTOML_HOME": str(self.home)} | (env or {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,
        )

    def output(self, code: str, *arguments: object, cwd: Path | None = None) -> str:
        """The output of *code*."""
        process = self.start(code, *arguments, cwd=cwd)
        out, _ = process.communicate(timeout=300)
        assert process.returncode == 0, out
        return out.strip()

    def start_packing(self, source: Path, version: str) -> subprocess.Popen[str]:
        """Start `ripple.serving.package.package`, without waiting for it."""
        return self.start(PACKAGE, source, version)

    def pack(self, source: Path, version: str, cwd: Path | None = None) -> str:
        """Run `ripple.serving.package.package` and return the tag."""
        return self.output(PACKAGE, source, version, cwd=cwd)

    def start_serving(self, tag: str, port: int, **options: object) -> subprocess.Popen[str]:
        """`ripple.serving.package.serve`, with *options* of `ripple.serving.options`."""
        env = {f"RIPPLE_SERVE_{name.upper()}": str(value) for name, value in options.items()}
        return self.start(SERVE, tag, port, env=env)

    def bento(self, tag: str) -> Path:
        """The folder of a Bento."""
        return self.home / "bentos" / Path(*tag.split(":"))

    def items(self) -> dict[str, int]:
        """Models and Bentos in the store, and the time at which each was last changed."""
        items = (item for kind in ("bentos", "models") for item in self.home.glob(f"{kind}/*/*"))
        return {
            item.relative_to(self.home).as_posix(): item.stat().st_mtime_ns for item in items if item.is_dir()
        }


PACKAGE = """
import sys
from pathlib import Path
from ripple.serving.package import package
print(package(Path(sys.argv[1]), sys.argv[2]))
"""

SERVE = """
import sys
from ripple.serving.package import serve, set_options
set_options()
sys.exit(serve(sys.argv[1], port=int(sys.argv[2])))
"""


@pytest.fixture
def empty_store(tmp_path: Path) -> Store:
    (tmp_path / "bentoml").mkdir()
    return Store(tmp_path / "bentoml")


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("bentoml"))


@pytest.fixture(scope="session")
def tag(store: Store, source: Path) -> str:
    """The source packed into the store."""
    return store.pack(source, "1")


@pytest.fixture(scope="session")
def serve(store: Store, tag: str) -> Callable[..., ScoringServer]:
    """Prepares a real server with *options* of `ripple.serving.options`, and an HTTP client with *key*."""

    def prepare(key: str | None = None, **options: object) -> ScoringServer:
        port = free_port()
        return ScoringServer(store.start_serving(tag, port, **options), f"http://127.0.0.1:{port}", key)

    return prepare


@pytest.fixture(scope="session")
def server(serve: Callable[..., ScoringServer]) -> Iterator[ScoringServer]:
    """The real server with default options, ready."""
    with serve() as server:
        yield server


@pytest.fixture(scope="session")
def client(server: ScoringServer) -> httpx.Client:
    """An HTTP client of the server with default options."""
    return server.http


@pytest.fixture(scope="session")
def run() -> Callable[[Coroutine[Any, Any, Any]], Any]:
    """Runs a coroutine to its end."""
    return LOOP.run


@pytest.fixture(scope="module")
def scripted() -> Iterator[Scripted]:
    script = Scripted()
    thread = threading.Thread(target=script.server.serve_forever, args=(0.02,))
    thread.start()
    yield script
    script.server.shutdown()
    thread.join()
    script.server.server_close()


@pytest.fixture(params=[Client, Blocking])
def connect(request: pytest.FixtureRequest) -> Iterator[Callable[..., Client]]:
    """Makes clients of either kind, which are closed at the end."""
    with ExitStack() as stack:
        yield lambda *arguments, **options: stack.enter_context(request.param(*arguments, **options))
