"""What the label costs against a floor, at three sizes: `make bench-attribution`.

The goal is a million customers with 10 million orders and 20 million interactions in under 4 minutes (wall_s)
and 8 GB (peak_gb) on two cores, and a cost that grows no faster than events × log events: x_n_log_n is CPU
per event and per log2 of the events, ÷ that of the smallest size, so at most 1 means no faster. The floor is
one scan of orders and interactions with a group-by of customer, by DuckDB alone, on two threads as the
label: label_x_floor is CPU seconds of the label ÷ those of the floor. influence_share of the window's revenue
says that the label found some influence in the data, which are synthetic, see `attribution_data`.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.attribution_data import END, write
from benchmarks.harness import Run, cost, cpu_seconds, fresh_processes, write_results
from ripple.features.dataset import open_dataset
from ripple.settings import Settings
from ripple.training.attribution import network_value

SIZES = (100_000, 300_000, 1_000_000)
THREADS = 2
QUIET = "SET enable_progress_bar = false"
START = END - timedelta(days=180)

FLOOR = """
SELECT customer_id, count(*), max(moment), sum(amount) FROM (
    SELECT customer_id, ordered_at AS moment, revenue AS amount FROM '{0}/orders.parquet'
    UNION ALL SELECT source_id, occurred_at, weight FROM '{0}/interactions.parquet'
) GROUP BY ALL"""
ADOPTIONS = """
SELECT count(*) FROM (
    SELECT min(ordered_at) AS adopted FROM '{0}/orders.parquet' GROUP BY customer_id, product
) WHERE adopted > ? AND adopted <= ?"""


def label_cost(folder: Path) -> dict[str, Any]:
    """Cost of the label of the dataset in *folder*, and of the floor."""
    dataset = open_dataset(folder, Settings(until=END))
    dataset.tables["orders"].get_backend().raw_sql(f"SET threads = {THREADS}; {QUIET}")
    labels, spent = cost(lambda: network_value(dataset.tables, START, END, dataset.settings).to_pyarrow())
    with duckdb.connect(config={"threads": THREADS}) as connection:
        connection.execute(QUIET)
        floor = cpu_seconds(lambda: connection.sql(FLOOR.format(folder)).to_arrow_table())
        (adoptions,) = connection.execute(ADOPTIONS.format(folder), [START, END]).fetchone() or (0,)
    rows = {
        name: pq.read_metadata(folder / f"{name}.parquet").num_rows
        for name in ("customers", "orders", "interactions")
    }
    influence, revenue = (pc.sum(labels[name]).as_py() for name in ("influence_value", "direct_value"))
    return rows | {
        "adoptions": adoptions,
        **spent,
        "cpu_us_per_event": 1e6 * spent["cpu_s"] / (rows["orders"] + rows["interactions"]),
        "x_n_log_n": None,
        "floor_cpu_s": floor,
        "label_x_floor": spent["cpu_s"] / floor,
        "influence_share": influence / revenue,
    }


def measure(run: Run, sizes: list[int]) -> list[dict[str, Any]]:
    """A row for each size, the smallest first."""
    rows = []
    for size in sorted(sizes):
        with tempfile.TemporaryDirectory() as folder:
            run(write, size, Path(folder))
            rows.append(run(label_cost, Path(folder)))
    costs = [row["cpu_us_per_event"] / math.log2(row["orders"] + row["interactions"]) for row in rows]
    return [row | {"x_n_log_n": each / costs[0]} for row, each in zip(rows, costs, strict=True)]


def main() -> None:
    """Measure every size and print one table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="numbers of customers")
    options = parser.parse_args()
    with fresh_processes() as run:
        write_results("credit", measure(run, options.sizes))


if __name__ == "__main__":
    main()
