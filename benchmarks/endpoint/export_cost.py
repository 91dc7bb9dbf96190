"""What exporting all scores of a million customers costs: `make bench-export`.

The real service, one worker on a folder store, sends everybody to a reader on the same machine who throws
the bytes away. wall_s is what the reader waits, cpu_s what the worker computes, and above_rest_mb the most
memory of its own that it takes beyond what it held before the first export; the publication's file, which all
workers of a machine share, is not in it.

The floor is a process that reads ids and scores from the same publication with pyarrow, the rows at once, and
writes the same format with pyarrow to a file; lines of JSON have the floor of Arrow, as pyarrow does not
write them. x_wall and x_cpu are export ÷ floor. Goals: 30 s and 200 MB.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx
import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.endpoint.publishing_cost import prepare, publish_to_folder
from benchmarks.endpoint.server_processes import bento
from benchmarks.harness import Run, cost, fresh_processes, write_results
from ripple.settings import Model

EXPORTS = (("arrow", 0), ("parquet", 0), ("ndjson", 0), ("arrow", 5), ("parquet", 5))
"""Formats and numbers of reasons."""
SAMPLE_SECONDS = 0.05
"""The time between two looks at the worker's memory."""


def floor(folder: Path, name: str, kind: str) -> None:
    """Read ids and scores of a publication, and write them."""
    path = folder / "store/publications" / name / "snapshot.arrow"
    with pa.ipc.open_file(pa.memory_map(str(path))) as file:
        batch = file.get_batch(0)
    scores = batch.column("scores")
    width = scores.type.list_size
    values = scores.flatten().to_numpy().reshape(-1, width)
    columns = {"customer_id": batch.column("customer_id")}
    columns |= {f"score_{place}": pa.array(values[:, place].copy()) for place in range(width)}
    table = pa.table(columns)
    if kind == "parquet":
        pq.write_table(table, folder / "floor.parquet", compression="zstd")
        return
    with pa.OSFile(str(folder / "floor.arrow"), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as out:
        out.write_table(table)


def worker(server: int) -> psutil.Process:
    """The worker of a service."""
    (found,) = (
        process
        for process in psutil.Process(server).children(recursive=True)
        if any("worker.service" in word for word in process.cmdline())
    )
    return found


def own_memory(process: psutil.Process) -> int:
    """The resident memory of a process in bytes, without files that it maps, which others may share."""
    memory = process.memory_info()
    return int(memory.rss - memory.shared)


def export(port: int, process: psutil.Process, kind: str, explain: int, rest: int) -> dict[str, float]:
    """Read an export, and watch the worker meanwhile, which took *rest* bytes before the first export."""
    ended, most = Event(), [own_memory(process)]

    def watch() -> None:
        while not ended.wait(SAMPLE_SECONDS):
            most.append(own_memory(process))

    watching = Thread(target=watch)
    used, started, size = process.cpu_times(), time.perf_counter(), 0
    watching.start()
    try:
        url = f"http://127.0.0.1:{port}/v1/export?format={kind}&explain={explain}"
        with httpx.stream("GET", url, timeout=60) as answer:
            answer.raise_for_status()
            for part in answer.iter_raw():
                size += len(part)
        seconds, after = time.perf_counter() - started, process.cpu_times()
    finally:
        ended.set()
        watching.join()
    spent = after.user + after.system - used.user - used.system
    return {
        "wall_s": seconds,
        "cpu_s": spent,
        "above_rest_mb": (max(most) - rest) / 1e6,
        "sent_mb": size / 1e6,
    }


def measure(run: Run, folder: Path, customers: int, model: Model) -> Iterator[dict[str, Any]]:
    """Yield a row for every floor and every export."""
    tag = run(prepare, folder, customers, model)
    name = run(publish_to_folder, folder)
    floors = {}
    for kind in ("arrow", "parquet"):
        _, floors[kind] = run(cost, floor, folder, name, kind)
        yield {"what": "floor", "format": kind, "reasons": 0, **floors[kind]}
    env = {"RIPPLE_SERVE_STORE": str(folder / "store"), "BENTOML_HOME": str(folder / "bentoml")}
    with bento(tag, folder / "export.log", env=env) as server:
        serving = worker(server.process)
        rest = own_memory(serving)
        # the first one loads what writes Parquet
        export(server.port, serving, "parquet", 1, rest)
        for kind, explain in EXPORTS:
            spent = export(server.port, serving, kind, explain, rest)
            least = floors["parquet" if kind == "parquet" else "arrow"]
            ratios = {f"x_{name}": spent[f"{name}_s"] / least[f"{name}_s"] for name in ("wall", "cpu")}
            yield {
                "what": "export",
                "format": kind,
                "reasons": explain,
                **spent,
                **ratios,
                "goal": "30 s, 200 MB",
            }


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--customers", type=int, default=1_000_000, help="to export (1,000,000)")
    options = parser.parse_args()
    with fresh_processes() as run, tempfile.TemporaryDirectory() as folder:
        write_results("export", list(measure(run, Path(folder), options.customers, Model())))


if __name__ == "__main__":
    main()
