"""What the features cost against a floor and a peer, at three sizes: `make bench-features`.

The floor is one scan of the usage events with a group-by of customer, day and feature, by DuckDB alone, on
two threads as the features. The groups are counted and forgotten. The peer is `feature_peer`, in pandas.
Every figure is of a process of its own: CPU seconds of all its threads (`_s`), wall-clock seconds (wall_s)
and peak memory in GB (`_gb`). A row is a number of customers and a span: `all` three years of events, or only
the files of the last `year`. Its columns, goals in brackets:

- cutoff_x_floor (at most 10): one cutoff from an empty cache to a Parquet file ÷ the floor; peak_gb (8).
- check_s, check_gb: checking the rules of the contract, which `ripple` does before; not in the above.
- twelve_x_one (2.5): twelve monthly cutoffs from an empty cache ÷ one; also with the check in both.
- next_s, next_x_year: one of the eleven cutoffs after the first, and that ÷ the floor over the last year.
- day_x_first (0.15): the newest cutoff after a day of events was added, on what the first run kept, ÷ the
  first run; also with the check in both (day_check_s: what checking that day took).
- mapped_x_one (1.3): check and one cutoff of the same rows under other names, with times since 1970 and
  amounts in cents, by a mapping in ripple.toml, ÷ check and one cutoff as above.
- us_per_event, growth (1): microseconds of CPU of one cutoff an event of any table, ÷ the smallest size's.
- pandas_x_cpu, pandas_x_peak: CPU and peak memory of the peer for the same features ÷ those of one cutoff.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import duckdb
import pandas as pd
import pyarrow.parquet as pq

from benchmarks import feature_peer
from benchmarks.feature_data import END, START, TABLES, append_day, write
from benchmarks.harness import Run, cost, cpu_seconds, fresh_processes, peak_memory_gb, write_results
from ripple import atomic
from ripple.features.dataset import Dataset, Engine, open_dataset
from ripple.features.matrix import matrix
from ripple.features.validation.checks import load
from ripple.settings import Settings
from ripple.settings import load as load_settings

SIZES = (100_000, 300_000, 1_000_000)
PEER_CHECK_SIZE, MAX_PEER_SIZE = 3_000, 100_000
"""The number of customers for whom the peer has to agree, and the largest for which it is measured."""
DATASETS = Path(".ripple/benchmarks")
COMPLETE = "generated.json"
"""The file that says what generating a dataset cost; it is there when the dataset is complete."""
THREADS, MEMORY = 2, "5GB"
YEAR = END - timedelta(days=365)
MONTHLY_CUTOFFS = (*(datetime(END.year - 1, month, 1) for month in range(2, 13)), END)

FLOOR = """
SELECT count(*), sum(events) FROM (
    SELECT customer_id, occurred_at::DATE AS day, feature, count(*) AS events
    FROM '{0}/usage/*.parquet' WHERE occurred_at >= ? AND occurred_at < ? GROUP BY ALL
)"""


def generate(customers: int, datasets: Path) -> Path:
    """The folder in *datasets* with a dataset of so many customers, generated unless it is there already."""
    folder = datasets / f"features-{customers}"
    if not (folder / COMPLETE).exists():
        with atomic.folder(folder) as building:
            _, generating = cost(write, customers, building)
            (building / COMPLETE).write_text(json.dumps(generating, indent=1) + "\n", encoding="utf-8")
    return folder


@contextmanager
def linked_copy(folder: Path, files: str = "*") -> Iterator[Path]:
    """Yield a copy of the dataset, of hard links to its files, to which `append_day` may add.

    Of every table but customers it holds only the files that match the pattern *files*.
    """
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".copy-") as parent:
        copy = Path(shutil.copytree(folder, Path(parent) / folder.name, copy_function=os.link))
        for table in TABLES:
            for file in set((copy / table).iterdir()) - set((copy / table).glob(files)):
                if table != "customers":
                    file.unlink()
        yield copy


MAPPING = """
[tables.usage]
from = "events"
[tables.usage.columns]
customer_id = "account"
occurred_at = { column = "ms", format = "epoch ms" }
feature = "event_name"
[tables.orders]
from = "invoices"
[tables.orders.columns]
customer_id = "account"
ordered_at = { column = "ms", format = "epoch ms" }
product = "sku"
revenue = { column = "amount", unit = "cents" }
"""
RENAMED = {
    "usage": (
        "events",
        "epoch_ms(occurred_at) AS ms, customer_id AS account, feature AS event_name, "
        "COLUMNS(* EXCLUDE (occurred_at, customer_id, feature))",
    ),
    "orders": (
        "invoices",
        "epoch_ms(ordered_at) AS ms, customer_id AS account, product AS sku, "
        "round(100 * revenue)::BIGINT AS amount, "
        "COLUMNS(* EXCLUDE (ordered_at, customer_id, product, revenue))",
    ),
}
"""The largest tables → their names and columns at a company whose tables have to be mapped."""


def write_as_theirs(folder: Path, theirs: Path) -> None:
    """Write the dataset of *folder* as the company of `MAPPING` has it."""
    shutil.copytree(folder, theirs, copy_function=os.link)
    (theirs / "ripple.toml").write_text(MAPPING, encoding="utf-8")
    with duckdb.connect() as engine:
        for table, (name, columns) in RENAMED.items():
            shutil.rmtree(theirs / table)
            (theirs / name).mkdir()
            for file in sorted((folder / table).glob("*.parquet")):
                engine.execute(f"COPY (SELECT {columns} FROM '{file}') TO '{theirs / name / file.name}'")


def floor_seconds(folder: Path, start: datetime, end: datetime) -> float:
    """CPU seconds of DuckDB for one scan and group-by of the usage in [*start*, *end*)."""
    with (
        tempfile.TemporaryDirectory(dir=folder.parent, prefix=".spill-") as spill,
        duckdb.connect(
            config={"threads": THREADS, "memory_limit": MEMORY, "temp_directory": spill}
        ) as engine,
    ):
        engine.execute("SET enable_progress_bar = false")
        return cpu_seconds(lambda: engine.execute(FLOOR.format(folder), [start, end]).fetchone())


def count_events(folder: Path) -> dict[str, int]:
    """The number of rows of usage, and of events: rows of every table that has customers."""
    rows = {
        table: sum(pq.read_metadata(file).num_rows for file in (folder / table).glob("*.parquet"))
        for table in TABLES
    }
    return {"usage": rows["usage"], "events": sum(rows.values())}


def open_limited(folder: Path, settings: Settings, engine: Engine = "duckdb") -> Dataset:
    """Open the dataset in an engine with the threads and the memory of the benchmark."""
    dataset = open_dataset(folder, settings, engine)
    dataset.tables["orders"].get_backend().raw_sql(
        f"SET threads = {THREADS}; SET memory_limit = '{MEMORY}'; SET enable_progress_bar = false; "
        f"SET temp_directory = '{folder.parent / '.spill'}'"
    )
    return dataset


def features_cost(folder: Path, cache: Path, cutoffs: Sequence[datetime]) -> dict[str, float]:
    """Cost of the features at *cutoffs*, each written to Parquet."""
    dataset = replace(open_limited(folder, load_settings(folder)), cache=cache)

    def write_matrices() -> None:
        with tempfile.TemporaryDirectory(dir=cache.parent) as place:
            for cutoff in cutoffs:
                matrix(dataset, cutoff).to_parquet(Path(place) / f"{cutoff:%Y-%m-%d}.parquet")

    return cost(write_matrices)[1]


def check_cost(folder: Path, cache: Path) -> dict[str, float]:
    """CPU seconds and peak memory of checking every rule of the contract whose outcome is not in *cache*."""
    with mock.patch("ripple.features.validation.checks.open_dataset", open_limited):
        cpu = cpu_seconds(lambda: load(folder, load_settings(folder), cache=cache), rounds=1)
    return {"cpu_s": cpu, "peak_gb": peak_memory_gb()}


def peer_cost(folder: Path) -> dict[str, float]:
    """CPU seconds and peak memory of the same features in pandas."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".peer-") as place:
        file = Path(place) / "features.parquet"
        cpu = cpu_seconds(
            lambda: feature_peer.features(folder, END, Settings()).to_parquet(file),
            rounds=1,
        )
    return {"cpu_s": cpu, "peak_gb": peak_memory_gb()}


def check_peer_agrees() -> None:
    """Raise an AssertionError unless the peer agrees in every column, up to the sixth decimal.

    To that decimal some features are rounded.
    """
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "small"
        write(PEER_CHECK_SIZE, folder)
        ours = matrix(open_dataset(folder, Settings()), END).to_pyarrow().to_pandas()
        theirs = feature_peer.features(folder, END, Settings())
        pd.testing.assert_frame_equal(
            ours.set_index("customer_id"), theirs, check_like=True, rtol=1e-6, atol=1e-6
        )


def measure(run: Run, customers: int, datasets: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of one size."""
    folder = run(generate, customers, datasets)
    with linked_copy(folder) as copy, _cache(datasets) as cache:
        floor_s, events = run(floor_seconds, copy, START, END), run(count_events, copy)
        check = run(check_cost, copy, cache)
        first = run(features_cost, copy, cache, [END])
        kept_gb = sum(file.stat().st_size for file in cache.rglob("*.parquet")) / 1e9
        run(append_day, copy)
        day_check = run(check_cost, copy, cache)
        day = run(features_cost, copy, cache, [END + timedelta(days=1)])
    with tempfile.TemporaryDirectory(dir=datasets, prefix=".mapped-") as place, _cache(datasets) as cache:
        theirs = Path(place) / "theirs"
        run(write_as_theirs, folder, theirs)
        mapped_s = run(check_cost, theirs, cache)["cpu_s"] + run(features_cost, theirs, cache, [END])["cpu_s"]
    with _cache(datasets) as cache:
        twelve = run(features_cost, folder, cache, MONTHLY_CUTOFFS)
    further_s = (twelve["cpu_s"] - first["cpu_s"]) / (len(MONTHLY_CUTOFFS) - 1)
    pandas = run(peer_cost, folder) if customers <= MAX_PEER_SIZE else None
    yield {
        "customers": customers,
        "span": "all",
        **_one_cutoff(events, floor_s, first),
        "kept_gb": kept_gb,
        "check_s": check["cpu_s"],
        "check_gb": check["peak_gb"],
        "twelve_s": twelve["cpu_s"],
        "twelve_gb": twelve["peak_gb"],
        "twelve_x_one": twelve["cpu_s"] / first["cpu_s"],
        "next_s": further_s,
        "next_x_year": further_s / run(floor_seconds, folder, YEAR, END),
        "with_check": (twelve["cpu_s"] + check["cpu_s"]) / (first["cpu_s"] + check["cpu_s"]),
        "mapped_s": mapped_s,
        "mapped_x_one": mapped_s / (check["cpu_s"] + first["cpu_s"]),
        "day_s": day["cpu_s"],
        "day_x_first": day["cpu_s"] / first["cpu_s"],
        "day_check_s": day_check["cpu_s"],
        "day_with_check": (day["cpu_s"] + day_check["cpu_s"]) / (first["cpu_s"] + check["cpu_s"]),
        "pandas_x_cpu": pandas and pandas["cpu_s"] / first["cpu_s"],
        "pandas_x_peak": pandas and pandas["peak_gb"] / first["peak_gb"],
    }
    with linked_copy(folder, f"{YEAR:%Y}-*") as copy, _cache(datasets) as cache:
        floor_s, events = run(floor_seconds, copy, YEAR, END), run(count_events, copy)
        yield {
            "customers": customers,
            "span": "year",
            **_one_cutoff(events, floor_s, run(features_cost, copy, cache, [END])),
        }


def _one_cutoff(events: dict[str, int], floor_s: float, first: dict[str, float]) -> dict[str, Any]:
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
def _cache(datasets: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=datasets, prefix=".cache-") as folder:
        yield Path(folder)


def main() -> None:
    """Measure every size and print one table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--customers", type=int, nargs="+", default=SIZES, help="how many, one or more numbers"
    )
    parser.add_argument(
        "--keep", type=Path, default=DATASETS, metavar="FOLDER", help=f"of the datasets ({DATASETS})"
    )
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with fresh_processes() as run:
        run(check_peer_agrees)
        for customers in sorted(options.customers):
            rows += measure(run, customers, options.keep)
    smallest = {row["span"]: row["us_per_event"] for row in reversed(rows)}
    write_results(
        "feature_cost", [row | {"growth": row["us_per_event"] / smallest[row["span"]]} for row in rows]
    )


if __name__ == "__main__":
    main()
