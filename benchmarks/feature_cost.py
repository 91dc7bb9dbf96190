"""What the features cost against a floor, at three sizes: `python benchmarks/feature_cost.py`.

The floor is one scan of the usage events with a group-by of customer, day and feature, by DuckDB alone, on
two threads as the features. The groups are counted and forgotten. Every figure is of a process of its own:
CPU seconds of all its threads, and its largest size. A row is a number of customers and a span: `all` three
years of events, or only the files of the last `year`. Its columns, goals in brackets:

- cutoff_x_floor (at most 10): one cutoff from an empty cache to a Parquet file, by that floor; peak_gb (8).
- check_s, check_gb: checking the rules of the contract, which `ripple` does before; not in the above.
- twelve_x_one (2.5): twelve monthly cutoffs from an empty cache, by one; also with the check in both.
- next_s, next_x_year: one of the eleven cutoffs after the first, and that by the floor over the last year.
- day_x_first (0.15): the newest cutoff after a day of events was added, on what the first run kept, by the
  first run; also with the check in both (day_check_s: what checking that day took).
- us_per_event, growth (1): CPU of one cutoff by event of any table, and that by the smallest size.
- pandas_x_cpu, pandas_x_peak: what `feature_peer` takes for the same features, by what one cutoff took.

(The file is not called features.py, as it would then hide the package from whatever runs in this folder.)
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import duckdb
import feature_peer
import pandas as pd
import pyarrow.parquet as pq
from feature_data import END, START, TABLES, append_day, write
from harness import cpu_seconds, peak_memory_gb, publish

from ripple import atomic
from ripple.features.dataset import Dataset, Engine, open_dataset
from ripple.features.matrix import matrix
from ripple.features.validation.checks import load
from ripple.settings import Settings

SIZES = (100_000, 300_000, 1_000_000)
SMALL, PEER = 3_000, 100_000
"""At how many customers the peer must agree, and up to how many it is measured."""
KEPT = Path(".ripple/benchmarks")
COMPLETE = "generated.json"
"""What generating a dataset took; it is there when the dataset is complete."""
THREADS, MEMORY = 2, "5GB"
YEAR = END - timedelta(days=365)
TWELVE = (*(datetime(END.year - 1, month, 1) for month in range(2, 13)), END)

Run = Callable[..., Any]
"""Calls a function in a fresh process."""

FLOOR = """
SELECT count(*), sum(events) FROM (
    SELECT customer_id, occurred_at::DATE AS day, feature, count(*) AS events
    FROM '{0}/usage/*.parquet' WHERE occurred_at >= ? AND occurred_at < ? GROUP BY ALL
)"""


def generated(customers: int, keep: Path) -> Path:
    """The folder in *keep* with so many customers, made up unless it is there already."""
    folder = keep / f"features-{customers}"
    if not (folder / COMPLETE).exists():
        with atomic.folder(folder) as building:
            started, used = time.perf_counter(), time.process_time()
            write(customers, building)
            took = {
                "wall_s": time.perf_counter() - started,
                "cpu_s": time.process_time() - used,
                "peak_gb": peak_memory_gb(),
            }
            (building / COMPLETE).write_text(json.dumps(took, indent=1) + "\n", encoding="utf-8")
    return folder


@contextmanager
def scratch(folder: Path, files: str = "*") -> Iterator[Path]:
    """Yield a copy of the dataset, of links to its files, which may be added to, as by `append_day`.

    Of the tables but customers it holds only *files*.
    """
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".scratch-") as place:
        copy = Path(shutil.copytree(folder, Path(place) / folder.name, copy_function=os.link))
        for table in TABLES:
            for file in set((copy / table).iterdir()) - set((copy / table).glob(files)):
                if table != "customers":
                    file.unlink()
        yield copy


def floor(folder: Path, start: datetime, end: datetime) -> float:
    """CPU seconds of DuckDB for one scan and group-by of the usage in [*start*, *end*)."""
    with (
        tempfile.TemporaryDirectory(dir=folder.parent, prefix=".spill-") as spill,
        duckdb.connect(
            config={"threads": THREADS, "memory_limit": MEMORY, "temp_directory": spill}
        ) as engine,
    ):
        engine.execute("SET enable_progress_bar = false")
        return cpu_seconds(lambda: engine.execute(FLOOR.format(folder), [start, end]).fetchone())


def sizes(folder: Path) -> dict[str, int]:
    """Rows of usage, and events: rows of every table that has customers."""
    rows = {
        table: sum(pq.read_metadata(file).num_rows for file in (folder / table).glob("*.parquet"))
        for table in TABLES
    }
    return {"usage": rows["usage"], "events": sum(rows.values())}


def opened(folder: Path, settings: Settings, engine: Engine = "duckdb") -> Dataset:
    """The dataset, in an engine with the threads and the memory of the benchmark."""
    dataset = open_dataset(folder, settings, engine)
    dataset.tables["orders"].get_backend().raw_sql(
        f"SET threads = {THREADS}; SET memory_limit = '{MEMORY}'; SET enable_progress_bar = false; "
        f"SET temp_directory = '{folder.parent / '.spill'}'"
    )
    return dataset


def cutoffs(folder: Path, cache: Path, moments: Sequence[datetime]) -> dict[str, float]:
    """CPU seconds, seconds and peak memory of the features at *moments*, each written to Parquet."""
    dataset = replace(opened(folder, Settings()), cache=cache)
    used, started = time.process_time(), time.perf_counter()
    with tempfile.TemporaryDirectory(dir=cache.parent) as place:
        for moment in moments:
            matrix(dataset, moment).to_parquet(Path(place) / f"{moment:%Y-%m-%d}.parquet")
    return {
        "cpu_s": time.process_time() - used,
        "wall_s": time.perf_counter() - started,
        "peak_gb": peak_memory_gb(),
    }


def check(folder: Path, cache: Path) -> dict[str, float]:
    """CPU seconds and peak memory of checking every rule of the contract, as far as *cache* does not tell."""
    with mock.patch("ripple.features.validation.checks.open_dataset", opened):
        cpu = cpu_seconds(lambda: load(folder, Settings(), cache=cache), rounds=1)
    return {"cpu_s": cpu, "peak_gb": peak_memory_gb()}


def peer(folder: Path) -> dict[str, float]:
    """CPU seconds and peak memory of the same features in pandas."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".peer-") as place:
        cpu = cpu_seconds(
            lambda: feature_peer.features(folder, END, Settings()).to_parquet(Path(place) / "made.parquet"),
            rounds=1,
        )
    return {"cpu_s": cpu, "peak_gb": peak_memory_gb()}


def refuse_different_features() -> None:
    """The peer has to agree in every column, up to the sixth decimal, to which some are rounded."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "small"
        write(SMALL, folder)
        ours = matrix(open_dataset(folder, Settings()), END).to_pyarrow().to_pandas()
        theirs = feature_peer.features(folder, END, Settings())
        pd.testing.assert_frame_equal(
            ours.set_index("customer_id"), theirs, check_like=True, rtol=1e-6, atol=1e-6
        )


def measured(run: Run, customers: int, keep: Path) -> Iterator[dict[str, Any]]:
    """The rows of one size."""
    folder = run(generated, customers, keep)
    with scratch(folder) as copy, _cache(keep) as cache:
        floor_s, events = run(floor, copy, START, END), run(sizes, copy)
        checked = run(check, copy, cache)
        first = run(cutoffs, copy, cache, [END])
        kept_gb = sum(file.stat().st_size for file in cache.rglob("*.parquet")) / 1e9
        run(append_day, copy)
        day_checked = run(check, copy, cache)
        day = run(cutoffs, copy, cache, [END + timedelta(days=1)])
    with _cache(keep) as cache:
        twelve = run(cutoffs, folder, cache, TWELVE)
    further = (twelve["cpu_s"] - first["cpu_s"]) / (len(TWELVE) - 1)
    pandas = run(peer, folder) if customers <= PEER else None
    yield {
        "customers": customers,
        "span": "all",
        **_cutoff(events, floor_s, first),
        "kept_gb": kept_gb,
        "check_s": checked["cpu_s"],
        "check_gb": checked["peak_gb"],
        "twelve_s": twelve["cpu_s"],
        "twelve_gb": twelve["peak_gb"],
        "twelve_x_one": twelve["cpu_s"] / first["cpu_s"],
        "next_s": further,
        "next_x_year": further / run(floor, folder, YEAR, END),
        "with_check": (twelve["cpu_s"] + checked["cpu_s"]) / (first["cpu_s"] + checked["cpu_s"]),
        "day_s": day["cpu_s"],
        "day_x_first": day["cpu_s"] / first["cpu_s"],
        "day_check_s": day_checked["cpu_s"],
        "day_with_check": (day["cpu_s"] + day_checked["cpu_s"]) / (first["cpu_s"] + checked["cpu_s"]),
        "pandas_x_cpu": pandas and pandas["cpu_s"] / first["cpu_s"],
        "pandas_x_peak": pandas and pandas["peak_gb"] / first["peak_gb"],
    }
    with scratch(folder, f"{YEAR:%Y}-*") as copy, _cache(keep) as cache:
        floor_s, events = run(floor, copy, YEAR, END), run(sizes, copy)
        yield {
            "customers": customers,
            "span": "year",
            **_cutoff(events, floor_s, run(cutoffs, copy, cache, [END])),
        }


def _cutoff(events: dict[str, int], floor_s: float, first: dict[str, float]) -> dict[str, Any]:
    return {
        **events,
        "floor_s": floor_s,
        "cutoff_s": first["cpu_s"],
        "cutoff_x_floor": first["cpu_s"] / floor_s,
        "wall_s": first["wall_s"],
        "peak_gb": first["peak_gb"],
        "us_per_event": 1e6 * first["cpu_s"] / events["events"],
    }


@contextmanager
def _cache(keep: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=keep, prefix=".cache-") as place:
        yield Path(place)


def main() -> None:
    """Measure every size and print one table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--customers", type=int, nargs="+", default=SIZES, help="how many, one or more numbers"
    )
    parser.add_argument("--keep", type=Path, default=KEPT, metavar="FOLDER", help=f"of the datasets ({KEPT})")
    chosen = parser.parse_args()
    rows: list[dict[str, Any]] = []
    # a process for each task, begun by this one, which stays small: peak memory is inherited from the parent
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=fresh, max_tasks_per_child=1) as processes:

        def run(work: Callable[..., Any], *given: Any) -> Any:
            return processes.submit(work, *given).result()

        run(refuse_different_features)
        for customers in sorted(chosen.customers):
            rows += measured(run, customers, chosen.keep)
    smallest = {row["span"]: row["us_per_event"] for row in reversed(rows)}
    publish(
        "feature_cost",
        [
            dict.fromkeys(rows[0]) | row | {"growth": row["us_per_event"] / smallest[row["span"]]}
            for row in rows
        ],
    )


if __name__ == "__main__":
    main()
